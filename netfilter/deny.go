package netfilter

import (
	"context"
	"fmt"
)

// DenyRuleset returns the table for a box on which nobody judges: nothing is let in but answers to what the system itself
// asked, such as the time, and what a link needs. It is a pure function of nothing. Bans and the pinholes of live calls stay
// in their sets, without effect, for the process that is started again.
func DenyRuleset() Ruleset {
	b := newBuilder(Config{})
	c := b.chain(prerouting("early", beforeDefrag, "before anything is spent on a packet: banned sources, and fragments"))
	b.rule(c, "the box itself", fromItself(), accept())
	for _, f := range families() {
		b.banned(c, f)
		b.refuse(c, away(), fragment{family: f})
	}
	b.keepAway()
	for _, side := range []Side{Inside, Outside} {
		for _, f := range families() {
			for _, prefixes := range []bool{false, true} {
				b.rules.sets = append(b.rules.sets, pinholeSet(pinholeSetName(side, f, prefixes), f, prefixes))
			}
		}
	}
	b.chain(prerouting("datagrams", atRaw, "SIP over UDP and media: nobody takes them"))
	c = b.chain(chain{name: "input", hook: inputHook(), hookName: "input", priority: atFilter, policy: drop(), why: "what may reach the box itself"})
	b.rule(c, "the box itself", fromItself(), accept())
	b.discovery(c)
	b.rule(c, "", answered(), b.counter("answers", "answers to what the system asked"), accept())
	b.refuse(c, away())
	b.forward()
	b.chain(chain{name: "sent", hook: outputHook(), hookName: "output", priority: atRaw, policy: accept(), why: "what the box sends"})
	b.dropChains()
	b.chain(chain{name: marker, why: "this table was made by Tollgate"})
	b.rules.number()
	return b.rules
}

// Deny puts DenyRuleset into force, without a gap, until the next Set. An appliance does so before its program runs and when
// it has ended, so that no port is ever open unjudged. Nothing is removed by it: bans stay, and so do the pinholes of live
// calls, closed.
func (f *Filter) Deny(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("deny: %w", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.replace(DenyRuleset()); err != nil {
		return fmt.Errorf("deny: %w", err)
	}
	f.config, f.trial = nil, nil
	f.log.Info("filter lets nothing in", "table", f.table)
	return nil
}
