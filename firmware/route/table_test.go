package route

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tollgate/firmware/numbering"
	"tollgate/firmware/policy"
)

func office() *policy.Policy {
	return &policy.Policy{
		Trunks: []policy.Trunk{
			{Name: "carrier-a", Accounts: []policy.Account{
				{User: "a1", Numbers: []string{"+33123456780", "+33123456781"}},
				{User: "a2", Numbers: []string{"+33123456790"}},
			}},
			{Name: "carrier-b", Accounts: []policy.Account{{User: "b1", Numbers: []string{"+33198765430"}}}},
			{Name: "carrier-c"},
		},
		Routes: []policy.Route{
			{Name: "world", Prefixes: []string{"+"}, Trunks: []string{"carrier-b"}},
			{Name: "france", Prefixes: []string{"+33", "+590"}, Trunks: []string{"carrier-a", "carrier-b"}},
			{Name: "paris", Prefixes: []string{"+331"}, Trunks: []string{"carrier-c"}},
			{Name: "paris again", Prefixes: []string{"+331"}, Trunks: []string{"carrier-a"}},
		},
	}
}

var noon = time.Date(2026, 6, 3, 12, 0, 0, 0, time.UTC) // a Wednesday

// first draws the first of what there is.
func first(int) int { return 0 }

func number(t *testing.T, dialled string) numbering.Number {
	t.Helper()
	p, err := numbering.For("FR")
	if err != nil {
		t.Fatal(err)
	}
	n, err := p.Read(dialled, "")
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func names(targets []Target) string {
	var out []string
	for _, target := range targets {
		out = append(out, target.Peer.Name)
	}
	return strings.Join(out, " ")
}

func TestTheLongestPrefixWins(t *testing.T) {
	table := New(office(), time.UTC)
	for _, c := range []struct{ dialled, trunks, route string }{
		{"0123456789", "carrier-c", "paris"}, // the first of two routes alike
		{"0223456789", "carrier-a carrier-b", "france"},
		{"0899123456", "carrier-a carrier-b", "france"},
		{"0590201234", "carrier-a carrier-b", "france"},
		{"0594201234", "carrier-b", "world"},
		{"00442079460018", "carrier-b", "world"},
		{"1013", "carrier-a carrier-b", "france"}, // a short number is no number of +331
		{"118218", "carrier-a carrier-b", "france"},
	} {
		targets, route := table.Outbound(number(t, c.dialled), noon, first)
		if names(targets) != c.trunks || route != c.route {
			t.Errorf("%s goes to %q by %q, want %q by %q", c.dialled, names(targets), route, c.trunks, c.route)
		}
		for _, target := range targets {
			if target.Peer.Side != policy.SideOutside || !strings.Contains(target.Rule, "route "+c.route) {
				t.Errorf("%s: target %+v does not tell its side and rule", c.dialled, target)
			}
		}
	}
}

func TestACallWithoutARouteHasNoTarget(t *testing.T) {
	p := office()
	p.Routes = p.Routes[1:]
	if targets, route := New(p, time.UTC).Outbound(number(t, "00442079460018"), noon, first); len(targets) != 0 || route != "" {
		t.Errorf("targets %v by %q, want none", targets, route)
	}
}

func TestAnEmergencyCallTriesItsRouteAndThenEveryOtherTrunk(t *testing.T) {
	p := office()
	for _, c := range []struct {
		routes        []policy.Route
		trunks, route string
	}{
		{p.Routes, "carrier-a carrier-b carrier-c", "france"},
		{p.Routes[:1], "carrier-b carrier-a carrier-c", "world"},
		{p.Routes[2:], "carrier-a carrier-b carrier-c", "emergency"},
		{nil, "carrier-a carrier-b carrier-c", "emergency"},
	} {
		p.Routes = c.routes
		targets, route := New(p, time.UTC).Outbound(number(t, "112"), noon, first)
		if names(targets) != c.trunks || route != c.route {
			t.Errorf("112 goes to %q by %q, want %q by %q", names(targets), route, c.trunks, c.route)
		}
	}
}

func TestEveryTrunkIsATargetOfAnEmergencyCallWhateverTheRoutes(t *testing.T) {
	emergency := numbering.Number{Digits: "112", Class: numbering.Emergency, CallingCode: "33"}
	rapid.Check(t, func(t *rapid.T) {
		trunk := rapid.SampledFrom([]string{"a", "b", "c", "d", "gone"})
		p := &policy.Policy{}
		for _, name := range rapid.SliceOfNDistinct(trunk, 1, 4, rapid.ID).Draw(t, "trunks") {
			p.Trunks = append(p.Trunks, policy.Trunk{Name: name})
		}
		for range rapid.IntRange(0, 4).Draw(t, "routes") {
			p.Routes = append(p.Routes, policy.Route{
				Name:     "r",
				Prefixes: rapid.SliceOfN(rapid.SampledFrom([]string{"+", "+3", "+33", "+331", "+44", ""}), 0, 3).Draw(t, "prefixes"),
				Trunks:   rapid.SliceOfN(trunk, 0, 4).Draw(t, "targets"),
			})
		}
		targets, _ := New(p, time.UTC).Outbound(emergency, noon, first)
		if len(targets) != len(p.Trunks) {
			t.Fatalf("targets %q for trunks %v", names(targets), p.Trunks)
		}
		for _, trunk := range p.Trunks {
			if !slices.ContainsFunc(targets, func(target Target) bool { return target.Peer.Name == trunk.Name }) {
				t.Fatalf("trunk %s is not among %q", trunk.Name, names(targets))
			}
		}
	})
}

func TestANumberOfTheTrunkIsForThePBX(t *testing.T) {
	table := New(office(), time.UTC)
	for _, c := range []struct {
		trunk, dialled string
		ok             bool
	}{
		{"carrier-a", "0123456780", true},
		{"carrier-a", "+33123456790", true},
		{"carrier-a", "0198765430", false}, // another trunk's
		{"carrier-b", "0198765430", true},
		{"carrier-a", "0123456799", false},
		{"carrier-a", "112", false},
		{"carrier-c", "0123456780", false},
		{"nobody", "0123456780", false},
	} {
		target, ok := table.Inbound(c.trunk, number(t, c.dialled))
		if ok != c.ok {
			t.Errorf("call from %s to %s: %v, want %v", c.trunk, c.dialled, ok, c.ok)
		}
		if pbx := (policy.Peer{Side: policy.SideInside, Name: policy.PeerPBX}); ok && (target.Peer != pbx || target.Rule == "") {
			t.Errorf("call from %s to %s goes to %+v", c.trunk, c.dialled, target)
		}
	}
}

func TestThePresentedNumberChoosesTheAccount(t *testing.T) {
	table := New(office(), time.UTC)
	for _, c := range []struct {
		trunk, presented, user string
		owned                  bool
	}{
		{"carrier-a", "0123456781", "a1", true},
		{"carrier-a", "0123456790", "a2", true},
		{"carrier-a", "0198765430", "a1", false},
		{"carrier-a", "112", "a1", false},
		{"carrier-c", "0123456781", "", false},
		{"nobody", "0123456781", "", false},
	} {
		account, owned := table.Account(c.trunk, number(t, c.presented))
		if account.User != c.user || owned != c.owned {
			t.Errorf("%s on %s: account %q, owned %v; want %q, %v", c.presented, c.trunk, account.User, owned, c.user, c.owned)
		}
	}
	if account, owned := table.Account("carrier-a", numbering.Number{}); account.User != "a1" || owned {
		t.Errorf("no number presented: account %q, owned %v", account.User, owned)
	}
}

func TestTheContactsUserFindsTheAccount(t *testing.T) {
	table := New(office(), time.UTC)
	if account, ok := table.AccountOf("carrier-a", "a2"); !ok || account.Numbers[0] != "+33123456790" {
		t.Errorf("a2: %+v, %v", account, ok)
	}
	for _, c := range [][2]string{{"carrier-a", "A2"}, {"carrier-a", "b1"}, {"carrier-a", ""}, {"nobody", "a2"}} {
		if account, ok := table.AccountOf(c[0], c[1]); ok {
			t.Errorf("%q on %s: %+v", c[1], c[0], account)
		}
	}
}

func TestTheTableKeepsWhatItWasMadeFrom(t *testing.T) {
	p := office()
	table := New(p, time.UTC)
	p.Routes[1].Trunks[0] = "carrier-c"
	p.Trunks[0].Accounts[0].User = "changed"
	if targets, _ := table.Outbound(number(t, "0223456789"), noon, first); names(targets) != "carrier-a carrier-b" {
		t.Errorf("the table changed with the policy: %q", names(targets))
	}
	if account, _ := table.Account("carrier-a", number(t, "0123456780")); account.User != "a1" {
		t.Errorf("the account changed with the policy: %q", account.User)
	}
}

func TestTheTableNeverPrintsASecret(t *testing.T) {
	p := office()
	p.Trunks[0].Accounts[0].Secret = "hunter2"
	table := New(p, time.UTC)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if text := fmt.Sprintf(verb+verb, table, *table); strings.Contains(text, "hunter2") {
			t.Errorf("%s prints %s", verb, text)
		}
	}
	if account, _ := table.AccountOf("carrier-a", "a1"); account.Secret.Reveal() != "hunter2" {
		t.Error("the account has lost its secret")
	}
}
