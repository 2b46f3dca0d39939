package media

import (
	"net/netip"

	"golang.org/x/sys/unix"

	"tollgate/firmware/datagram"
)

const (
	// dscpEF marks what is sent as expedited forwarding (RFC 3246, RFC 4594 §4.1): DSCP 46 in the upper six bits.
	dscpEF = 46 << 2
	// receiveBuffer holds about a second of one call. More would turn an overload into delay, which is worse than loss.
	receiveBuffer = 32 << 10
)

// bind opens the socket of a media port.
func bind(a netip.AddrPort) (datagram.Socket, error) {
	mark := datagram.Option{Level: unix.IPPROTO_IP, Name: unix.IP_TOS, Value: dscpEF}
	if a.Addr().Is6() {
		mark = datagram.Option{Level: unix.IPPROTO_IPV6, Name: unix.IPV6_TCLASS, Value: dscpEF}
	}
	return datagram.Bind(a, datagram.Option{Level: unix.SOL_SOCKET, Name: unix.SO_RCVBUF, Value: receiveBuffer}, mark, wantErrors(a.Addr()))
}
