package policy

import "net/netip"

// maxRanges bounds a list of address ranges.
const maxRanges = 256

// ranges checks a list of address ranges: each well-formed, none wider than any peer is, none within another. The
// filter takes no overlapping ranges, and a range twice is most often a slip in one of the two.
func (c *checker) ranges(path string, list []netip.Prefix) {
	if !c.atMost(path, len(list), maxRanges) {
		return
	}
	for i, p := range list {
		if !c.oneRange(index(path, i), p) {
			continue
		}
		for _, other := range list[:i] {
			if other.Overlaps(p) {
				c.fault(index(path, i), "keep the wider of the two", "%s overlaps %s in the same list", p, other)
				break
			}
		}
	}
}

func (c *checker) oneRange(path string, p netip.Prefix) bool {
	switch {
	case !p.IsValid():
		c.fault(path, "write it like 192.0.2.0/24", "is missing")
	case p != p.Masked():
		c.fault(path, "write "+p.Masked().String()+", or the address alone", "%s has more digits than its prefix length covers", p)
	case p.Bits() < leastBits(p):
		c.fault(path, "write the networks you mean", "%s is wider than any office or carrier", p)
	case p.Addr().IsMulticast():
		c.fault(path, "write the addresses that packets come from", "%s is a multicast range, which nothing comes from", p)
	case p.Addr().IsUnspecified():
		c.fault(path, "write the addresses that packets come from", "%s stands for no address at all", p)
	default:
		return true
	}
	return false
}

// leastBits is the shortest prefix length accepted, that of the widest private networks: 10.0.0.0/8 (RFC 1918 §3) and
// fc00::/7 (RFC 4193 §3.1).
func leastBits(p netip.Prefix) int {
	if p.Addr().Is4() {
		return 8
	}
	return 7
}

// single tells whether p is exactly one address, a.
func single(p netip.Prefix, a netip.Addr) bool { return p.IsSingleIP() && p.Addr() == a }

// within tells whether one of the ranges covers p whole.
func within(ranges []netip.Prefix, p netip.Prefix) bool {
	for _, r := range ranges {
		if r.Contains(p.Addr()) && r.Bits() <= p.Bits() {
			return true
		}
	}
	return false
}

// insideOnly checks that ranges of the office lie in the inside prefixes and are not the gateway, which never counts as
// inside.
func (c *checker) insideOnly(path string, list []netip.Prefix) {
	n := c.p.Network
	for i, p := range list {
		switch {
		case !p.IsValid() || len(n.Inside.Prefixes) == 0:
		case n.Gateway.IsValid() && single(p, n.Gateway):
			c.fault(index(path, i), "the gateway never counts as inside", "%s is the gateway", p)
		case !within(n.Inside.Prefixes, p):
			c.fault(index(path, i), "add it to network.inside.prefixes, or correct it", "%s is not inside the office", p)
		}
	}
}

// outsideOnly checks that ranges of a carrier do not reach into the office. The gateway alone may be one: many routers
// are the carrier's SIP server for the office behind them.
func (c *checker) outsideOnly(path string, list []netip.Prefix) {
	n := c.p.Network
	for i, p := range list {
		if !p.IsValid() || n.Gateway.IsValid() && single(p, n.Gateway) {
			continue
		}
		for _, in := range n.Inside.Prefixes {
			if in.Overlaps(p) {
				c.fault(index(path, i), "write the carrier's addresses only", "%s overlaps the office's %s", p, in)
				break
			}
		}
	}
}
