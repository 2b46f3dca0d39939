package netfilter

import (
	"maps"
	"net/netip"
	"slices"
)

// spot is where a pinhole leads to.
type spot struct {
	side  Side
	local netip.AddrPort
}

// pinholes are the live ones: for each spot the lists of sources it was opened for, and how often. It is one as a rule.
type pinholes map[spot][]opening

type opening struct {
	sources []netip.Prefix
	times   int
}

// plain returns the pinhole with its addresses as the rules have them and its sources merged, so that two that mean the
// same are the same. Sources that could never reach the local address, being of the other family, are left out. Faulty
// ones are kept as they are, for the check to tell. Most pinholes come with one source, as it should be.
func (p Pinhole) plain() Pinhole {
	p.Local = netip.AddrPortFrom(plainAddr(p.Local.Addr()), p.Local.Port())
	if len(p.Sources) == 1 && p.Sources[0].IsValid() && plain(p.Sources[0]) == p.Sources[0] && familyOf(p.Sources[0].Addr()) == familyOf(p.Local.Addr()) {
		return p
	}
	if checkPrefixes("", p.Sources) == nil {
		p.Sources = ofFamily(merge(p.Sources), familyOf(p.Local.Addr()))
	}
	return p
}

// setFor names the set that holds a source of the spot.
func (s spot) setFor(source netip.Prefix) string {
	return pinholeSetName(s.side, familyOf(source.Addr()), !source.IsSingleIP())
}

func (p Pinhole) spot() spot { return spot{p.Side, p.Local} }

func (h pinholes) open(p Pinhole) {
	list := h[p.spot()]
	if i := find(list, p.Sources); i >= 0 {
		list[i].times++
		return
	}
	h[p.spot()] = append(list, opening{p.Sources, 1})
}

// shut takes one opening back and tells whether there was one.
func (h pinholes) shut(p Pinhole) bool {
	list := h[p.spot()]
	i := find(list, p.Sources)
	if i < 0 {
		return false
	}
	if list[i].times--; list[i].times > 0 {
		return true
	}
	if list = slices.Delete(list, i, i+1); len(list) == 0 {
		delete(h, p.spot())
		return true
	}
	h[p.spot()] = list
	return true
}

func find(list []opening, sources []netip.Prefix) int {
	return slices.IndexFunc(list, func(o opening) bool { return slices.Equal(o.sources, sources) })
}

// sources returns from where a spot may be reached, merged over all its openings. It is not to be changed.
func (h pinholes) sources(s spot) []netip.Prefix {
	list := h[s]
	if len(list) == 1 {
		return list[0].sources // merged when it was opened
	}
	var all []netip.Prefix
	for _, o := range list {
		all = append(all, o.sources...)
	}
	return merge(all)
}

// at returns from where the spots of some pinholes may be reached.
func (h pinholes) at(holes []Pinhole) map[spot][]netip.Prefix {
	sources := make(map[spot][]netip.Prefix, len(holes))
	for _, p := range holes {
		sources[p.spot()] = h.sources(p.spot())
	}
	return sources
}

// ports returns the local ports of all pinholes, sorted.
func (h pinholes) ports() []uint16 {
	var ports []uint16
	for s := range h {
		ports = append(ports, s.local.Port())
	}
	slices.Sort(ports)
	return slices.Compact(ports)
}

// elements returns what the sets of all pinholes hold, by set, ready to be printed.
func (h pinholes) elements() map[string][]element {
	all := map[string][]element{}
	for s := range maps.Keys(h) {
		for _, p := range h.sources(s) {
			e := pinholeElement(p, s.local)
			e.text = pinholeText(p, s.local)
			all[s.setFor(p)] = append(all[s.setFor(p)], e)
		}
	}
	return all
}
