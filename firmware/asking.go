package main

import (
	"bytes"
	"context"
	"sync"

	"tollgate/board/link"
	"tollgate/firmware/apply"
	"tollgate/firmware/policy"
)

// askAhead has it asked on the links whether other machines have the addresses of the policy that is to be in force, while the rest of
// the box is put together: half a second of a start is nothing but this question. The ports come up for it, so it waits until the packet
// filter lets nothing in. The addresses are given to the ports when the policy is put into force, if nobody has them. Whatever is wrong
// is told then.
func (b *box) askAhead(ctx context.Context) error {
	b.network.asked = make(chan *link.Inquiry, 1)
	rev, configured, err := b.store.Confirmed()
	if err != nil || !configured || !b.options.Appliance {
		close(b.network.asked)
		return err
	}
	go func() {
		defer close(b.network.asked)
		p, err := b.read.parse(rev.Policy)
		if err != nil || p.Network.Wandering() { // where it is to stand is not known
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-b.shutting.done:
		}
		if b.shutting.err != nil {
			return
		}
		if asked, err := link.Inquire(ctx, apply.Ports(p)); err == nil {
			b.network.asked <- asked
		}
	}()
	return nil
}

// readOnce reads the policy that the store has kept, once for all who ask at a start.
type readOnce struct {
	mu     sync.Mutex // held while it is read: who comes meanwhile waits for the same
	doc    []byte
	policy *policy.Policy
	err    error
}

func (r *readOnce) parse(doc []byte) (*policy.Policy, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.doc == nil || !bytes.Equal(r.doc, doc) {
		r.policy, r.err = policy.ParseKept(doc)
		r.doc = doc
	}
	return r.policy, r.err
}
