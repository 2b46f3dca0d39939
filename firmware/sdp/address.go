package sdp

import (
	"net/netip"
	"strconv"
	"strings"
)

// connection is a c= line (RFC 8866 §5.7), read when its address is needed.
type connection struct {
	line  int
	value string
}

// addr returns the address of the line if media may be sent there. The unspecified address is let through: it means
// hold (RFC 3264 §8.4), and nothing is sent to it.
func (c *connection) addr() (netip.Addr, error) {
	words := strings.Fields(c.value)
	if len(words) != 3 {
		return netip.Addr{}, malformed(c.line, "c=%s is not a network type, an address type and an address", quote(c.value))
	}
	return readAddr(c.line, words[0], words[1], words[2])
}

// readAddr reads "IN IP4 192.0.2.1".
func readAddr(line int, network, family, text string) (netip.Addr, error) {
	if !strings.EqualFold(network, "IN") {
		return netip.Addr{}, unacceptable(line, "the network type %s is not the Internet", quote(network))
	}
	host, _, _ := strings.Cut(text, "/") // a TTL, which only multicast has: refused below
	a, err := netip.ParseAddr(host)
	switch {
	case err != nil && looksLikeAddr(host):
		return netip.Addr{}, malformed(line, "%s is not an IP address", quote(text))
	case err != nil:
		return netip.Addr{}, unacceptable(line, "media to the host name %s: only addresses are accepted", quote(text))
	case a.Zone() != "":
		return netip.Addr{}, unacceptable(line, "the address %s is bound to a zone of its own host", quote(text))
	case !familyFits(family, a):
		return netip.Addr{}, malformed(line, "the address %s is not of type %s", quote(text), quote(family))
	}
	a = a.Unmap() // ::ffff:127.0.0.1 is 127.0.0.1
	if why := unusable(a); why != "" {
		return netip.Addr{}, unacceptable(line, "media to %s is refused: it is %s", a, why)
	}
	return a, nil
}

func familyFits(family string, a netip.Addr) bool {
	switch strings.ToUpper(family) {
	case "IP4":
		return a.Is4()
	case "IP6":
		return a.Is6()
	}
	return false
}

// looksLikeAddr tells a broken address from a host name.
func looksLikeAddr(s string) bool {
	return strings.Contains(s, ":") || strings.Trim(s, "0123456789.") == ""
}

// unusable says why no media may go to an address, "" when it may. What is refused could make the box talk to itself,
// to its own link or to a crowd.
func unusable(a netip.Addr) string {
	switch {
	case a.IsUnspecified():
		return "" // hold
	case a.IsMulticast():
		return "a multicast address"
	case a.IsLoopback():
		return "a loopback address"
	case a.IsLinkLocalUnicast():
		return "a link-local address"
	case a.Is4() && a.As4()[0] == 0:
		return "an address of this network (RFC 1122 §3.2.1.3)"
	case a.Is4() && a.As4()[0] >= 240:
		return "a broadcast or reserved address"
	}
	return ""
}

// rtcpAddr returns where a stream's RTCP goes: where a=rtcp says (RFC 3605), else the port after RTP's
// (RFC 3550 §11). The zero value means that there is no such port.
func (s *section) rtcpAddr(rtp netip.AddrPort) (netip.AddrPort, error) {
	a, ok := s.attribute("rtcp")
	if !ok {
		if rtp.Port() == 65535 {
			return netip.AddrPort{}, nil
		}
		return netip.AddrPortFrom(rtp.Addr(), rtp.Port()+1), nil
	}
	words := strings.Fields(a.value)
	if len(words) != 1 && len(words) != 4 {
		return netip.AddrPort{}, malformed(a.line, "a=rtcp:%s is not a port with or without an address", quote(a.value))
	}
	port, err := strconv.ParseUint(words[0], 10, 16)
	if err != nil || port == 0 {
		return netip.AddrPort{}, malformed(a.line, "%s is not a port", quote(words[0]))
	}
	addr := rtp.Addr()
	if len(words) == 4 {
		if addr, err = readAddr(a.line, words[1], words[2], words[3]); err != nil {
			return netip.AddrPort{}, err
		}
	}
	return netip.AddrPortFrom(addr, uint16(port)), nil
}
