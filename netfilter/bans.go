package netfilter

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"
)

// bans are the sources banned, each until a moment; the zero time is for ever. Hosts lie in a hash and never meet; networks
// in a set of ranges, which must not overlap.
type bans map[netip.Prefix]time.Time

// forget drops what is over. The kernel has done so by itself.
func (h bans) forget(now time.Time) {
	maps.DeleteFunc(h, func(_ netip.Prefix, until time.Time) bool { return !until.IsZero() && !until.After(now) })
}

func (h bans) list() []Ban {
	list := make([]Ban, 0, len(h))
	for p, until := range h {
		list = append(list, Ban{p, until})
	}
	slices.SortFunc(list, func(a, b Ban) int {
		return cmp.Or(a.Source.Addr().Compare(b.Source.Addr()), cmp.Compare(a.Source.Bits(), b.Source.Bits()))
	})
	return list
}

// longer tells whether a ban until a lasts at least as long as one until b.
func longer(a, b time.Time) bool { return a.IsZero() || !b.IsZero() && !a.Before(b) }

// with returns the bans with some added. Of networks within one another the wider one stands for both when it lasts at
// least as long; otherwise there is no way to say both, and that is an error.
func (h bans) with(list []Ban, now time.Time) (bans, error) {
	next := maps.Clone(h)
	wider := map[netip.Prefix]bool{} // networks among the new ones
	slices.SortStableFunc(list, func(a, b Ban) int { return cmp.Compare(a.Source.Bits(), b.Source.Bits()) })
	for _, b := range list {
		if !b.Until.IsZero() && !b.Until.After(now) {
			return nil, fmt.Errorf("ban %v: it would be over already", b.Source)
		}
		if !network(b.Source) {
			next[b.Source] = b.Until
			continue
		}
		over, until, covered := next.covering(b.Source)
		switch {
		case covered && longer(until, b.Until):
			continue
		case covered:
			return nil, fmt.Errorf("ban %v: it lies within %v, which is banned for a shorter time; ban that for longer, or lift it first", b.Source, over)
		}
		next[b.Source] = b.Until
		wider[b.Source] = true
	}
	return next, next.swallow(wider)
}

// covering returns the banned network around another one.
func (h bans) covering(p netip.Prefix) (over netip.Prefix, until time.Time, ok bool) {
	for bits := 1; bits < p.Bits(); bits++ {
		over, _ = p.Addr().Prefix(bits)
		if until, ok = h[over]; ok {
			return over, until, true
		}
	}
	return over, until, false
}

// swallow takes out the networks that lie within new ones.
func (h bans) swallow(wider map[netip.Prefix]bool) error {
	if len(wider) == 0 {
		return nil
	}
	for p, until := range h {
		if !network(p) {
			continue
		}
		for bits := 1; bits < p.Bits(); bits++ {
			over, _ := p.Addr().Prefix(bits)
			switch {
			case !wider[over]:
			case longer(h[over], until):
				delete(h, p)
			default:
				return fmt.Errorf("ban %v: %v within it is banned for longer; lift that first", over, p)
			}
		}
	}
	return nil
}

// without returns the bans but for some.
func (h bans) without(sources []netip.Prefix) bans {
	next := maps.Clone(h)
	for _, p := range sources {
		delete(next, p)
	}
	return next
}

// elements returns what the sets of a kind hold, by set.
func (h bans) elements(k kept, now time.Time) map[string][]element {
	all := map[string][]element{}
	for p, until := range h {
		name := banSetName(k, familyOf(p.Addr()), network(p))
		all[name] = append(all[name], banElement(p, until, now))
	}
	return all
}

// banElement is what a ban set holds of a source: of a host its address, or where its /64 begins.
func banElement(p netip.Prefix, until, now time.Time) element {
	e := element{text: prefixText(p), first: p.Addr().AsSlice(), last: p.Addr().AsSlice()}
	if network(p) {
		e.last = lastOf(p).AsSlice()
	}
	if !until.IsZero() {
		e.timeout = max(until.Sub(now), time.Millisecond)
	}
	return e
}

// sourceOf turns an element of a ban set back into the source, where it is one. An IPv6 host has a number of its own in the
// lower half of its address; without one it is a /64.
func sourceOf(networks bool, e element) (netip.Prefix, bool) {
	p, ok := between(e.first, e.last)
	if half := netip.PrefixFrom(p.Addr(), hostBits6); ok && !networks && p.Addr().Is6() && half.Masked() == half {
		p = half
	}
	return p, ok
}
