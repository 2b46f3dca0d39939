package netfilter

import (
	"strings"
	"testing"
	"time"
)

func TestTheViewShowsWhatNftShows(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	l := twoPortLab(t, twoPorts())
	if v, err := openFilter(t, "other").View(); err != nil || v.Text != "" {
		t.Errorf("before Set: %q, %v", v.Text, err)
	}
	l.ban(ban("203.0.113.99/32", time.Hour))
	l.openHole(hole(Outside, "198.51.100.2:20000", "203.0.113.5/32"))
	l.counted(map[string]uint64{"banned": 1}, func() { l.wan.send(udpPacket("203.0.113.99:5060", "198.51.100.2:5060", hello)) })
	v, err := l.filter.View()
	if err != nil || v.Banned != 1 || v.Blocked != 0 || !v.Trial.IsZero() {
		t.Fatalf("%d banned, %d blocked, %v, %v", v.Banned, v.Blocked, v.Trial, err)
	}
	for _, want := range []string{"203.0.113.5 . 198.51.100.2 . 20000", "counter banned {\n\t\tpackets 1 bytes"} {
		if !strings.Contains(v.Text, want) {
			t.Errorf("no %q in the text", want)
		}
	}
	ids := map[string]bool{}
	for _, c := range v.Chains {
		if c.Why == "" {
			t.Errorf("nothing says what chain %s is for", c.Name)
		}
		for _, r := range c.Rules {
			if r.ID == "" || ids[r.ID] || r.Why == "" || !strings.Contains(v.Text, r.Text) {
				t.Errorf("rule %+v of chain %s", r, c.Name)
			}
			if ids[r.ID] = true; r.Counter == "banned" && r.Packets != 1 {
				t.Errorf("rule %s counts %d", r.ID, r.Packets)
			}
		}
	}
	l.try(carrierD(), time.Hour)
	if v, err = l.filter.View(); err != nil || v.Trial.IsZero() || !strings.Contains(v.Text, "chain trial_early") {
		t.Errorf("on trial: until %v, %v", v.Trial, err)
	}
}

// Everything that a person may look up has a name and says what it is for.
func TestEverythingSaysWhatItIsFor(t *testing.T) {
	tables := map[string]Ruleset{"deny": DenyRuleset(), "trial": twoPorts().Ruleset().onTrial(passage().Ruleset(), time.Minute)}
	for name, c := range layouts() {
		tables[name] = c.Ruleset()
	}
	for name, r := range tables {
		for _, c := range r.counters {
			if c.Name == "" || c.Comment == "" {
				t.Errorf("%s: counter %+v", name, c)
			}
		}
		for _, s := range r.sets {
			if s.name == "" || s.why == "" {
				t.Errorf("%s: set %s: %q", name, s.name, s.why)
			}
		}
		for _, c := range r.chains {
			if c.why == "" {
				t.Errorf("%s: chain %s says nothing", name, c.name)
			}
			for _, rule := range c.rules {
				if rule.id == "" || rule.why == "" {
					t.Errorf("%s: rule %q of %s: %q", name, rule.id, c.name, rule.why)
				}
			}
		}
	}
}
