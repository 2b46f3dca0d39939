package netfilter

import (
	"fmt"
	"math/big"
	"net/netip"
	"slices"

	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// addrIn matches a source or destination address in a set.
type addrIn struct {
	family    family
	direction direction
	set       string
}

func (s addrIn) String() string {
	return fmt.Sprintf("%s %caddr @%s", s.family.word(), s.direction, s.set)
}

func (s addrIn) add(p *program) {
	p.loadAddr(reg, s.family, s.direction)
	p.in(s.set)
}

// hostIn matches a source in a set of hosts, of IPv6 ones by their /64, which is what one host can choose from.
type hostIn struct {
	family family
	set    string
}

func (s hostIn) String() string {
	if s.family == ip6 { // a value reckoned is compared with "==", and so is whether it lies in a set
		return fmt.Sprintf("%s == @%s", hostWord(s.family), s.set)
	}
	return fmt.Sprintf("%s @%s", hostWord(s.family), s.set)
}

func (s hostIn) add(p *program) {
	p.loadHost(s.family)
	p.in(s.set)
}

func hostWord(f family) string {
	if f == ip4 {
		return "ip saddr"
	}
	return "ip6 saddr & ffff:ffff:ffff:ffff::"
}

func (p *program) loadHost(f family) {
	p.loadAddr(reg, f, src)
	if f == ip6 {
		mask := make([]byte, 16)
		copy(mask, []byte{255, 255, 255, 255, 255, 255, 255, 255})
		p.emit(&expr.Bitwise{SourceRegister: reg, DestRegister: reg, Len: 16, Mask: mask, Xor: make([]byte, 16)})
	}
}

// from matches one source address, or every other one.
type from struct {
	addr netip.Addr
	not  bool
}

func (s from) String() string {
	text := familyOf(s.addr).word() + " saddr "
	if s.not {
		text += "!= "
	}
	return text + s.addr.String()
}

func (s from) add(p *program) {
	p.loadAddr(reg, familyOf(s.addr), src)
	if s.not {
		p.differs(s.addr.AsSlice())
		return
	}
	p.equal(s.addr.AsSlice())
}

// fromPrefix matches sources of one prefix.
type fromPrefix netip.Prefix

func linkLocal() fromPrefix { return fromPrefix(netip.MustParsePrefix("fe80::/10")) } // RFC 4291 section 2.5.6
func loopback() fromPrefix  { return fromPrefix(netip.MustParsePrefix("127.0.0.0/8")) }

func (s fromPrefix) String() string {
	p := netip.Prefix(s)
	return fmt.Sprintf("%s saddr %v", familyOf(p.Addr()).word(), p)
}

func (s fromPrefix) add(p *program) {
	network := netip.Prefix(s).Addr().AsSlice()
	mask := slices.Clone(lastOf(netip.Prefix(s)).AsSlice())
	for i := range mask {
		mask[i] = ^(mask[i] ^ network[i])
	}
	length := uint32(len(mask))
	p.loadAddr(reg, familyOf(netip.Prefix(s).Addr()), src)
	p.emit(&expr.Bitwise{SourceRegister: reg, DestRegister: reg, Len: length, Mask: mask, Xor: make([]byte, length)})
	p.equal(network)
}

// toPort matches one destination port.
type toPort struct {
	protocol string
	port     uint16
}

func (s toPort) String() string { return fmt.Sprintf("%s dport %d", s.protocol, s.port) }

func (s toPort) add(p *program) {
	p.loadPort(s.protocol, dst)
	p.equal(port(s.port))
}

// udpPortIn matches a UDP port in a set.
type udpPortIn struct {
	direction direction
	set       string
}

func (s udpPortIn) String() string { return fmt.Sprintf("udp %cport @%s", s.direction, s.set) }

func (s udpPortIn) add(p *program) {
	p.loadPort(UDP, s.direction)
	p.in(s.set)
}

// udpPortWithin matches a UDP port in a range.
type udpPortWithin struct {
	direction direction
	ports     PortRange
}

func (s udpPortWithin) String() string {
	if s.ports.Low == s.ports.High {
		return fmt.Sprintf("udp %cport %d", s.direction, s.ports.Low)
	}
	return fmt.Sprintf("udp %cport %d-%d", s.direction, s.ports.Low, s.ports.High)
}

func (s udpPortWithin) add(p *program) {
	p.loadPort(UDP, s.direction)
	if s.ports.Low == s.ports.High {
		p.equal(port(s.ports.Low))
		return
	}
	p.emit(
		&expr.Cmp{Op: expr.CmpOpGte, Register: reg, Data: port(s.ports.Low)},
		&expr.Cmp{Op: expr.CmpOpLte, Register: reg, Data: port(s.ports.High)},
	)
}

// loadPort puts the source or destination port of a protocol into the register.
func (p *program) loadPort(protocol string, d direction) {
	if protocol == UDP {
		p.needL4(unix.IPPROTO_UDP)
	} else {
		p.needL4(unix.IPPROTO_TCP)
	}
	offset := uint32(0)
	if d == dst {
		offset = 2
	}
	p.load(reg, expr.PayloadBaseTransportHeader, offset, 2)
}

// throughPinhole matches UDP whose source, destination and destination port are together in a set.
type throughPinhole struct {
	family family
	set    string
}

func (s throughPinhole) String() string {
	w := s.family.word()
	return fmt.Sprintf("%s saddr . %s daddr . udp dport @%s", w, w, s.set)
}

// add fills consecutive registers: 4-byte ones (numbered from 8, the first being the start of register 1) for IPv4,
// 16-byte ones for IPv6.
func (s throughPinhole) add(p *program) {
	second, third := uint32(9), uint32(10)
	if s.family == ip6 {
		second, third = 2, 3
	}
	p.needFamily(s.family)
	p.needL4(unix.IPPROTO_UDP)
	p.loadAddr(reg, s.family, src)
	p.loadAddr(second, s.family, dst)
	p.load(third, expr.PayloadBaseTransportHeader, 2, 2)
	p.in(s.set)
}

// payloadIs matches bytes counted from the start of the transport header, those of the mask alone where there is one.
type payloadIs struct {
	offset      uint32
	mask, value []byte
}

func (s payloadIs) String() string {
	where := fmt.Sprintf("@th,%d,%d", s.offset*8, len(s.value)*8)
	if s.mask != nil {
		return fmt.Sprintf("%s & %s == %s", where, hexText(s.mask), hexText(s.value))
	}
	return where + " " + hexText(s.value)
}

func (s payloadIs) add(p *program) {
	length := uint32(len(s.value))
	p.load(reg, expr.PayloadBaseTransportHeader, s.offset, length)
	if s.mask != nil {
		p.emit(&expr.Bitwise{SourceRegister: reg, DestRegister: reg, Len: length, Mask: s.mask, Xor: make([]byte, length)})
	}
	p.equal(s.value)
}

// hexText prints a number of some bytes as nft does.
func hexText(b []byte) string { return fmt.Sprintf("%#x", new(big.Int).SetBytes(b)) }

// payloadWithin matches a byte in a range.
type payloadWithin struct {
	offset    uint32
	low, high byte
}

func (s payloadWithin) String() string {
	return fmt.Sprintf("@th,%d,8 %#x-%#x", s.offset*8, s.low, s.high)
}

func (s payloadWithin) add(p *program) {
	p.load(reg, expr.PayloadBaseTransportHeader, s.offset, 1)
	p.emit(
		&expr.Cmp{Op: expr.CmpOpGte, Register: reg, Data: []byte{s.low}},
		&expr.Cmp{Op: expr.CmpOpLte, Register: reg, Data: []byte{s.high}},
	)
}

// notTo matches packets to any address but those of a set.
type notTo struct {
	family family
	set    string
}

func (s notTo) String() string { return fmt.Sprintf("%s daddr != @%s", s.family.word(), s.set) }

func (s notTo) add(p *program) {
	p.loadAddr(reg, s.family, dst)
	p.emit(&expr.Lookup{SourceRegister: reg, SetName: s.set, Invert: true})
}

// toPorts matches a range of destination ports of a protocol.
type toPorts struct {
	protocol  string
	low, high uint16
}

func (s toPorts) String() string { return fmt.Sprintf("%s dport %d-%d", s.protocol, s.low, s.high) }

func (s toPorts) add(p *program) {
	p.loadPort(s.protocol, dst)
	p.emit(
		&expr.Cmp{Op: expr.CmpOpGte, Register: reg, Data: port(s.low)},
		&expr.Cmp{Op: expr.CmpOpLte, Register: reg, Data: port(s.high)},
	)
}

// icmpIn matches ICMP or ICMPv6 types in a set.
type icmpIn struct {
	family family
	set    string
}

func (s icmpIn) String() string { return icmpWord(s.family) + " type @" + s.set }

func (s icmpIn) add(p *program) {
	p.loadICMP(s.family)
	p.in(s.set)
}

// icmp matches one ICMP or ICMPv6 type.
type icmp struct {
	family family
	kind   icmpType
}

func (s icmp) String() string { return icmpWord(s.family) + " type " + s.kind.name }

func (s icmp) add(p *program) {
	p.loadICMP(s.family)
	p.equal([]byte{s.kind.number})
}

func icmpWord(f family) string {
	if f == ip4 {
		return "icmp"
	}
	return "icmpv6"
}

func (p *program) loadICMP(f family) {
	p.needFamily(f)
	if f == ip4 {
		p.needL4(unix.IPPROTO_ICMP)
	} else {
		p.needL4(unix.IPPROTO_ICMPV6)
	}
	p.load(reg, expr.PayloadBaseTransportHeader, 0, 1)
}

// unforwarded matches IPv6 packets that no router passed on: hop limit 255 (RFC 4861 section 6.1.2, 7.1.1).
type unforwarded struct{}

func (unforwarded) String() string { return "ip6 hoplimit 255" }

func (unforwarded) add(p *program) {
	p.needFamily(ip6)
	p.load(reg, expr.PayloadBaseNetworkHeader, 7, 1)
	p.equal([]byte{255})
}

// fragment matches every piece of a packet sent in pieces, or turned over what is whole: in IPv4 the more-fragments bit or an offset
// (RFC 791 section 3.1), in IPv6 a fragment header (RFC 8200 section 4.5).
type fragment struct {
	family
	not bool
}

func (s fragment) String() string {
	switch {
	case s.family == ip4 && s.not:
		return "ip frag-off & 16383 == 0"
	case s.family == ip4:
		return "ip frag-off & 16383 != 0"
	case s.not:
		return "exthdr frag missing"
	}
	return "exthdr frag exists"
}

func (s fragment) add(p *program) {
	p.needFamily(s.family)
	if s.family == ip6 {
		p.emit(&expr.Exthdr{
			DestRegister: reg, Type: unix.IPPROTO_FRAGMENT, Len: 1, Flags: unix.NFT_EXTHDR_F_PRESENT, Op: expr.ExthdrOpIpv6,
		})
		there := byte(1)
		if s.not {
			there = 0
		}
		p.equal([]byte{there})
		return
	}
	p.load(reg, expr.PayloadBaseNetworkHeader, 6, 2)
	p.emit(&expr.Bitwise{SourceRegister: reg, DestRegister: reg, Len: 2, Mask: []byte{0x3f, 0xff}, Xor: make([]byte, 2)})
	if s.not {
		p.equal(make([]byte, 2))
	} else {
		p.differs(make([]byte, 2))
	}
}
