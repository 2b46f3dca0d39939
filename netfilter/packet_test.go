package netfilter

import (
	"encoding/binary"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"
)

// packet is what a test puts on the wire: any source, whole or in pieces.
type packet struct {
	src, dst         netip.Addr
	protocol         byte
	payload          []byte // with the transport header
	hops             byte   // default 64
	mtu              int    // payload bytes a fragment; zero: whole
	onlyNonFirst     bool
	fragmentIdentity uint16
}

func udpPacket(src, dst string, payload []byte) packet {
	s, d := netip.MustParseAddrPort(src), netip.MustParseAddrPort(dst)
	b := make([]byte, 8, 8+len(payload))
	binary.BigEndian.PutUint16(b[0:], s.Port())
	binary.BigEndian.PutUint16(b[2:], d.Port())
	binary.BigEndian.PutUint16(b[4:], uint16(8+len(payload)))
	b = append(b, payload...)
	p := packet{src: s.Addr(), dst: d.Addr(), protocol: syscall.IPPROTO_UDP, payload: b}
	binary.BigEndian.PutUint16(b[6:], p.checksum())
	return p
}

// tcpPacket is one segment with the given flags (RFC 9293 section 3.1).
func tcpPacket(src, dst string, flags byte) packet {
	s, d := netip.MustParseAddrPort(src), netip.MustParseAddrPort(dst)
	b := make([]byte, 20)
	binary.BigEndian.PutUint16(b[0:], s.Port())
	binary.BigEndian.PutUint16(b[2:], d.Port())
	binary.BigEndian.PutUint32(b[4:], 1000)
	b[12], b[13] = 5<<4, flags
	binary.BigEndian.PutUint16(b[14:], 64000)
	p := packet{src: s.Addr(), dst: d.Addr(), protocol: syscall.IPPROTO_TCP, payload: b}
	binary.BigEndian.PutUint16(b[16:], p.checksum())
	return p
}

const flagSYN, flagACK = 0x02, 0x10

// icmpPacket is a message of ICMP or ICMPv6 by the family of the addresses.
func icmpPacket(src, dst string, kind byte, rest ...byte) packet {
	p := packet{src: netip.MustParseAddr(src), dst: netip.MustParseAddr(dst), protocol: syscall.IPPROTO_ICMP}
	p.payload = append([]byte{kind, 0, 0, 0}, rest...)
	if p.src.Is6() {
		p.protocol = syscall.IPPROTO_ICMPV6
	}
	binary.BigEndian.PutUint16(p.payload[2:], p.checksum())
	return p
}

// checksum covers the payload, with the pseudo header where the protocol wants one (RFC 768, RFC 8200 section 8.1).
func (p packet) checksum() uint16 {
	var data []byte
	if p.protocol != syscall.IPPROTO_ICMP {
		data = slices.Concat(p.src.AsSlice(), p.dst.AsSlice(), []byte{0, p.protocol, 0, 0})
		binary.BigEndian.PutUint16(data[len(data)-2:], uint16(len(p.payload)))
	}
	return foldSum(append(data, p.payload...))
}

func foldSum(data []byte) uint16 {
	if len(data)%2 == 1 {
		data = append(data, 0)
	}
	var sum uint32
	for i := 0; i < len(data); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(data[i:]))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// wire returns the packet as it goes over the link, in as many pieces as it takes.
func (p packet) wire() [][]byte {
	if p.hops == 0 {
		p.hops = 64
	}
	if p.mtu == 0 {
		return [][]byte{p.piece(0, p.payload, false)}
	}
	var pieces [][]byte
	for offset := 0; offset < len(p.payload); offset += p.mtu {
		end := min(offset+p.mtu, len(p.payload))
		if offset > 0 || !p.onlyNonFirst {
			pieces = append(pieces, p.piece(offset, p.payload[offset:end], end < len(p.payload)))
		}
	}
	return pieces
}

func (p packet) piece(offset int, data []byte, more bool) []byte {
	field := uint16(offset / 8) // fragment offset in units of 8 bytes
	if p.src.Is4() {
		return p.piece4(field, data, more)
	}
	return p.piece6(field, data, more)
}

func (p packet) piece4(field uint16, data []byte, more bool) []byte {
	if more {
		field |= 0x2000
	}
	h := make([]byte, 12, 20)
	h[0], h[8], h[9] = 0x45, p.hops, p.protocol
	binary.BigEndian.PutUint16(h[2:], uint16(20+len(data)))
	binary.BigEndian.PutUint16(h[4:], p.fragmentIdentity)
	binary.BigEndian.PutUint16(h[6:], field)
	h = slices.Concat(h, p.src.AsSlice(), p.dst.AsSlice())
	binary.BigEndian.PutUint16(h[10:], foldSum(slices.Clone(h)))
	return append(h, data...)
}

func (p packet) piece6(field uint16, data []byte, more bool) []byte {
	next := p.protocol
	if p.mtu > 0 {
		ext := []byte{next, 0, 0, 0, 0, 0, 0, 0}
		field <<= 3
		if more {
			field |= 1
		}
		binary.BigEndian.PutUint16(ext[2:], field)
		binary.BigEndian.PutUint16(ext[6:], p.fragmentIdentity)
		next, data = syscall.IPPROTO_FRAGMENT, append(ext, data...)
	}
	h := make([]byte, 8, 40)
	h[0], h[6], h[7] = 0x60, next, p.hops
	binary.BigEndian.PutUint16(h[4:], uint16(len(data)))
	return slices.Concat(h, p.src.AsSlice(), p.dst.AsSlice(), data)
}

// sender puts packets on the wire from a space to one interface of the box.
type sender struct {
	t    *testing.T
	fd   int
	to   syscall.SockaddrLinklayer
	name string
}

func (s *space) sender(boxInterface string) *sender {
	s.t.Helper()
	box, err := netlink.LinkByName(boxInterface)
	if err != nil {
		s.t.Fatal(err)
	}
	far, err := s.links.LinkByName("eth0")
	if err != nil {
		s.t.Fatal(err)
	}
	snd := &sender{t: s.t, fd: -1, name: boxInterface}
	s.do(func() { snd.fd, err = syscall.Socket(syscall.AF_PACKET, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0) })
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = syscall.Close(snd.fd) })
	snd.to = syscall.SockaddrLinklayer{Ifindex: far.Attrs().Index, Halen: 6}
	copy(snd.to.Addr[:], box.Attrs().HardwareAddr)
	return snd
}

func (s *sender) send(p packet) {
	s.t.Helper()
	to := s.to
	ethertype := uint16(syscall.ETH_P_IP)
	if p.src.Is6() {
		ethertype = syscall.ETH_P_IPV6
	}
	to.Protocol = ethertype<<8 | ethertype>>8
	switch {
	case p.dst.IsMulticast() && p.dst.Is6():
		a := p.dst.As16()
		copy(to.Addr[:], []byte{0x33, 0x33, a[12], a[13], a[14], a[15]})
	case p.dst == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		copy(to.Addr[:], net.HardwareAddr{255, 255, 255, 255, 255, 255})
	}
	for _, piece := range p.wire() {
		if err := syscall.Sendto(s.fd, piece, 0, &to); err != nil {
			s.t.Fatal(err)
		}
	}
}

func addrFrom4(a [4]byte) netip.Addr { return netip.AddrFrom4(a) }
