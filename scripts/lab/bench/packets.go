package bench

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"
)

// kind is a packet that the filter drops, and the name of what drops it.
type kind struct {
	name   string
	packet func() []byte
}

// banned is a source that the bench bans; anybody's are nobody's.
func banned() netip.Addr { return netip.AddrFrom4([4]byte{203, 0, 113, 7}) }

func anybody() netip.Addr {
	return netip.AddrFrom4([4]byte{203, 0, 113, byte(64 + rand.IntN(128))})
}

func always(a netip.Addr) func() netip.Addr { return func() netip.Addr { return a } }

func anyPort() uint16 { return uint16(1024 + rand.IntN(60000)) }

// kinds are what the storm is made of.
func (w *world) kinds() []kind {
	box, office := w.lab.Net.BoxOutside, w.lab.Net.PBX
	sip := func(method string) []byte {
		return fmt.Appendf(nil, "%s sip:+33123456700@%s SIP/2.0\r\nVia: SIP/2.0/UDP 203.0.113.7;branch=z9hG4bK1\r\nCall-ID: storm\r\n\r\n", method, box)
	}
	udp := func(from func() netip.Addr, port uint16, payload []byte) func() []byte {
		return func() []byte { return datagram(from(), box, anyPort(), port, payload) }
	}
	return []kind{
		{"banned", udp(always(banned()), sipPort, sip("INVITE"))},
		{"unknown: INVITE", udp(anybody, sipPort, sip("INVITE"))},
		{"unknown: REGISTER", udp(anybody, sipPort, sip("REGISTER"))},
		{"spoofed: the office's", udp(always(office), sipPort, sip("INVITE"))},
		{"spoofed: the box's own", udp(always(box), sipPort, sip("INVITE"))},
		{"media without a call", udp(anybody, 20000, make([]byte, 172))},
		{"SYN to SIP over TLS", func() []byte { return syn(anybody(), box, securedPort) }},
		{"SYN to the page", func() []byte { return syn(anybody(), box, 443) }},
		{"fragment", func() []byte {
			p := datagram(anybody(), box, sipPort, sipPort, sip("INVITE"))
			binary.BigEndian.PutUint16(p[6:], 0x2000|uint16(rand.IntN(100)))
			return checked(p)
		}},
	}
}

// datagram is UDP over IPv4 (RFC 768, RFC 791), without the checksum that UDP may leave out.
func datagram(from, to netip.Addr, source, port uint16, payload []byte) []byte {
	udp := binary.BigEndian.AppendUint16(nil, source)
	udp = binary.BigEndian.AppendUint16(udp, port)
	udp = binary.BigEndian.AppendUint16(udp, uint16(8+len(payload)))
	return packet(from, to, unix.IPPROTO_UDP, append(append(udp, 0, 0), payload...))
}

// syn begins a TCP connection (RFC 9293 section 3.1); its checksum is never looked at, for the filter comes first.
func syn(from, to netip.Addr, port uint16) []byte {
	tcp := make([]byte, 20)
	binary.BigEndian.PutUint16(tcp, anyPort())
	binary.BigEndian.PutUint16(tcp[2:], port)
	binary.BigEndian.PutUint32(tcp[4:], rand.Uint32())
	tcp[12], tcp[13] = 5<<4, 2
	return packet(from, to, unix.IPPROTO_TCP, tcp)
}

func packet(from, to netip.Addr, protocol byte, payload []byte) []byte {
	h := make([]byte, 12, 20+len(payload))
	h[0], h[8], h[9] = 0x45, 64, protocol
	binary.BigEndian.PutUint16(h[2:], uint16(20+len(payload)))
	h = slices.Concat(h, from.AsSlice(), to.AsSlice(), payload)
	return checked(h)
}

// checked sets the header's checksum (RFC 791 section 3.1).
func checked(p []byte) []byte {
	p[10], p[11] = 0, 0
	var sum uint32
	for i := 0; i < 20; i += 2 {
		sum += uint32(binary.BigEndian.Uint16(p[i:]))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	binary.BigEndian.PutUint16(p[10:], ^uint16(sum))
	return p
}
