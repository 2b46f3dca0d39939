package netfilter

import (
	"cmp"
	"net/netip"
	"slices"
)

// family is an IP version, numbered as the kernel numbers address families for netfilter.
type family byte

const (
	ip4 family = 2  // NFPROTO_IPV4
	ip6 family = 10 // NFPROTO_IPV6
)

// families returns both IP versions in the order in which rules are written.
func families() []family { return []family{ip4, ip6} }

// word is what nft calls the family in a match: "ip" or "ip6".
func (f family) word() string {
	if f == ip4 {
		return "ip"
	}
	return "ip6"
}

// suffix ends the names of sets that hold addresses of one family.
func (f family) suffix() string {
	if f == ip4 {
		return "4"
	}
	return "6"
}

func familyOf(a netip.Addr) family {
	if a.Is4() {
		return ip4
	}
	return ip6
}

// merge returns the prefixes masked, sorted, and without those that lie in another one, because overlapping intervals
// in a set are an error to the kernel. Prefixes are either nested or disjoint, so nothing else can overlap.
func merge(prefixes []netip.Prefix) []netip.Prefix {
	sorted := make([]netip.Prefix, 0, len(prefixes))
	for _, p := range prefixes {
		sorted = append(sorted, plain(p))
	}
	slices.SortFunc(sorted, func(a, b netip.Prefix) int {
		return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
	})
	merged := sorted[:0]
	for _, p := range sorted {
		if n := len(merged); n > 0 && merged[n-1].Overlaps(p) {
			continue
		}
		merged = append(merged, p)
	}
	return merged
}

// plain returns the prefix masked, an IPv4-mapped one (RFC 4291 section 2.5.5.2) as the IPv4 prefix it stands for.
func plain(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked()
}

// plainAddr returns the address without zone, an IPv4-mapped one as IPv4.
func plainAddr(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

// hosts returns each address as the prefix that holds it alone.
func hosts(addrs []netip.Addr) []netip.Prefix {
	prefixes := make([]netip.Prefix, 0, len(addrs))
	for _, a := range addrs {
		a = plainAddr(a)
		prefixes = append(prefixes, netip.PrefixFrom(a, a.BitLen()))
	}
	return prefixes
}

// ofFamily returns the prefixes of family f.
func ofFamily(prefixes []netip.Prefix, f family) []netip.Prefix {
	return slices.DeleteFunc(slices.Clone(prefixes), func(p netip.Prefix) bool { return familyOf(p.Addr()) != f })
}

// lastOf returns the highest address of a masked prefix.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// between returns the prefix whose first and last addresses these are, if there is one.
func between(first, last []byte) (netip.Prefix, bool) {
	a, ok := netip.AddrFromSlice(first)
	z, good := netip.AddrFromSlice(last)
	if !ok || !good {
		return netip.Prefix{}, false
	}
	for bits := a.BitLen(); bits >= 0; bits-- {
		if p := netip.PrefixFrom(a, bits); p.Masked() == p && lastOf(p) == z {
			return p, true
		}
	}
	return netip.Prefix{}, false
}

// prefixText prints a prefix as nft does: a single address without its length.
func prefixText(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}
