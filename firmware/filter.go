package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"tollgate/board/link"
	"tollgate/firmware/media"
	"tollgate/netfilter"
)

// shutting is a packet filter that is being taken over.
type shutting struct {
	done   chan struct{} // closed when nothing is let in, or what an earlier process let in is known, or err is set
	filter *netfilter.Filter
	denied bool // nothing is let in, by this process
	err    error
}

// opening is a relay that is being opened.
type opening struct {
	done  chan struct{} // closed when relay or err is set
	relay *media.Relay
	err   error
}

// shutAhead begins to take over the packet filter, and then to open the relay, beside what needs neither. The filter comes first: once
// it lets nothing in, the links are asked whose the addresses are, and for that answer all else has to wait in the end.
func (b *box) shutAhead(ctx context.Context) error {
	b.shutting = &shutting{done: make(chan struct{})}
	go func() {
		defer close(b.shutting.done)
		b.shutting.err = b.shutting.take(ctx, b.options.StayClosed, b.log)
	}()
	b.opening = &opening{done: make(chan struct{})}
	go func() {
		defer close(b.opening.done)
		<-b.shutting.done
		b.opening.relay, b.opening.err = media.New(pinholes{b.shutting}, b.log)
	}()
	return nil
}

func (s *shutting) take(ctx context.Context, stayClosed bool, log *slog.Logger) error {
	f, err := netfilter.Open(netfilter.Options{Log: log, Adopt: true})
	if err != nil {
		return fmt.Errorf("packet filter: %w", err)
	}
	if stayClosed && !f.Found() { // after power-on: the ports come up before anybody has said what may come in by them
		if err := f.Deny(ctx); err != nil {
			return errors.Join(err, f.Close())
		}
		s.denied = true
	}
	s.filter = f
	return nil
}

// openFilter waits until the packet filter is taken over and the relay is open.
func (b *box) openFilter(ctx context.Context) (err error) {
	<-b.shutting.done
	if b.filter, err = b.shutting.filter, b.shutting.err; err != nil {
		return err
	}
	if err := b.openPassage(); err != nil {
		return err
	}
	<-b.opening.done
	if b.relay, err = b.opening.relay, b.opening.err; err != nil {
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
