package admission

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"tollgate/firmware/numbering"
	"tollgate/firmware/policy"
)

// book is what one policy says about calls, made ready. It does not change.
type book struct {
	plan      *numbering.Plan // nil: there is none, and no number is of a country
	home      string
	clock     policy.Clock
	classes   map[numbering.Class]bool
	countries map[string]bool // open besides home
	rules     []rule
	caps      []limit
	trunks    map[string]policy.Caps
	calls     int
	pacing    policy.Pacing
}

// rule is one of the policy's, with the groups that it names.
type rule struct {
	policy.CallRule
	path, title string
	where       place
	groups      []policy.CallerGroup
}

// limit is one of the policy's caps.
type limit struct {
	policy.CallCap
	path   string
	where  place
	groups []policy.CallerGroup
}

// place is some of the numbers that can be called; what is empty is no condition.
type place struct {
	classes   []numbering.Class
	countries []string
	prefixes  []string
}

// newBook makes the book of a policy that has passed its Check, for a box in this time zone.
func newBook(p *policy.Policy, zone *time.Location) *book {
	b := &book{
		home: p.Site.Country, clock: policy.NewClock(p.Site, zone), classes: map[numbering.Class]bool{}, countries: map[string]bool{},
		trunks: map[string]policy.Caps{}, calls: p.Limits.Calls, pacing: p.Admission.Pacing,
	}
	if plan, err := numbering.For(p.Site.Country); err == nil {
		b.plan = plan
		for _, country := range p.OpenCountries(plan) {
			b.countries[country] = true
		}
	}
	for _, class := range p.Admission.Classes {
		b.classes[class] = true
	}
	groups := map[string]policy.CallerGroup{}
	for _, g := range p.Admission.Groups {
		groups[g.Name] = g
	}
	for i, r := range p.Admission.Rules {
		b.rules = append(b.rules, rule{r, "admission.rules[" + r.Name + "]", fmt.Sprintf("rule %d, %s,", i+1, r.Name), placeOf(r.Classes, r.Countries, r.Prefixes), named(groups, r.Groups)})
	}
	for _, c := range p.Admission.Caps {
		b.caps = append(b.caps, limit{c, "admission.caps[" + c.Name + "]", placeOf(c.Classes, c.Countries, c.Prefixes), named(groups, c.Groups)})
	}
	for _, t := range p.Trunks {
		b.trunks[t.Name] = t.Caps
	}
	return b
}

func placeOf(classes []numbering.Class, countries, prefixes []string) place {
	return place{classes, policy.CountriesOf(countries), prefixes}
}

func named(groups map[string]policy.CallerGroup, names []string) (list []policy.CallerGroup) {
	for _, name := range names {
		list = append(list, groups[name])
	}
	return list
}

// destination tells where a call ends. Of a call that comes in only the number counts.
func (b *book) destination(a *Attempt) numbering.Destination {
	if b.plan == nil || !a.Outward() {
		return numbering.Destination{Class: a.Number.Class}
	}
	return b.plan.Destination(a.Number)
}

// holds tells whether a number is in the place. Short numbers are within their country, as for routes.
func (p *place) holds(n numbering.Number, d numbering.Destination) bool {
	if len(p.classes) > 0 && !slices.Contains(p.classes, d.Class) && !(n.Class != d.Class && slices.Contains(p.classes, n.Class)) {
		return false
	}
	return (len(p.countries) == 0 || slices.Contains(p.countries, d.Country)) && (len(p.prefixes) == 0 || begins(n, p.prefixes))
}

func begins(n numbering.Number, prefixes []string) bool {
	for _, prefix := range prefixes {
		switch {
		case prefix[0] != '+':
			if n.E164 == "" && strings.HasPrefix(n.Digits, prefix) {
				return true
			}
		case strings.HasPrefix(n.E164, prefix), n.E164 == "" && strings.HasPrefix("+"+n.CallingCode, prefix):
			return true
		}
	}
	return false
}

// miss is why a rule does not fit a call.
type miss int

const (
	fits miss = iota
	otherDestination
	otherCaller
	otherWay
	otherTime
	otherTrunk
	trunkUnknown // it fits if a trunk of its carries the call
)

// misses tells whether the rule fits. What hangs on the trunk is looked at last.
func (r *rule) misses(a *Attempt, d numbering.Destination, clock *policy.Clock) miss {
	out := r.Direction != policy.CallsIn
	switch {
	case out != a.Outward() || !r.where.holds(a.Number, d):
		return otherDestination
	case len(r.groups) > 0 && !inOne(r.groups, a) || len(r.Callers) > 0 && !calledBy(r.Callers, a):
		return otherCaller
	case len(r.Via) > 0 && !slices.Contains(r.Via, cmp.Or(policy.CallVia(a.Via), policy.ViaDialled)):
		return otherWay
	case !clock.Within(r.When, a.At):
		return otherTime
	case len(r.Trunks) == 0 || slices.Contains(r.Trunks, a.Trunk):
		return fits
	case a.Trunk == "":
		return trunkUnknown
	}
	return otherTrunk
}

func inOne(groups []policy.CallerGroup, a *Attempt) bool {
	for i := range groups {
		if groups[i].Has(a.Caller, a.User, a.From.E164) {
			return true
		}
	}
	return false
}

func calledBy(callers []string, a *Attempt) bool {
	unknown := a.Withheld || a.From.String() == ""
	for _, c := range callers {
		if c == policy.Anonymous && unknown || c != policy.Anonymous && a.From.E164 != "" && strings.HasPrefix(a.From.E164, c) {
			return true
		}
	}
	return false
}

// ruling is what the rules say of a call.
type ruling struct {
	rule   *rule  // that decides; nil: the lists of open classes and countries do
	path   string // of what decides, in the policy
	denied bool
}

// judge asks the rules. Where one hangs on the trunk, and that is not known yet, nothing is denied: the call is judged again
// with it. t takes what each of them says; nil: nobody wants to know.
func (b *book) judge(a *Attempt, t *trace) ruling {
	if a.Number.Class == "" { // a user of the phones' PBX, which judges itself
		t.add("phones", Allows, "a call within the phones' PBX is not judged here")
		return ruling{path: "phones"}
	}
	d := b.destination(a)
	pending, elsewhere := false, 0
	for i := range b.rules {
		r := &b.rules[i]
		switch m := r.misses(a, d, &b.clock); {
		case m == fits:
			t.others(elsewhere)
			t.rule(r, "")
			return ruling{r, r.path, r.Action == policy.ActionDeny && !pending}
		case m == otherDestination:
			elsewhere++
		default:
			pending = pending || m == trunkUnknown
			t.rule(r, m.String())
		}
	}
	t.others(elsewhere)
	v := b.open(a, d)
	v.denied = v.denied && !pending
	t.lists(b, a, d, v)
	return v
}

// open asks the lists of classes and countries. What comes in is open.
func (b *book) open(a *Attempt, d numbering.Destination) ruling {
	switch {
	case !a.Outward():
		return ruling{path: "admission.rules"}
	case d.Class == numbering.International && !b.classes[numbering.International]:
		return ruling{path: "admission.countries", denied: !b.countries[d.Country] && d.Country != b.home}
	case d.Class == numbering.Overseas && b.countries[d.Country]:
		return ruling{path: "admission.countries"}
	}
	return ruling{path: "admission.classes", denied: !b.classes[d.Class]}
}
