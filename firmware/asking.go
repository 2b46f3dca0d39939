package main

import (
	"context"

	"tollgate/board/link"
	"tollgate/firmware/apply"
	"tollgate/firmware/policy"
)

// askAhead has it asked on the links whether other machines have the addresses of the policy that is to be in force, while the rest of
// the box is put together: half a second of a start is nothing but this question. The packet filter lets nothing in yet, and the
// addresses are given to the ports when the policy is put into force, if nobody has them. Whatever is wrong is told then.
func (b *box) askAhead(ctx context.Context) error {
	b.network.asked = make(chan *link.Inquiry, 1)
	rev, configured, err := b.store.Confirmed()
	if err != nil || !configured || !b.options.Appliance {
		close(b.network.asked)
		return err
	}
	go func() {
		defer close(b.network.asked)
		p, err := policy.ParseKept(rev.Policy)
		if err != nil || p.Network.Wandering() { // where it is to stand is not known
			return
		}
		if asked, err := link.Inquire(ctx, apply.Ports(p)); err == nil {
			b.network.asked <- asked
		}
	}()
	return nil
}
