package media

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"

	"tollgate/firmware/datagram"
)

// When what the box sends does not arrive, a router or the peer's own machine may say so (ICMP). The kernel keeps such
// messages for sockets that want them, and tells by an error of the next call. They prove nothing - anybody can send one -
// and so they end nothing; they are told to whoever looks for why a call is silent.

// unreachable is one such message.
type unreachable struct {
	by         netip.Addr // who sent it
	prohibited bool       // a firewall does not let our packets through
}

// wantErrors is the option that has the kernel keep the messages, by the family of the socket's address.
func wantErrors(own netip.Addr) datagram.Option {
	if own.Is6() {
		return datagram.Option{Level: unix.IPPROTO_IPV6, Name: unix.IPV6_RECVERR, Value: 1}
	}
	return datagram.Option{Level: unix.IPPROTO_IP, Name: unix.IP_RECVERR, Value: 1}
}

// complain takes the messages that wait at a flow's socket. Until they are taken, epoll tells of them again and again.
func (w *worker) complain(f *flow) {
	for range batch {
		u, _, ok := takeError(f.socket.Socket)
		if !ok {
			return
		}
		f.complained(u)
	}
}

// complained counts a message about a packet of the flow's. That nobody takes RTCP is usual, and costs nobody a word.
func (f *flow) complained(u unreachable) {
	if u.by.IsValid() && !f.control {
		f.half.account.refused = u
		f.half.account.refusals++
	}
}

// takeError takes one message off the socket, and where the packet was sent that it is about; false when there is none.
// What is no ICMP has no sender.
func takeError(s datagram.Socket) (u unreachable, to netip.AddrPort, ok bool) {
	var cut [8]byte
	var control [256]byte
	_, n, _, about, err := unix.Recvmsg(int(s), cut[:], control[:], unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT)
	if err != nil {
		return unreachable{}, to, false
	}
	switch a := about.(type) {
	case *unix.SockaddrInet4:
		to = netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port))
	case *unix.SockaddrInet6:
		to = netip.AddrPortFrom(netip.AddrFrom16(a.Addr), uint16(a.Port))
	}
	messages, err := unix.ParseSocketControlMessage(control[:n])
	if err != nil {
		return unreachable{}, to, true
	}
	for _, m := range messages {
		v4 := m.Header.Level == unix.IPPROTO_IP && m.Header.Type == unix.IP_RECVERR
		v6 := m.Header.Level == unix.IPPROTO_IPV6 && m.Header.Type == unix.IPV6_RECVERR
		if v4 || v6 {
			return readError(m.Data), to, true
		}
	}
	return unreachable{}, to, true
}

// readError reads what the kernel writes, struct sock_extended_err (linux/errqueue.h), and behind it who has sent the
// message. Types and codes are those of RFC 792, RFC 1812 §5.2.7.1 and RFC 4443 §3.1.
//
//	| errno (4) | origin | type | code | - | info (4) | data (4) | family (2) | port (2) | IPv4 (4) | or flow (4), IPv6 (16)
func readError(b []byte) unreachable {
	const header, fromICMP, fromICMP6 = 16, 2, 3
	if len(b) < header+8 {
		return unreachable{}
	}
	origin, kind, code, who := b[4], b[5], b[6], b[header:]
	switch family := binary.NativeEndian.Uint16(who); {
	case origin == fromICMP && kind == 3 && family == unix.AF_INET:
		return unreachable{netip.AddrFrom4([4]byte(who[4:8])), code == 9 || code == 10 || code == 13}
	case origin == fromICMP6 && kind == 1 && family == unix.AF_INET6 && len(who) >= 24:
		return unreachable{netip.AddrFrom16([16]byte(who[8:24])), code == 1 || code == 5}
	}
	return unreachable{}
}
