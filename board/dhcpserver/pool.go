package dhcpserver

import (
	"encoding/binary"
	"net/netip"
	"time"
)

// Pool is what can be lent to anybody: the addresses that are reserved for one machine each, and the box's own, are no part of it.
type Pool struct {
	First, Last netip.Addr
	Size        int // addresses
	Free        int // of them, those that a machine which comes now could get
}

// pool tells how much of what can be lent to anybody is left.
func (t *table) pool(now time.Time) Pool {
	p := Pool{First: t.c.First, Last: t.c.Last, Size: int(number(t.c.Last)) - int(number(t.c.First)) + 1}
	within := func(a netip.Addr) bool { return a.Is4() && !a.Less(t.c.First) && !t.c.Last.Less(a) }
	if within(t.c.Own.Addr()) {
		p.Size--
	}
	for a := range t.owners {
		if within(a) {
			p.Size--
		}
	}
	p.Free = p.Size
	for a, e := range t.entries {
		if _, reserved := t.owners[a]; !reserved && within(a) && e.held(now) {
			p.Free--
		}
	}
	return p
}

// number is an IPv4 address as a number.
func number(a netip.Addr) uint32 {
	b := a.As4()
	return binary.BigEndian.Uint32(b[:])
}
