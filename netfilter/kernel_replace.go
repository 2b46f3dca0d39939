package netfilter

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/userdata"
)

// replace brings the table from what it is to the ruleset, in one transaction. A packet meets the old rules or the new
// ones, never none and never half of each chain.
//
// For that the table is not deleted and made again. Between the two, an old base chain would be without rules for a
// moment and drop by its policy what passes; and a new set of ranges is not filled until a moment after the rules that
// ask it are in force. So base chains, counters and sets stay, sets are changed element by element, and the rules are
// flushed and written afresh, which the kernel swaps at once.
//
// Sets of bans that stay are left alone: they may hold hundreds of thousands. refill is asked for those that do not stay.
func (k *kernel) replace(r Ruleset, refill func() map[string][]element) error {
	have, err := k.read()
	if err != nil {
		return err
	}
	kept, err := k.compareSets(have, r)
	if slices.ContainsFunc(r.sets, func(s set) bool { _, ok := kept[s.name]; return s.timed && !ok }) {
		r = r.with(refill())
	}
	if err == nil {
		k.clear(have, r, kept)
		err = k.fill(have, r, kept)
	}
	if err != nil {
		return errors.Join(err, k.reopen())
	}
	if err := k.flush(); err != nil {
		return err
	}
	return k.begin(r, kept)
}

// begin begins a trial, once all that it asks is filled, as a transaction of its own.
func (k *kernel) begin(r Ruleset, kept map[string]difference) error {
	for _, s := range r.sets {
		if _, ok := kept[s.name]; s.verdicts == nil || ok {
			continue
		}
		if err := k.conn.SetAddElements(k.setOf(s), s.verdictElements()); err != nil {
			return errors.Join(fmt.Errorf("elements of map %s: %w", s.name, err), k.reopen())
		}
	}
	return k.flush()
}

// clear collects the removal of what the ruleset does not have, in the order in which things let go of one another.
func (k *kernel) clear(have present, r Ruleset, kept map[string]difference) {
	k.conn.AddTable(k.table)
	if !have.exists {
		return
	}
	k.conn.FlushTable(k.table)
	for _, name := range slices.Sorted(maps.Keys(have.sets)) { // they hold on to chains
		if _, ok := kept[name]; !ok && isTry(name) {
			k.conn.DelSet(have.sets[name])
			delete(have.sets, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(have.chains)) {
		i := slices.IndexFunc(r.chains, func(c *chain) bool { return c.name == name })
		if i < 0 || !r.chains[i].same(have.chains[name]) {
			k.conn.DelChain(have.chains[name])
			delete(have.chains, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(have.sets)) {
		if _, ok := kept[name]; !ok {
			k.conn.DelSet(have.sets[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(have.counters)) {
		if !slices.ContainsFunc(r.counters, func(c Counter) bool { return c.Name == name }) {
			k.conn.DeleteObject(&nftables.CounterObj{Table: k.table, Name: name})
		}
	}
}

// fill collects what is not there yet, and all rules.
func (k *kernel) fill(have present, r Ruleset, kept map[string]difference) error {
	for _, c := range r.counters {
		if _, ok := have.counters[c.Name]; !ok {
			k.conn.AddObj(&nftables.CounterObj{Table: k.table, Name: c.Name})
		}
	}
	for _, s := range r.sets {
		err := error(nil)
		if d, ok := kept[s.name]; ok {
			err = k.change(s, d.add, d.remove)
		} else {
			err = k.addSet(s)
		}
		if err != nil {
			return err
		}
	}
	for _, c := range r.chains { // all before the first rule, for rules lead from one to another
		if have.chains[c.name] == nil {
			k.conn.AddChain(k.chainOf(c))
		}
	}
	for _, c := range r.chains {
		for _, rule := range c.rules {
			k.addRule(c, rule)
		}
	}
	return nil
}

// remove deletes the table. Adding it first makes that succeed where there is none.
func (k *kernel) remove() error {
	k.conn.AddTable(k.table)
	k.conn.DelTable(k.table)
	return k.flush()
}

// chainOf returns what the library calls the chain.
func (k *kernel) chainOf(c *chain) *nftables.Chain {
	def := &nftables.Chain{Table: k.table, Name: c.name}
	if c.hook != nil {
		policy := nftables.ChainPolicyAccept
		if c.policy == drop() {
			policy = nftables.ChainPolicyDrop
		}
		def.Type, def.Hooknum, def.Policy = nftables.ChainType(c.kind()), c.hook, &policy
		def.Priority = nftables.ChainPriorityRef(nftables.ChainPriority(c.priority))
	}
	return def
}

// same tells whether the kernel's chain hangs where this one should.
func (c *chain) same(have *nftables.Chain) bool {
	if c.hook == nil || have.Hooknum == nil {
		return c.hook == nil && have.Hooknum == nil
	}
	dropping := have.Policy != nil && *have.Policy == nftables.ChainPolicyDrop
	return have.Type == nftables.ChainType(c.kind()) && *have.Hooknum == *c.hook && int32(*have.Priority) == c.priority &&
		dropping == (c.policy == drop())
}

func (k *kernel) addRule(c *chain, r rule) {
	k.conn.AddRule(&nftables.Rule{
		Table: k.table, Chain: &nftables.Chain{Table: k.table, Name: c.name}, Exprs: compile(r.statements),
		UserData: userdata.AppendString(nil, userdata.TypeComment, r.comment()),
	})
}
