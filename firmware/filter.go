package main

import (
	"context"
	"errors"
	"fmt"

	"tollgate/board/link"
	"tollgate/firmware/media"
	"tollgate/netfilter"
)

// shutting is a packet filter that is being taken over.
type shutting struct {
	done   chan struct{} // closed when nothing is let in, or what an earlier process let in is known, or err is set
	filter *netfilter.Filter
	err    error
}

// shutAhead begins to take over the packet filter, beside what needs none.
func (b *box) shutAhead(ctx context.Context) error {
	b.shutting = &shutting{done: make(chan struct{})}
	go func() {
		defer close(b.shutting.done)
		b.shutting.filter, b.shutting.err = b.shutFirst(ctx)
	}()
	return nil
}

func (b *box) shutFirst(ctx context.Context) (*netfilter.Filter, error) {
	f, err := netfilter.Open(netfilter.Options{Log: b.log, Adopt: true})
	if err != nil {
		return nil, fmt.Errorf("packet filter: %w", err)
	}
	if b.options.StayClosed && !f.Found() { // after power-on: the ports come up before anybody has said what may come in by them
		if err := f.Deny(ctx); err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	return f, nil
}

// openFilter waits until the packet filter is taken over, and opens the relay, whose calls go through it.
func (b *box) openFilter(ctx context.Context) (err error) {
	<-b.shutting.done
	if b.filter, err = b.shutting.filter, b.shutting.err; err != nil {
		return err
	}
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
