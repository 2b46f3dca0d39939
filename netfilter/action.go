package netfilter

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// verdict ends a rule: accept, drop, goto another chain, jump to one that may return, or return.
type verdict struct {
	kind  expr.VerdictKind
	chain string
}

func accept() verdict           { return verdict{kind: expr.VerdictAccept} }
func drop() verdict             { return verdict{kind: expr.VerdictDrop} }
func goTo(chain string) verdict { return verdict{kind: expr.VerdictGoto, chain: chain} }
func call(chain string) verdict { return verdict{kind: expr.VerdictJump, chain: chain} }
func back() verdict             { return verdict{kind: expr.VerdictReturn} }

func (s verdict) add(p *program) { p.emit(&expr.Verdict{Kind: s.kind, Chain: s.chain}) }

func (s verdict) String() string {
	switch s.kind {
	case expr.VerdictAccept:
		return "accept"
	case expr.VerdictDrop:
		return "drop"
	case expr.VerdictJump:
		return "jump " + s.chain
	case expr.VerdictReturn:
		return "return"
	default:
		return "goto " + s.chain
	}
}

// count adds the packet to a named counter.
type count string

func (s count) String() string { return fmt.Sprintf("counter name %q", string(s)) }

func (s count) add(p *program) {
	p.emit(&expr.Objref{Type: unix.NFT_OBJECT_COUNTER, Name: string(s)})
}

// untrack keeps the packet out of connection tracking.
type untrack struct{}

func (untrack) String() string { return "notrack" }
func (untrack) add(p *program) { p.emit(&expr.Notrack{}) }

// mark puts the mark of this table onto a packet, and marked matches it in a later chain. That a packet is not tracked would not do for
// it: somebody else's table may leave tracking out for reasons of its own.
type mark struct{}

type marked struct{}

const ownMark = 0x746f6c6c // "toll"

func (mark) String() string   { return fmt.Sprintf("meta mark set %#x", ownMark) }
func (marked) String() string { return fmt.Sprintf("meta mark %#x", ownMark) }

func (mark) add(p *program) {
	p.emit(&expr.Immediate{Register: reg, Data: binary.NativeEndian.AppendUint32(nil, ownMark)},
		&expr.Meta{Key: expr.MetaKeyMARK, SourceRegister: true, Register: reg})
}

func (marked) add(p *program) {
	p.emit(&expr.Meta{Key: expr.MetaKeyMARK, Register: reg})
	p.equal(binary.NativeEndian.AppendUint32(nil, ownMark))
}

// rate matches while no more packets than that pass, or, turned over, those beyond.
type rate struct {
	perSecond uint64
	burst     uint32
	over      bool
}

func (s rate) String() string {
	over := ""
	if s.over {
		over = "over "
	}
	return fmt.Sprintf("limit rate %s%d/second burst %d packets", over, s.perSecond, s.burst)
}

func (s rate) add(p *program) { p.emit(s.bound()) }

func (s rate) bound() expr.Any {
	return &expr.Limit{Type: expr.LimitTypePkts, Rate: s.perSecond, Unit: expr.LimitTimeSecond, Burst: s.burst, Over: s.over}
}

func (s rate) beyond() bounded { s.over = true; return s }

// connections matches while there are no more than that, or, turned over, when there are.
type connections struct {
	most uint32
	over bool
}

func (s connections) String() string {
	if s.over {
		return fmt.Sprintf("ct count over %d", s.most)
	}
	return fmt.Sprintf("ct count %d", s.most)
}

func (s connections) bound() expr.Any {
	e := &expr.Connlimit{Count: s.most}
	if s.over {
		e.Flags = expr.NFT_CONNLIMIT_F_INV
	}
	return e
}

func (s connections) beyond() bounded { s.over = true; return s }

// bounded is what each source has a share of.
type bounded interface {
	String() string
	bound() expr.Any
	beyond() bounded // matches what exceeds it
}

// share matches as its bound does for each source by itself. Sources are kept in a dynamic set, IPv6 ones by their /64,
// which is what one host can choose from, or whole, where many share one. A full set matches nobody new: of strangers what is
// within is let in and the rest refused (fails closed), of peers what is beyond is refused and the rest let in (fails open).
type share struct {
	family family
	set    string
	of     bounded
	whole  bool
}

func (s share) String() string {
	word, key := "update", hostWord(s.family)
	if s.whole {
		key = s.family.word() + " saddr"
	}
	if _, ok := s.of.(connections); ok {
		word = "add"
	}
	return fmt.Sprintf("%s @%s { %s %s }", word, s.set, key, s.of)
}

func (s share) add(p *program) {
	if s.whole {
		p.loadAddr(reg, s.family, src)
	} else {
		p.loadHost(s.family)
	}
	operation := uint32(unix.NFT_DYNSET_OP_UPDATE)
	if _, ok := s.of.(connections); ok {
		operation = unix.NFT_DYNSET_OP_ADD
	}
	p.emit(&expr.Dynset{SrcRegKey: reg, SetName: s.set, Operation: operation, Exprs: []expr.Any{s.of.bound()}})
}

func (s sample) add(p *program) {
	p.emit(&expr.Log{
		Key:   1<<unix.NFTA_LOG_GROUP | 1<<unix.NFTA_LOG_PREFIX | 1<<unix.NFTA_LOG_SNAPLEN,
		Group: LogGroup, Snaplen: sampleBytes, Data: []byte(s),
	})
}

// masquerade gives the packet an address of the box, and a port of a range, if there is one.
type masquerade struct {
	addr  netip.Addr
	ports PortRange
}

func (s masquerade) String() string {
	text := fmt.Sprintf("snat %s to ", familyOf(s.addr).word())
	switch {
	case s.ports == PortRange{}:
		return text + s.addr.String()
	case s.addr.Is6():
		return fmt.Sprintf("%s[%s]:%d-%d", text, s.addr, s.ports.Low, s.ports.High)
	}
	return fmt.Sprintf("%s%s:%d-%d", text, s.addr, s.ports.Low, s.ports.High)
}

func (s masquerade) add(p *program) {
	p.needFamily(familyOf(s.addr))
	nat := &expr.NAT{Type: expr.NATTypeSourceNAT, Family: uint32(familyOf(s.addr)), RegAddrMin: reg, RegAddrMax: reg}
	p.emit(&expr.Immediate{Register: reg, Data: s.addr.AsSlice()})
	if s.ports != (PortRange{}) {
		nat.RegProtoMin, nat.RegProtoMax, nat.Specified = reg+1, reg+2, true
		p.emit(&expr.Immediate{Register: nat.RegProtoMin, Data: port(s.ports.Low)}, &expr.Immediate{Register: nat.RegProtoMax, Data: port(s.ports.High)})
	}
	p.emit(nat)
}
