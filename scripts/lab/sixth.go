package lab

import (
	"fmt"
	"net/netip"
)

// SixthBits is the prefix length of the lab's IPv6 networks.
const SixthBits = 64

// Sixth is the IPv6 address of a machine: its IPv4 address within the documentation prefix (RFC 3849), one network a side.
func Sixth(a netip.Addr) netip.Addr {
	b := a.As4()
	return netip.MustParseAddr(fmt.Sprintf("2001:db8:%d::%d", b[0], b[3]))
}

// AddSixth gives a host an IPv6 address on one of its interfaces.
func (h *Host) AddSixth(a netip.Addr, link string) error {
	return h.lab.ip(h, fmt.Sprintf("address add %s/%d dev %s nodad", a, SixthBits, link))
}
