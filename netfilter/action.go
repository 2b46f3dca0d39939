package netfilter

import (
	"fmt"

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

// rate matches while fewer packets than that pass, so that what follows it is done for these only.
type rate struct {
	perSecond uint64
	burst     uint32
}

func (s rate) String() string {
	return fmt.Sprintf("limit rate %d/second burst %d packets", s.perSecond, s.burst)
}

func (s rate) add(p *program) { p.emit(s.limit()) }

func (s rate) limit() expr.Any {
	return &expr.Limit{Type: expr.LimitTypePkts, Rate: s.perSecond, Unit: expr.LimitTimeSecond, Burst: s.burst}
}

// share matches while one source sends fewer packets than the rate. Sources are kept in a dynamic set, IPv6 ones by
// their /64, which is what one host can choose from. A full set matches nobody new: what follows must be the refusal.
type share struct {
	family family
	set    string
	rate   rate
}

func (s share) String() string {
	return fmt.Sprintf("update @%s { %s %s }", s.set, hostWord(s.family), s.rate)
}

func (s share) add(p *program) {
	p.loadHost(s.family)
	p.emit(&expr.Dynset{
		SrcRegKey: reg, SetName: s.set, Operation: unix.NFT_DYNSET_OP_UPDATE, Exprs: []expr.Any{s.rate.limit()},
	})
}
