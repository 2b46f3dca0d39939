package netfilter

import (
	"slices"

	"github.com/google/nftables"
)

// Ruleset returns the table that puts the Config into force. It is a pure function; the result is meaningful for a
// Config that Check accepts.
func (c Config) Ruleset() Ruleset { return c.ruleset(nil) }

// ruleset also keeps the local ports of live pinholes among the media ports, so that a call which started under an
// earlier range lives on.
func (c Config) ruleset(live []uint16) Ruleset {
	b := newBuilder(c)
	b.addServices()
	b.addSets(live)
	b.early()
	b.datagrams()
	b.input()
	b.forward()
	b.masquerade()
	b.sent()
	b.dropChains()
	b.chain(chain{name: marker, why: "this table was made by Tollgate"})
	b.rules.number()
	return b.rules
}

// builder writes a Ruleset. Each method in chains_*.go writes one base chain and the chains it leads to.
type builder struct {
	Config
	rules    Ruleset
	services []service
	reasons  []reason // for which something is dropped, in the order in which they came up
}

func newBuilder(c Config) *builder {
	return &builder{Config: c, rules: Ruleset{Table: DefaultTable}}
}

// service is one SIP port of one peer under the name that its counter and sets carry.
type service struct {
	Service
	counter string
}

// addServices gives each service its name. The same service told twice becomes one with the sources of both.
func (b *builder) addServices() {
	for _, s := range b.Services {
		name := b.serviceName(s)
		i := slices.IndexFunc(b.services, func(o service) bool {
			return o.Name == s.Name && o.Side == s.Side && o.Protocol == s.Protocol && o.Port == s.Port
		})
		if i >= 0 {
			b.services[i].Sources = merge(slices.Concat(b.services[i].Sources, s.Sources))
			continue
		}
		s.Sources = merge(s.Sources)
		b.services = append(b.services, service{s, name})
	}
}

// has tells whether a set is defined.
func (b *builder) has(name string) bool {
	_, ok := b.rules.set(name)
	return ok
}

// chain adds an empty chain.
func (b *builder) chain(c chain) *chain {
	b.rules.chains = append(b.rules.chains, &c)
	return &c
}

// The priorities of the base chains.
const (
	beforeDefrag = -450
	atRaw        = -300
	atFilter     = 0
	atSourceNAT  = 100
)

func prerouting(name string, priority int32, why string) chain {
	return chain{name: name, hook: nftables.ChainHookPrerouting, hookName: "prerouting", priority: priority, policy: accept(), why: why}
}

// counter defines a counter once and returns the statement that counts.
func (b *builder) counter(name, comment string) count {
	if !slices.ContainsFunc(b.rules.counters, func(c Counter) bool { return c.Name == name }) {
		b.rules.counters = append(b.rules.counters, Counter{Name: name, Comment: clean(comment)})
	}
	return count(name)
}

// rule appends a rule with what it is for; one that counts may leave that to its counter.
func (b *builder) rule(c *chain, why string, statements ...statement) {
	for _, s := range statements {
		if name, ok := s.(count); ok && why == "" {
			i := slices.IndexFunc(b.rules.counters, func(c Counter) bool { return c.Name == string(name) })
			why = b.rules.counters[i].Comment
		}
	}
	c.rules = append(c.rules, rule{statements: statements, why: why})
}

// refuse appends a rule that drops for a reason; see reasons.go.
func (b *builder) refuse(c *chain, r reason, match ...statement) {
	b.rule(c, r.why, append(match, b.dropFor(r))...)
}
