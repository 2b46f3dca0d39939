package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"tollgate/board/link"
	"tollgate/firmware/api"
	"tollgate/firmware/policy"
	"tollgate/firmware/trunk"
)

// errAway says that nobody can tell how a new system does: the network outside is away.
var errAway = errors.New("the network outside is away")

// registered are the trunks that are up.
func (b *box) registered() (names []string) {
	for _, s := range b.trunks.States() {
		if s.State == trunk.Up {
			names = append(names, s.Name)
		}
	}
	return names
}

// examineTrial tells whether a new system does what the one before did: the policy is in force, the kernel has the packet filter, and
// the trunks that were up are up again. The error is errAway while that cannot be told.
func (b *box) examineTrial(before []string) error {
	p := b.current(context.Background())
	if p == nil {
		if _, kept, err := b.store.Confirmed(); err != nil || kept {
			return checked(api.CheckPolicy, errors.Join(errors.New("the confirmed policy is not in force"), err))
		}
		return nil // a box that nobody has set up
	}
	if err := b.filter.Whole(); err != nil {
		return checked(api.CheckFilter, err)
	}
	err := checked(api.CheckTrunk, lost(before, b.trunks.States()))
	if err != nil && outsideAway(p.Network) {
		return fmt.Errorf("%w: %w", errAway, err)
	}
	return err
}

// lost tells which trunks were up before and are not; one that the policy has no more is not missed.
func lost(before []string, now []trunk.State) error {
	var faults []string
	for _, s := range now {
		if s.State != trunk.Up && slices.Contains(before, s.Name) {
			faults = append(faults, fmt.Sprintf("the trunk %s was up before the update, and is %s: %s", s.Name, s.State, s.Reason))
		}
	}
	if len(faults) > 0 {
		return errors.New(strings.Join(faults, "; "))
	}
	return nil
}

// outsideAway tells whether it is for reasons outside the box that nothing is heard there: the port is there, and there is no cable in
// it, or the router does not answer. That a port is gone is the new system's doing.
func outsideAway(n policy.Network) bool {
	all, err := link.Interfaces()
	return err == nil && away(all, n.Outside.Interface, n.Gateway, func(router netip.Addr) bool {
		_, answers := link.Probe(context.Background(), n.Outside.Interface, router)
		return answers
	})
}

func away(all []link.Interface, port string, router netip.Addr, answers func(netip.Addr) bool) bool {
	i := slices.IndexFunc(all, func(i link.Interface) bool { return i.Name == port })
	switch {
	case i < 0 || !all[i].Up:
		return false
	case !all[i].Carrier:
		return true
	}
	return router.Is4() && !answers(router)
}
