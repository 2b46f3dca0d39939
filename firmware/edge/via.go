package edge

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/policy"
)

// markVia writes into the top Via of a request where it really came from (RFC 3261 §18.2.1, RFC 3581 §4), so that every
// response echoes it. What the sender itself put there is not believed.
func markVia(v *sip.ViaHeader, source netip.AddrPort) {
	v.Params.Remove("received")
	if v.Params.Has("rport") {
		v.Params.Add("rport", strconv.Itoa(int(source.Port())))
		v.Params.Add("received", received(source))
		return
	}
	if sentBy, ok := sentByAddr(v.Host); !ok || sentBy != source.Addr() {
		v.Params.Add("received", received(source))
	}
}

// received is the address as the parameter takes it: without brackets (RFC 3261 §25.1) or zone.
func received(source netip.AddrPort) string { return source.Addr().WithZone("").String() }

// responseTo is where responses to a datagram go. It is always the address that it came from, whatever Via says in
// sent-by, received or maddr, so that nobody has the box answer a third host. With rport the port is the datagram's
// (RFC 3581 §4), else the one of sent-by (RFC 3261 §18.2.2): there are peers that send from one port and listen at
// another. Where sent-by is an address other than the source, there is a NAT in between that knows the source port only.
func responseTo(v *sip.ViaHeader, source netip.AddrPort) netip.AddrPort {
	if v.Params.Has("rport") {
		return source
	}
	if sentBy, ok := sentByAddr(v.Host); ok && sentBy != source.Addr() {
		return source
	}
	return netip.AddrPortFrom(source.Addr(), sentByPort(v))
}

func sentByAddr(host string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return a.Unmap(), err == nil
}

func sentByPort(v *sip.ViaHeader) uint16 {
	if v.Port > 0 && v.Port < 1<<16 {
		return uint16(v.Port)
	}
	return policy.UDP.DefaultPort()
}
