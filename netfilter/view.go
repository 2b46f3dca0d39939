package netfilter

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// View is the table in force as people may look at it.
type View struct {
	Text    string    // as nft prints it, with the counters of this moment; of bans and block list, which may be long, nothing
	Trial   time.Time // until when other rules are tried; zero: none are
	Banned  int       // sources banned
	Blocked int       // sources of the block list
	Chains  []ChainView
}

// ChainView is one chain: where packets meet it, and its rules in their order.
type ChainView struct {
	Name  string
	Where string // hook and priority; empty: where other chains lead to it
	Why   string
	Rules []RuleView
}

// RuleView is one rule.
type RuleView struct {
	ID   string // chain and place
	Text string
	Why  string
	// Counter names the counter that the rule, or the chain of the reason that it leads to, counts in; empty: none.
	Counter        string
	Packets, Bytes uint64 // of that counter, which other rules may share
}

// View shows the table in force. Before the first Set it is empty.
func (f *Filter) View() (View, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.config == nil {
		return View{}, nil
	}
	values, err := f.kernel.counters()
	if err != nil {
		return View{}, fmt.Errorf("look at the filter: %w", err)
	}
	now := time.Now()
	f.bans.forget(now)
	v := View{Banned: len(f.bans), Blocked: len(f.blocked)}
	if f.trial != nil && f.trial.running() {
		v.Trial = f.trial.until
	}
	rules := f.rules.with(f.holes().elements())
	rules.counters = slices.Clone(rules.counters)
	for i, c := range rules.counters {
		rules.counters[i].Packets, rules.counters[i].Bytes = values[c.Name].Packets, values[c.Name].Bytes
	}
	v.Text = rules.String()
	for _, c := range rules.chains {
		if c.name != marker {
			v.Chains = append(v.Chains, c.view(values))
		}
	}
	return v, nil
}

func (c *chain) view(values map[string]Counter) ChainView {
	v := ChainView{Name: c.name, Why: c.why}
	if c.hook != nil {
		v.Where = c.hookName + " " + priorityText(c.priority)
	}
	for _, r := range c.rules {
		shown := RuleView{ID: r.id, Text: r.text(), Why: r.why, Counter: r.counter()}
		shown.Packets, shown.Bytes = values[shown.Counter].Packets, values[shown.Counter].Bytes
		v.Rules = append(v.Rules, shown)
	}
	return v
}

// counter names the counter that a rule leads to.
func (r rule) counter() string {
	for _, s := range r.statements {
		switch s := s.(type) {
		case count:
			return string(s)
		case verdict:
			name := strings.TrimPrefix(s.chain, trialPrefix)
			if reason, ok := strings.CutPrefix(name, "drop_"); ok {
				return reason
			}
		}
	}
	return ""
}
