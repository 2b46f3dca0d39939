// Package route decides where a call goes: which trunks carry a call from the PBX, in order, and whether a call from a
// trunk is for the PBX. It also knows which account of a trunk a number belongs to.
//
// Of the routes that count at the time, the one with the longest prefix of the number wins, the first of several in the
// policy's order. Its trunks are tried in order, or in one that is drawn by their weights. A short number has no E.164 form
// and is routed like its country: by the routes for "+33" and shorter, never by one for "+331". An emergency call minds
// neither times nor weights: it goes to the trunks of its route first and then to every other one.
//
// The moment and the random numbers are passed in.
//
// It leaves to others whether the call may go at all (admission), whether a trunk is up and how to try the next one
// (call, trunk), and what the number is (numbering).
package route

import (
	"strings"
	"time"

	"tollgate/firmware/numbering"
	"tollgate/firmware/policy"
)

// Target is one way to place a call.
type Target struct {
	Peer  policy.Peer
	Phone string // of a phone: the token that stands for it
	Rule  string // why, in words for the administrator
}

// Table is the routing of one policy. It does not change and is safe for concurrent use.
type Table struct {
	clock  policy.Clock
	routes []policy.Route
	trunks []string // in the policy's order
	lines  map[string]line
}

// line is what the table knows of one trunk. Each account is kept behind a function because fmt prints a secret in the
// clear when it reaches it through a field that is not exported.
type line struct {
	accounts []func() policy.Account
	owners   map[string]int // E.164 number -> index in accounts
}

// New makes the table of p, which has passed its Check, for a box in this time zone.
func New(p *policy.Policy, zone *time.Location) *Table {
	t := &Table{lines: map[string]line{}, clock: policy.NewClock(p.Site, zone)}
	for _, r := range p.Routes {
		r.Prefixes = append([]string(nil), r.Prefixes...)
		r.Trunks = append([]string(nil), r.Trunks...)
		r.Weights = append([]int(nil), r.Weights...)
		r.When.Days = append([]policy.Day(nil), r.When.Days...)
		t.routes = append(t.routes, r)
	}
	for _, trunk := range p.Trunks {
		t.trunks = append(t.trunks, trunk.Name)
		l := line{owners: map[string]int{}}
		for i, account := range trunk.Accounts {
			l.accounts = append(l.accounts, func() policy.Account { return account })
			for _, number := range account.Numbers {
				if _, taken := l.owners[number]; !taken {
					l.owners[number] = i
				}
			}
		}
		t.lines[trunk.Name] = l
	}
	return t
}

// Outbound returns the trunks for a call from the PBX to n at the moment now, in the order in which to try them, and the
// name of the route. random(n) gives one of 0 to n-1. No targets means that no route fits. An emergency call has every trunk
// as a target; its route is called "emergency" when none fits.
func (t *Table) Outbound(n numbering.Number, now time.Time, random func(n int) int) ([]Target, string) {
	r, prefix, ok := t.longest(n, now)
	if ok && !n.Emergency() {
		return t.add(nil, draw(r.Trunks, r.Weights, random), ruleOf(r, prefix)), r.Name
	}
	if !n.Emergency() {
		return nil, ""
	}
	var targets []Target
	if ok {
		targets = t.add(targets, r.Trunks, ruleOf(r, prefix))
	}
	if !ok {
		r.Name = "emergency"
	}
	return t.add(targets, t.trunks, "emergency: every trunk is tried"), r.Name
}

// longest returns the route with the longest prefix that fits n and that counts at the moment, and that prefix.
func (t *Table) longest(n numbering.Number, now time.Time) (policy.Route, string, bool) {
	key := n.E164
	if key == "" {
		key = "+" + n.CallingCode
	}
	var best policy.Route
	found := ""
	for _, r := range t.routes {
		if !n.Emergency() && !t.clock.Within(r.When, now) {
			continue
		}
		for _, prefix := range r.Prefixes {
			if prefix != "" && len(prefix) > len(found) && strings.HasPrefix(key, prefix) {
				best, found = r, prefix
			}
		}
	}
	return best, found, found != ""
}

// ruleOf tells why a route was taken.
func ruleOf(r policy.Route, prefix string) string {
	rule := "route " + r.Name + " for " + prefix
	if len(r.Weights) > 0 {
		rule += ", by weight"
	}
	if !r.When.Always() {
		rule += ", which counts at this time"
	}
	return rule
}

// add appends those trunks that exist and are not targets yet.
func (t *Table) add(targets []Target, trunks []string, rule string) []Target {
	for _, name := range trunks {
		if _, exists := t.lines[name]; exists && !has(targets, name) {
			targets = append(targets, Target{Peer: policy.Peer{Side: policy.SideOutside, Name: name}, Rule: rule})
		}
	}
	return targets
}

func has(targets []Target, name string) bool {
	for _, target := range targets {
		if target.Peer.Name == name {
			return true
		}
	}
	return false
}

// Inbound returns the target of a call from a trunk to n; false when no account of that trunk owns n.
func (t *Table) Inbound(trunk string, n numbering.Number) (Target, bool) {
	account, owned := t.Account(trunk, n)
	if !owned {
		return Target{}, false
	}
	pbx := policy.Peer{Side: policy.SideInside, Name: policy.PeerPBX}
	return Target{Peer: pbx, Rule: n.E164 + " belongs to account " + account.User + " of trunk " + trunk}, true
}

// Own returns the PBX for a number that any trunk owns: whom the office wants when it transfers a call to itself.
func (t *Table) Own(n numbering.Number) (Target, bool) {
	for _, trunk := range t.trunks {
		if target, ours := t.Inbound(trunk, n); ours {
			return target, true
		}
	}
	return Target{}, false
}

// Account returns the trunk's account that owns the presented number, else its first one; owned tells which. The account
// is zero when the trunk has none.
func (t *Table) Account(trunk string, presented numbering.Number) (account policy.Account, owned bool) {
	l := t.lines[trunk]
	if i, ok := l.owners[presented.E164]; ok && presented.E164 != "" {
		return l.accounts[i](), true
	}
	if len(l.accounts) > 0 {
		return l.accounts[0](), false
	}
	return policy.Account{}, false
}

// AccountOf returns the trunk's account whose user part is user, as in a Request-URI addressed to a registered Contact.
// Users are compared case-sensitively (RFC 3261 §19.1.4).
func (t *Table) AccountOf(trunk, user string) (policy.Account, bool) {
	for _, account := range t.lines[trunk].accounts {
		if a := account(); a.User == user && user != "" {
			return a, true
		}
	}
	return policy.Account{}, false
}
