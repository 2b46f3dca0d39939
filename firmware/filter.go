package main

import (
	"context"
	"fmt"

	"tollgate/board/link"
	"tollgate/firmware/media"
	"tollgate/netfilter"
)

// openFilter takes over the packet filter, and opens the relay, whose calls go through it.
func (b *box) openFilter(ctx context.Context) (err error) {
	if b.filter, err = netfilter.Open(netfilter.Options{Log: b.log, Adopt: true}); err != nil {
		return fmt.Errorf("packet filter: %w", err)
	}
	if b.options.StayClosed && !b.filter.Found() { // after power-on: the ports come up before anybody has said what may come in by them
		if err := b.filter.Deny(ctx); err != nil {
			return err
		}
	}
	close(b.shut)
	if err := b.openPassage(); err != nil {
		return err
	}
	if b.relay, err = media.New(pinholes{b.filter}, b.log); err != nil {
		return err
	}
	go spareProcessors(ctx, b.relay)
	if err := preferThreads(b.relay.Threads()); err != nil {
		b.log.Warn("audio may come late while the box is busy", "err", err)
	}
	return b.keepIdentity()
}

// settleFilter shuts the pinholes of calls that an earlier process left and this one has not taken up. Calls are taken up
// before it: within the policy's parts, each by opening its own pinholes again, which the kernel's table still has.
func (b *box) settleFilter() {
	if err := b.filter.Settle(); err != nil {
		b.log.Error("pinholes of an earlier process not shut", "err", err)
	}
}

// shutFilter takes the filter's rules away, or leaves those that let nothing in.
func (b *box) shutFilter() error {
	if err := b.forwarder.Set(link.Forwarding{}); err != nil { // before the rules that say what passes are gone
		b.log.Error("the system goes on passing packets between its ports", "err", err)
	}
	if b.options.StayClosed {
		return b.filter.Deny(context.Background())
	}
	return b.filter.Remove()
}
