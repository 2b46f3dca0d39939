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
	return datagram.Bind(a, append(arrivals(a.Addr()), mark(a.Addr()))...)
}

func arrivals(a netip.Addr) []datagram.Option {
	return []datagram.Option{{Level: unix.SOL_SOCKET, Name: unix.SO_RCVBUF, Value: receiveBuffer}, wantErrors(a)}
}

func mark(a netip.Addr) datagram.Option {
	if a.Is6() {
		return datagram.Option{Level: unix.IPPROTO_IPV6, Name: unix.IPV6_TCLASS, Value: dscpEF}
	}
	return datagram.Option{Level: unix.IPPROTO_IP, Name: unix.IP_TOS, Value: dscpEF}
}

// bindPort opens a media port. A split one sends by a socket of its own, that nobody watches: where packets come and go one by one,
// each costs a tenth less.
func bindPort(a netip.AddrPort, split bool) (port, error) {
	if !split {
		s, err := bind(a)
		return port{Socket: s, exit: s}, err
	}
	in, out, err := datagram.BindTwins(a, append(arrivals(a.Addr()), mark(a.Addr())), []datagram.Option{mark(a.Addr())})
	return port{Socket: in, exit: out}, err
}
