// Package rawudp reads and writes UDP over IPv4 and IPv6 as whole packets, for those who speak on a link below the packet filter: the
// lending of addresses and multicast DNS. Sockets are theirs.
package rawudp

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"
)

// The sizes of an IPv4 header without options (RFC 791) and of a UDP header (RFC 768), in octets.
const (
	IPSize  = 20
	UDPSize = 8
)

// Parse takes what an IPv4 packet with UDP carries, and its ends. Fragments, and packets that are cut off, are none.
func Parse(p []byte) (payload []byte, from, to netip.AddrPort, ok bool) {
	if len(p) < IPSize+UDPSize || p[0]>>4 != 4 || p[9] != unix.IPPROTO_UDP || binary.BigEndian.Uint16(p[6:])&0x3fff != 0 {
		return nil, from, to, false
	}
	header, total := int(p[0]&15)*4, int(binary.BigEndian.Uint16(p[2:]))
	if header < IPSize || total > len(p) || total < header+UDPSize {
		return nil, from, to, false
	}
	return datagram(p[header:total], netip.AddrFrom4([4]byte(p[12:16])), netip.AddrFrom4([4]byte(p[16:20])))
}

// datagram takes apart what an IP packet between two addresses carries.
func datagram(udp []byte, source, target netip.Addr) (payload []byte, from, to netip.AddrPort, ok bool) {
	size := int(binary.BigEndian.Uint16(udp[4:]))
	if size < UDPSize || size > len(udp) {
		return nil, from, to, false
	}
	from = netip.AddrPortFrom(source, binary.BigEndian.Uint16(udp))
	to = netip.AddrPortFrom(target, binary.BigEndian.Uint16(udp[2:]))
	return udp[UDPSize:size], from, to, true
}

// Build makes an IPv4 packet that is not to be cut into fragments. Over IPv4, UDP needs no checksum of its own (RFC 768).
func Build(payload []byte, from, to netip.AddrPort, ttl uint8) []byte {
	p := make([]byte, IPSize+UDPSize, IPSize+UDPSize+len(payload))
	p[0], p[6], p[8], p[9] = 0x45, 0x40, ttl, unix.IPPROTO_UDP
	binary.BigEndian.PutUint16(p[2:], uint16(cap(p)))
	src, dst := from.Addr().As4(), to.Addr().As4()
	copy(p[12:], src[:])
	copy(p[16:], dst[:])
	binary.BigEndian.PutUint16(p[10:], ^sum(p[:IPSize], 0))
	binary.BigEndian.PutUint16(p[20:], from.Port())
	binary.BigEndian.PutUint16(p[22:], to.Port())
	binary.BigEndian.PutUint16(p[24:], uint16(UDPSize+len(payload)))
	return append(p, payload...)
}

// sum is the one's complement sum of octets, from which checksums are made (RFC 1071), added to that of others.
func sum(b []byte, before uint16) uint16 {
	total := uint32(before)
	for i := 0; i+1 < len(b); i += 2 {
		total += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	if len(b)%2 == 1 {
		total += uint32(b[len(b)-1]) << 8
	}
	for total > 0xffff {
		total = total>>16 + total&0xffff
	}
	return uint16(total)
}
