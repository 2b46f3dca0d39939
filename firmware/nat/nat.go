// Package nat judges where a carrier sees the box, when there may be routers in between that translate addresses.
//
//	request of ours + its response ─► Read ─► Echo ─┬─► Seen: the address and port under which the carrier sees us
//	                                                └─► Altered: what somebody on the way has changed (a SIP ALG)
//
// A response carries the Via of its request back, with the source that the server saw in received and rport (RFC 3261
// §18.2.1, RFC 3581 §4). Since the branch in it is random, nobody off the path can make one up. Pace bounds how often
// the box follows a new address.
//
// It leaves to others: asking, remembering, and telling carriers and calls of a new address (trunk, call).
package nat

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// Echo is what the response to a request of ours says about how the request arrived.
type Echo struct {
	Transport string         // by which the request went: UDP, TCP or TLS
	Source    netip.AddrPort // where it came from, as the server saw it; invalid: the server does not say
	Altered   Altered
}

// Read compares a request with a response to it.
func Read(req *sip.Request, res *sip.Response) Echo {
	via := res.Via()
	if via == nil {
		return Echo{}
	}
	return Echo{Transport: strings.ToUpper(via.Transport), Source: source(via), Altered: compare(req, res)}
}

// source reads received and rport. A server that sends rport alone has found the source to be the one of sent-by.
func source(via *sip.ViaHeader) netip.AddrPort {
	digits, _ := via.Params.Get("rport")
	port, err := strconv.ParseUint(digits, 10, 16)
	if err != nil || port == 0 {
		return netip.AddrPort{} // a server that does not know RFC 3581 has not looked
	}
	host, ok := via.Params.Get("received")
	if !ok {
		host = via.Host
	}
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	if err != nil || addr.Zone() != "" {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(addr.Unmap(), uint16(port))
}

// Seen is where the carrier at an address sees the box, whose own address is own; false when the echo does not say, or
// says what cannot be. Some carriers see their own equipment: a private address that reaches nobody across the internet.
func (e Echo) Seen(own, carrier netip.Addr) (netip.AddrPort, bool) {
	a := e.Source.Addr()
	switch {
	case !a.IsValid() || a.Is4() != own.Is4():
		return netip.AddrPort{}, false
	case a == own:
		return e.Source, true
	case a.IsUnspecified() || a.IsMulticast() || a.IsLoopback() || a.IsLinkLocalUnicast():
		return netip.AddrPort{}, false
	case Private(a) && !Private(carrier):
		return netip.AddrPort{}, false
	}
	return e.Source, true
}

// sharedSpace is what carriers number customers with behind their own address translation (RFC 6598).
const sharedSpace = "100.64.0.0/10"

// Private tells whether an address is none of the internet's (RFC 1918, RFC 4193, RFC 6598).
func Private(a netip.Addr) bool {
	return a.IsPrivate() || netip.MustParsePrefix(sharedSpace).Contains(a)
}
