package netfilter

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// A trial puts a second set of rules beside the first, in the same table. Each base chain begins with a look into a map whose
// elements lead to the chain on trial and end by themselves:
//
//	chain input {
//		meta nfproto vmap @try_input    { ipv4 timeout 2m : goto trial_input, ipv6 timeout 2m : goto trial_input }
//		... the rules before
//	}
//
// While the elements live, packets take the rules on trial; when the kernel takes them out, the rules before are in force
// again, whether the process lives or not. Pinholes, bans and shares are the same sets for both. Set - with the new Config to
// confirm it, with the old one to end it - leaves one set of rules in the table, without a gap.

const trialPrefix, tryPrefix = "trial_", "try_"

// trial is what is tried, and for how long.
type trial struct {
	config Config
	until  time.Time
}

// Try puts the Config into force until a moment, unless Set comes first: then the kernel falls back to what Set put into
// force last, also when this process is gone. Tried again before that, the other Config takes its place until the first
// one's end. Without a Set before it there is nothing to fall back to, and it is a fault.
func (f *Filter) Try(ctx context.Context, c Config, until time.Time) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("try filter: %w", err)
	}
	if err := c.Check(); err != nil {
		return fmt.Errorf("try filter: %w", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.config == nil:
		return fmt.Errorf("try filter: nothing is in force that could come back")
	case f.trial != nil && f.trial.running():
		until = f.trial.until
	case !until.After(time.Now()):
		return fmt.Errorf("try filter: it would be over already")
	}
	if err := f.apply(*f.config, &trial{c.clone(), until}); err != nil {
		return fmt.Errorf("try filter: %w", err)
	}
	f.log.Info("filter on trial", "table", f.table, "until", until)
	return nil
}

func (t *trial) running() bool { return t.until.After(time.Now()) }

// configs are those by which packets are let in now: the one that was set, and the one on trial.
func (f *Filter) configs() []Config {
	var list []Config
	if f.config != nil {
		list = append(list, *f.config)
	}
	if f.trial != nil && f.trial.running() {
		list = append(list, f.trial.config)
	}
	return list
}

// onTrial returns a table with the rules of r, and those of next beside them for a time.
func (r Ruleset) onTrial(next Ruleset, d time.Duration) Ruleset {
	both := Ruleset{Table: r.Table, counters: slices.Clone(r.counters), sets: slices.Clone(r.sets)}
	for _, c := range next.counters {
		if !slices.ContainsFunc(both.counters, func(o Counter) bool { return o.Name == c.Name }) {
			both.counters = append(both.counters, c)
		}
	}
	for _, s := range next.sets {
		if s.name = next.tried(s.name); !slices.ContainsFunc(both.sets, func(o set) bool { return o.name == s.name }) {
			both.sets = append(both.sets, s)
		}
	}
	for _, c := range r.chains {
		copied := *c
		copied.rules = slices.Clone(c.rules)
		if c.hook != nil {
			target := accept() // next has no such chain, and leaves its packets alone
			if next.chain(c.name) != nil {
				target = goTo(trialPrefix + c.name)
			}
			both.try(&copied, target, d)
		}
		both.chains = append(both.chains, &copied)
	}
	for _, c := range next.chains {
		if c.name != marker {
			both.chains = append(both.chains, next.triedChain(c))
		}
		if c.hook != nil && r.chain(c.name) == nil {
			base := *c
			base.rules, base.policy = nil, accept()
			both.try(&base, goTo(trialPrefix+c.name), d)
			both.chains = append(both.chains, &base)
		}
	}
	both.number()
	return both
}

// try has a base chain look first whether the trial is on.
func (r *Ruleset) try(base *chain, target verdict, d time.Duration) {
	name := tryPrefix + base.name
	r.sets = append(r.sets, set{
		name: name, why: "while its elements live the rules on trial are in force", types: []nftables.SetDatatype{nftables.TypeNFProto},
		verdicts: &target, lives: d, perLine: 1,
	})
	look := rule{statements: []statement{byFamily{name}}, why: "is there a trial"}
	base.rules = slices.Concat([]rule{look}, base.rules)
}

// triedChain returns a chain of the rules on trial: a plain one, under its name there.
func (r Ruleset) triedChain(c *chain) *chain {
	tried := &chain{name: trialPrefix + c.name, why: "on trial: " + c.why, nat: c.nat}
	for _, old := range c.rules {
		renamed := rule{why: old.why}
		for _, s := range old.statements {
			if named, ok := s.(naming); ok {
				s = named.renamed(r.tried)
			}
			renamed.statements = append(renamed.statements, s)
		}
		tried.rules = append(tried.rules, renamed)
	}
	return tried
}

// tried is the name of a set or chain on trial. What the kernel or live calls fill is shared.
func (r Ruleset) tried(name string) string {
	if s, ok := r.set(name); ok && s.shared() {
		return name
	}
	return trialPrefix + name
}

// shared tells whether a set is filled by something else than the Config: bans, shares, pinholes.
func (s set) shared() bool { return s.timed || s.dynamic || len(s.types) > 1 || s.verdicts != nil }

// chain returns the chain of that name, or nil.
func (r Ruleset) chain(name string) *chain {
	if i := slices.IndexFunc(r.chains, func(c *chain) bool { return c.name == name }); i >= 0 {
		return r.chains[i]
	}
	return nil
}

// naming is a statement that names a set or a chain.
type naming interface {
	renamed(func(string) string) statement
}

func (s addrIn) renamed(to func(string) string) statement         { s.set = to(s.set); return s }
func (s notTo) renamed(to func(string) string) statement          { s.set = to(s.set); return s }
func (s hostIn) renamed(to func(string) string) statement         { s.set = to(s.set); return s }
func (s udpPortIn) renamed(to func(string) string) statement      { s.set = to(s.set); return s }
func (s throughPinhole) renamed(to func(string) string) statement { s.set = to(s.set); return s }
func (s icmpIn) renamed(to func(string) string) statement         { s.set = to(s.set); return s }
func (s share) renamed(to func(string) string) statement          { s.set = to(s.set); return s }

func (s verdict) renamed(to func(string) string) statement {
	if s.chain != "" {
		s.chain = to(s.chain)
	}
	return s
}

// byFamily goes where a map says for the packet's family.
type byFamily struct{ set string }

func (s byFamily) String() string { return "meta nfproto vmap @" + s.set }

func (s byFamily) add(p *program) {
	p.emit(
		&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: reg},
		&expr.Lookup{SourceRegister: reg, SetName: s.set, IsDestRegSet: true, DestRegister: unix.NFT_REG_VERDICT},
	)
}

// verdictElements are what the map of a trial holds.
func (s set) verdictElements() []nftables.SetElement {
	var list []nftables.SetElement
	for _, f := range families() {
		list = append(list, nftables.SetElement{
			Key: []byte{byte(f)}, VerdictData: &expr.Verdict{Kind: s.verdicts.kind, Chain: s.verdicts.chain}, Timeout: max(s.lives, time.Millisecond),
		})
	}
	return list
}

// isTry tells whether a set is the map of a trial.
func isTry(name string) bool { return strings.HasPrefix(name, tryPrefix) }
