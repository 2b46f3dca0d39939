package main

import (
	"context"
	"net/netip"
	"reflect"
	"time"

	"tollgate/firmware/apply"
	"tollgate/netfilter"
)

// ahead is a packet filter that is written before its policy is put into force.
type ahead struct {
	done   chan struct{}     // closed when it is written, or will not be
	filter *netfilter.Filter // that was to be written; nil: none
	config netfilter.Config  // what it is; zero: it could not be written
}

// writeAhead writes the filter of the policy that is to be in force while the rest of the box is put together: that takes as long. It
// is done after power-on alone, when nothing is let in: the ports have no addresses until the policy is put into force, so that
// there is nobody to be reached sooner. Whatever is wrong is told then.
func (b *box) writeAhead(ctx context.Context, doc []byte) {
	b.sources.ahead = &ahead{done: make(chan struct{})}
	go b.sources.ahead.write(ctx, b, doc, b.sources.resolved.all(time.Now()))
}

func (a *ahead) write(ctx context.Context, b *box, doc []byte, resolved map[string][]netip.Addr) {
	defer close(a.done)
	p, err := b.read.parse(doc)
	if err != nil || p.Network.Wandering() {
		return
	}
	c := apply.Filter(p, resolved)
	<-b.shutting.done
	if !b.shutting.denied {
		return
	}
	a.filter = b.shutting.filter
	if err := a.filter.Set(ctx, c); err != nil {
		b.log.Warn("the packet filter is not written ahead", "err", err)
		return
	}
	a.config = c
}

// is waits until the filter is written, and tells whether it is this one.
func (a *ahead) is(c netfilter.Config) bool {
	if a == nil {
		return false
	}
	<-a.done
	return reflect.DeepEqual(a.config, c)
}

// withdraw has the filter let nothing in again, if it was to be written ahead.
func (a *ahead) withdraw(ctx context.Context) error {
	if a == nil {
		return nil
	}
	if <-a.done; a.filter == nil {
		return nil
	}
	return a.filter.Deny(ctx)
}
