package policy

import (
	"net/netip"
	"slices"
	"strings"
)

// peers checks that no two trunks can be taken for one another. Who speaks is told by transport and source address:
// two trunks may share addresses when they differ in transport, and no others.
func (c *checker) peers() {
	list := c.p.Trunks
	if len(list) > maxTrunks {
		return
	}
	for i, t := range list {
		if len(t.SignallingSources) > maxRanges {
			return
		}
		for _, other := range list[:i] {
			if other.Transport == t.Transport && !c.sameHop(index("trunks", i), t, other) {
				c.sameSources(index("trunks", i), t, other)
			}
		}
	}
}

const onePeer = "make them one trunk with several accounts, or give each its own addresses"

// sameHop tells the first host that two trunks have in common.
func (c *checker) sameHop(path string, t, other Trunk) bool {
	for _, h := range nextHops(t) {
		a, _, err := SplitHost(h.host)
		if err != nil || !slices.ContainsFunc(nextHops(other), func(o hop) bool {
			b, _, err := SplitHost(o.host)
			return err == nil && strings.EqualFold(a, b)
		}) {
			continue
		}
		c.fault(path+"."+h.key, onePeer, "%s is the host of trunk %s over %s too, so that a call from there could be either's", a, other.Name, t.Transport)
		return true
	}
	return false
}

// sameSources tells the first overlap of two trunks. More of them would be one fault told often.
func (c *checker) sameSources(path string, t, other Trunk) {
	theirs := sourcesOf(other)
	for i, p := range t.SignallingSources {
		if q, ok := overlapping(theirs, p); ok {
			c.fault(index(path+".signalling_sources", i), onePeer, "%s overlaps %s of trunk %s over %s, so that a call from there could be either's", p, q, other.Name, t.Transport)
			return
		}
	}
	for _, h := range nextHops(t) {
		a, ok := hostAddr(h.host)
		if !ok {
			continue
		}
		if q, ok := overlapping(other.SignallingSources, hostRange(a)); ok {
			c.fault(path+"."+h.key, onePeer, "%s lies in %s of trunk %s over %s, so that a call from there could be either's", a, q, other.Name, t.Transport)
			return
		}
	}
}

// sourcesOf returns where a trunk's signalling comes from, as far as the document alone tells.
func sourcesOf(t Trunk) []netip.Prefix {
	list := slices.Clone(t.SignallingSources)
	for _, h := range nextHops(t) {
		if a, ok := hostAddr(h.host); ok {
			list = append(list, hostRange(a))
		}
	}
	return list
}

func overlapping(list []netip.Prefix, p netip.Prefix) (netip.Prefix, bool) {
	for _, q := range list {
		if q.Overlaps(p) {
			return q, true
		}
	}
	return netip.Prefix{}, false
}
