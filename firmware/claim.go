package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"tollgate/board"
	"tollgate/firmware/stick"
)

// claimTime is how long after power-on somebody may become the administrator with the first password.
const claimTime = 30 * time.Minute

// claimRecord keeps the first password in memory until the box is claimed, so that a restarted process shows the same one.
const claimRecord = "first-password"

// window is the time in which the first password counts: from power-on, and anew from a press of the button. Whoever has the
// password from an old screen, and cannot switch the box off and on, does not become its administrator.
type window struct {
	mu     sync.Mutex    // guards what follows
	opened time.Duration // since power-on
}

// reopen begins the time anew.
func (w *window) reopen() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.opened, _ = sincePowerOn()
}

// open tells whether the first password counts now.
func (w *window) open() bool {
	now, known := sincePowerOn()
	w.mu.Lock()
	defer w.mu.Unlock()
	return !known || now-w.opened < claimTime // else nobody could ever claim it
}

func sincePowerOn() (d time.Duration, known bool) {
	var up unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &up); err != nil {
		return 0, false
	}
	return time.Duration(up.Nano()), true
}

// firstPassword is the one that counts until the box is claimed; "": there is none.
func (b *box) firstPassword() string {
	if b.live == nil {
		return ""
	}
	records, _, err := b.live.Read()
	if err != nil {
		b.log.Error("the first password is not read", "err", err)
	}
	return string(records[claimRecord])
}

// passwordOnStick writes the first password onto a stick that was plugged in, for a box without a screen: only while nobody has
// claimed it, and only in the time in which the password counts.
func (b *box) passwordOnStick(ctx context.Context, device string) {
	if !b.options.Appliance || board.HasScreen("/") || !b.window.open() || b.claimed(ctx) {
		return
	}
	password, hardware := b.firstPassword(), board.Read("/")
	if password == "" {
		return
	}
	_, fingerprint := b.authority.CA()
	name, err := b.passwords.Store(ctx, device, passwordFile(hardware.Serial), []byte(passwordText(hardware.Serial, password, fingerprint, b.screen(ctx).pages)))
	if err != nil {
		b.log.Warn("the first password is not on the stick", "device", device, "why", err)
		return
	}
	if s := b.sticks.State(); s != nil && s.Device == device {
		b.passwordStick.Store(s.At.UnixNano())
	}
	b.log.Info("the first password is on the stick", "device", device, "file", name)
}

// passwordFile is the name of the file with the first password.
func passwordFile(serial string) string {
	return "tollgate-first-password-" + stick.FileName(serial) + ".txt"
}

// passwordText is what stands in it, in both languages of the page.
func passwordText(serial, password, fingerprint string, pages []string) string {
	return strings.ReplaceAll(fmt.Sprintf(`Tollgate %s

Page: %s
User / utilisateur: admin
First password / premier mot de passe: %s
Its authority / son autorite, SHA-256: %s

The password counts for 30 minutes after power-on or a press of the button, and until it is replaced. Delete this file then.
Il vaut 30 minutes apres la mise sous tension ou un appui sur le bouton, et jusqu'a ce qu'il soit remplace. Effacez alors ce fichier.
`, serial, strings.Join(pages, "  "), password, fingerprint), "\n", "\r\n")
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
