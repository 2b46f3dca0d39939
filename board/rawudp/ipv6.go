package rawudp

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"
)

// IP6Size is the size of an IPv6 header (RFC 8200 section 3), in octets.
const IP6Size = 40

// Parse6 takes what an IPv6 packet with UDP carries, its ends, and its hop limit. Packets with extension headers, and such that
// are cut off, are none. The checksum is not looked at: the kernel leaves it open in what another program of this machine sends.
func Parse6(p []byte) (payload []byte, from, to netip.AddrPort, hops uint8, ok bool) {
	if len(p) < IP6Size+UDPSize || p[0]>>4 != 6 || p[6] != unix.IPPROTO_UDP {
		return nil, from, to, 0, false
	}
	size := int(binary.BigEndian.Uint16(p[4:]))
	if size < UDPSize || IP6Size+size > len(p) {
		return nil, from, to, 0, false
	}
	payload, from, to, ok = datagram(p[IP6Size:IP6Size+size], netip.AddrFrom16([16]byte(p[8:24])), netip.AddrFrom16([16]byte(p[24:40])))
	return payload, from, to, p[7], ok
}

// Build6 makes an IPv6 packet. Its UDP has a checksum, which IPv6 wants (RFC 8200 section 8.1).
func Build6(payload []byte, from, to netip.AddrPort, hops uint8) []byte {
	p := make([]byte, IP6Size+UDPSize, IP6Size+UDPSize+len(payload))
	size := uint16(UDPSize + len(payload))
	p[0], p[6], p[7] = 0x60, unix.IPPROTO_UDP, hops
	binary.BigEndian.PutUint16(p[4:], size)
	src, dst := from.Addr().As16(), to.Addr().As16()
	copy(p[8:], src[:])
	copy(p[24:], dst[:])
	udp := p[IP6Size:]
	binary.BigEndian.PutUint16(udp, from.Port())
	binary.BigEndian.PutUint16(udp[2:], to.Port())
	binary.BigEndian.PutUint16(udp[4:], size)
	p = append(p, payload...)
	check := ^sum(p[8:], sum([]byte{byte(size >> 8), byte(size), 0, unix.IPPROTO_UDP}, 0)) // the pseudo-header has these beside the addresses
	if check == 0 {
		check = 0xffff // 0 would say that there is none
	}
	binary.BigEndian.PutUint16(p[IP6Size+6:], check)
	return p
}
