package main

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// claimTime is how long after power-on somebody may become the administrator with the first password.
const claimTime = 30 * time.Minute

// claimRecord keeps the first password in memory until the box is claimed, so that a restarted process shows the same one.
const claimRecord = "first-password"

// claimable tells whether the power was switched on recently enough. Whoever has the first password from an old screen, and
// cannot switch the box off and on, does not become its administrator.
func claimable() bool {
	var up unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &up); err != nil {
		return true // nobody could ever claim it
	}
	return time.Duration(up.Nano()) < claimTime
}

// claim finds the first password of a machine of the box's own: the one that was just made, the one of the process before, or a
// new one after a power-off. An empty one means that the box is claimed.
func (b *box) claim(ctx context.Context, made string) (string, error) {
	if b.live == nil {
		return made, nil
	}
	if made == "" {
		unclaimed, err := b.server.Unclaimed(ctx)
		if err != nil || !unclaimed {
			return "", err
		}
		records, _, err := b.live.Read()
		if err != nil {
			return "", err
		}
		if kept := string(records[claimRecord]); kept != "" {
			return kept, nil
		}
		if made, err = b.server.NewFirstPassword(ctx); err != nil {
			return "", fmt.Errorf("make a first password: %w", err)
		}
	}
	return made, b.live.Write(claimRecord, []byte(made))
}

// claimed forgets the first password once it was replaced, and tells whether it was.
func (b *box) claimed(ctx context.Context) bool {
	if unclaimed, err := b.server.Unclaimed(ctx); err != nil || unclaimed {
		return false
	}
	if b.live != nil {
		if err := b.live.Remove(claimRecord); err != nil {
			b.log.Warn("the first password is not forgotten", "err", err)
		}
	}
	return true
}
