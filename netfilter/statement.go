package netfilter

import (
	"encoding/binary"
	"fmt"

	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// statement is one part of a rule, a match or an action. String prints it as nft does; add appends what the kernel
// runs for it to a program.
type statement interface {
	String() string
	add(p *program)
}

// program collects the kernel's expressions of one rule. It remembers what earlier matches made sure of, because nft
// prints a check made twice as a second match.
type program struct {
	exprs   []expr.Any
	network family
	l4      byte
}

// reg is the register that every single-valued match uses; it holds 16 bytes.
const reg = 1

func compile(statements []statement) []expr.Any {
	var p program
	for _, s := range statements {
		s.add(&p)
	}
	return p.exprs
}

func (p *program) emit(exprs ...expr.Any) { p.exprs = append(p.exprs, exprs...) }

func (p *program) equal(data []byte) {
	p.emit(&expr.Cmp{Op: expr.CmpOpEq, Register: reg, Data: data})
}

func (p *program) differs(data []byte) {
	p.emit(&expr.Cmp{Op: expr.CmpOpNeq, Register: reg, Data: data})
}

func (p *program) in(set string) {
	p.emit(&expr.Lookup{SourceRegister: reg, SetName: set})
}

func (p *program) load(register uint32, base expr.PayloadBase, offset, length uint32) {
	p.emit(&expr.Payload{DestRegister: register, Base: base, Offset: offset, Len: length})
}

// needFamily makes sure that the packet is of the family; an inet table sees both.
func (p *program) needFamily(f family) {
	if p.network == f {
		return
	}
	p.network = f
	p.emit(&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: reg})
	p.equal([]byte{byte(f)})
}

// needL4 makes sure of the transport protocol.
func (p *program) needL4(protocol byte) {
	if p.l4 == protocol {
		return
	}
	p.l4 = protocol
	p.emit(&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: reg})
	p.equal([]byte{protocol})
}

// loadAddr puts the source or destination address into a register (RFC 791 section 3.1, RFC 8200 section 3).
func (p *program) loadAddr(register uint32, f family, d direction) {
	p.needFamily(f)
	offset, length := uint32(12), uint32(4)
	if f == ip6 {
		offset, length = 8, 16
	}
	if d == dst {
		offset += length
	}
	p.load(register, expr.PayloadBaseNetworkHeader, offset, length)
}

// direction chooses source or destination.
type direction byte

const (
	src direction = 's'
	dst direction = 'd'
)

// onInterface matches the interface a packet came in by ("iifname") or leaves by ("oifname").
type onInterface struct{ word, name string }

func iif(name string) statement { return onInterface{"iifname", name} }
func oif(name string) statement { return onInterface{"oifname", name} }

func (s onInterface) String() string { return fmt.Sprintf("%s %q", s.word, s.name) }

func (s onInterface) add(p *program) {
	key := expr.MetaKeyIIFNAME
	if s.word == "oifname" {
		key = expr.MetaKeyOIFNAME
	}
	name := make([]byte, unix.IFNAMSIZ) // all of it, or the match would be by prefix
	copy(name, s.name)
	p.emit(&expr.Meta{Key: key, Register: reg})
	p.equal(name)
}

// ofItself matches what the box sends to itself, by the number that the loopback interface has in every network namespace: it is
// asked of every packet, and a name is copied and compared where a number is looked at.
type ofItself struct {
	word string
	key  expr.MetaKey
}

func fromItself() statement { return ofItself{"iif", expr.MetaKeyIIF} }
func toItself() statement   { return ofItself{"oif", expr.MetaKeyOIF} }

func (s ofItself) String() string { return s.word + ` "lo"` }

func (s ofItself) add(p *program) {
	p.emit(&expr.Meta{Key: s.key, Register: reg})
	p.equal(binary.NativeEndian.AppendUint32(nil, 1)) // LOOPBACK_IFINDEX of linux/netdevice.h
}

// isFamily matches the packets of one family.
type isFamily family

func (s isFamily) String() string { return "meta nfproto ipv" + family(s).suffix() }
func (s isFamily) add(p *program) { p.needFamily(family(s)) }

// isProtocol matches one transport protocol.
type isProtocol byte

func (s isProtocol) String() string { return "meta l4proto " + protocolName(byte(s)) }
func (s isProtocol) add(p *program) { p.needL4(byte(s)) }

// notProtocol matches every transport protocol but one.
type notProtocol byte

func (s notProtocol) String() string { return "meta l4proto != " + protocolName(byte(s)) }

func (s notProtocol) add(p *program) {
	p.emit(&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: reg})
	p.differs([]byte{byte(s)})
}

func protocolName(protocol byte) string {
	switch protocol {
	case unix.IPPROTO_TCP:
		return "tcp"
	case unix.IPPROTO_UDP:
		return "udp"
	default:
		return "ipv6-icmp"
	}
}

// elsewhere matches packets that the link layer delivered to more hosts than this one: broadcasts and multicasts.
type elsewhere struct{}

func (elsewhere) String() string { return "meta pkttype != host" }

func (elsewhere) add(p *program) {
	p.emit(&expr.Meta{Key: expr.MetaKeyPKTTYPE, Register: reg})
	p.differs([]byte{unix.PACKET_HOST})
}

// state matches what connection tracking says of the packet.
type state struct {
	text string
	bits uint32
}

// The bits are the kernel's NF_CT_STATE_*_BIT as nf_tables counts them.
func answered() state  { return state{"established,related", 0x06} }
func invalid() state   { return state{"invalid", 0x01} }
func untracked() state { return state{"untracked", 0x40} }
func begins() state    { return state{"new", 0x08} }

func (s state) String() string { return "ct state " + s.text }

func (s state) add(p *program) {
	p.emit(
		&expr.Ct{Key: expr.CtKeySTATE, Register: reg},
		&expr.Bitwise{
			SourceRegister: reg, DestRegister: reg, Len: 4, Mask: binary.NativeEndian.AppendUint32(nil, s.bits), Xor: make([]byte, 4),
		},
	)
	p.differs(make([]byte, 4))
}
