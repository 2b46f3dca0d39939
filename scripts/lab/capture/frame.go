package capture

import (
	"encoding/binary"
	"net/netip"
)

const (
	etherIPv4 = 0x0800
	etherIPv6 = 0x86dd
	etherVLAN = 0x8100

	protocolTCP      = 6
	protocolUDP      = 17
	headerIPv6Option = 60
	headerIPv6Hop    = 0
	headerIPv6Frag   = 44
)

func parseEthernet(b []byte) (Packet, bool) {
	if len(b) < 14 {
		return Packet{}, false
	}
	kind, rest := binary.BigEndian.Uint16(b[12:]), b[14:]
	if kind == etherVLAN && len(rest) >= 4 {
		kind, rest = binary.BigEndian.Uint16(rest[2:]), rest[4:]
	}
	var p Packet
	var ok bool
	switch kind {
	case etherIPv4:
		if p, ok = parseIPv4(rest); ok {
			p.DSCP = rest[1] >> 2
		}
	case etherIPv6:
		if p, ok = parseIPv6(rest); ok {
			p.DSCP = rest[0]<<2&0x3f | rest[1]>>6
		}
	}
	return p, ok
}

// parseIPv4 reads RFC 791 §3.1.
func parseIPv4(b []byte) (Packet, bool) {
	if len(b) < 20 || b[0]>>4 != 4 {
		return Packet{}, false
	}
	header, total := int(b[0]&15)*4, int(binary.BigEndian.Uint16(b[2:]))
	if header < 20 || total < header || total > len(b) {
		return Packet{}, false
	}
	source, destination := netip.AddrFrom4([4]byte(b[12:16])), netip.AddrFrom4([4]byte(b[16:20]))
	if offset := binary.BigEndian.Uint16(b[6:]) & 0x1fff; offset != 0 {
		return fragment(source, destination, b[header:total]), true
	}
	return parseTransport(b[9], source, destination, b[header:total])
}

// parseIPv6 reads RFC 8200 §3 and steps over the extension headers that occur in practice.
func parseIPv6(b []byte) (Packet, bool) {
	if len(b) < 40 || b[0]>>4 != 6 {
		return Packet{}, false
	}
	total := 40 + int(binary.BigEndian.Uint16(b[4:]))
	if total > len(b) {
		return Packet{}, false
	}
	source, destination := netip.AddrFrom16([16]byte(b[8:24])), netip.AddrFrom16([16]byte(b[24:40]))
	next, rest := b[6], b[40:total]
	for next == headerIPv6Hop || next == headerIPv6Option || next == headerIPv6Frag {
		if len(rest) < 8 {
			return Packet{}, false
		}
		size := 8
		if next == headerIPv6Frag {
			if binary.BigEndian.Uint16(rest[2:])&0xfff8 != 0 {
				return fragment(source, destination, rest[8:]), true
			}
		} else if size = 8 + int(rest[1])*8; size > len(rest) {
			return Packet{}, false
		}
		next, rest = rest[0], rest[size:]
	}
	return parseTransport(next, source, destination, rest)
}

func fragment(source, destination netip.Addr, payload []byte) Packet {
	return Packet{
		Protocol: Fragment, Payload: payload,
		Source: netip.AddrPortFrom(source, 0), Destination: netip.AddrPortFrom(destination, 0),
	}
}

// parseTransport reads UDP (RFC 768) and TCP (RFC 9293 §3.1).
func parseTransport(protocol byte, source, destination netip.Addr, b []byte) (Packet, bool) {
	if len(b) < 8 {
		return Packet{}, false
	}
	p := Packet{
		Source:      netip.AddrPortFrom(source, binary.BigEndian.Uint16(b)),
		Destination: netip.AddrPortFrom(destination, binary.BigEndian.Uint16(b[2:])),
	}
	switch {
	case protocol == protocolUDP:
		p.Protocol, p.Payload = UDP, b[8:]
		return p, true
	case protocol == protocolTCP && len(b) >= 20:
		header := int(b[12]>>4) * 4
		if header < 20 || header > len(b) {
			return Packet{}, false
		}
		p.Protocol, p.Sequence, p.Syn = TCP, binary.BigEndian.Uint32(b[4:]), b[13]&2 != 0
		p.Payload = b[header:]
		return p, true
	}
	return Packet{}, false
}
