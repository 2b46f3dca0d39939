package dhcpserver

import (
	"net/netip"
	"slices"
	"time"
)

// Aside is an address that is lent to nobody for a while, because another machine has it without having been lent it.
type Aside struct {
	Address netip.Addr
	// Hardware is that machine's hardware address; empty where a client has found it (DHCPDECLINE), which does not say.
	Hardware string
	Until    time.Time
}

// putAside has an address lent to nobody for a while. Whoever has been offered it, or lent, has it no more.
func (t *table) putAside(a netip.Addr, user string, now time.Time) {
	if e := t.entries[a]; e != nil {
		delete(t.of, e.Client)
		t.news = t.news || !e.Until.IsZero()
	}
	until := now.Add(asideTime)
	t.entries[a] = &entry{Lease: Lease{Address: a}, aside: until, user: user}
	t.strange = append(t.strange, Aside{a, user, until})
}

// setAside lists what is set aside, by address.
func (t *table) setAside(now time.Time) (list []Aside) {
	for a, e := range t.entries {
		if now.Before(e.aside) {
			list = append(list, Aside{a, e.user, e.aside})
		}
	}
	slices.SortFunc(list, func(a, b Aside) int { return a.Address.Compare(b.Address) })
	return list
}

// unproved tells whether it has to be asked on the link who has an address before a client is offered it (RFC 2131 section 2.2):
// unless the client has it, or it was asked for this offer.
func (t *table) unproved(a netip.Addr, client string, now time.Time) bool {
	e := t.entries[a]
	return e == nil || e.Client != client || !now.Before(e.Until) && now.Sub(e.proved).Abs() >= offerTime
}
