package admission

import (
	"fmt"

	"tollgate/firmware/numbering"
	"tollgate/firmware/policy"
)

// Says is what a rule says of a call.
type Says string

// What it can say.
const (
	Allows  Says = "allows"
	Refuses Says = "refuses"
	Passes  Says = "passes"  // it has nothing against the call
	Ignores Says = "ignores" // it does not fit the call
	Depends Says = "depends" // on the trunk, which is not chosen yet
)

// Step is one rule that was considered, and what it said.
type Step struct {
	Rule string // the key of the policy: "admission.rules[night]"
	Says Says
	Why  string // a clause or sentence for the administrator
}

// Decision is what becomes of an attempt, and why.
type Decision struct {
	Refusal *Refusal // nil: the call may go
	Rule    string   // that made the decision
	Steps   []Step   // what was considered, in this order, up to the decision
}

// trace takes steps. A nil trace takes none and costs nothing.
type trace struct {
	decided string // that has allowed or refused
	steps   []Step
}

func (t *trace) add(rule string, says Says, why string, args ...any) {
	if t == nil {
		return
	}
	if len(args) > 0 {
		why = fmt.Sprintf(why, args...)
	}
	if says == Allows || says == Refuses {
		t.decided = rule
	}
	t.steps = append(t.steps, Step{rule, says, why})
}

// refused notes a refusal and passes it on.
func (t *trace) refused(r *Refusal) *Refusal {
	if t != nil && r != nil {
		t.add(r.Rule, Refuses, r.Reason)
	}
	return r
}

// others notes the rules that are about other destinations, all at once.
func (t *trace) others(n int) {
	switch {
	case t == nil || n == 0:
	case n == 1:
		t.add("admission.rules", Ignores, "1 rule is about other destinations")
	default:
		t.add("admission.rules", Ignores, "%d rules are about other destinations", n)
	}
}

// rule notes what a rule says; miss is why it does not fit, "" when it does.
func (t *trace) rule(r *rule, miss string) {
	switch {
	case t == nil:
	case miss == trunkUnknown.String():
		t.add(r.path, Depends, "%s %s", r.title, miss)
	case miss != "":
		t.add(r.path, Ignores, "%s does not fit: %s", r.title, miss)
	case r.Action == policy.ActionDeny:
		t.add(r.path, Refuses, "%s denies it", r.title)
	default:
		t.add(r.path, Allows, "%s allows it", r.title)
	}
}

// lists notes what the lists of classes and countries say.
func (t *trace) lists(b *book, a *Attempt, d numbering.Destination, v ruling) {
	switch {
	case t == nil:
	case v.denied:
		t.add(v.path, Refuses, "%s", b.closed(a, v))
	case !a.Outward():
		t.add(v.path, Allows, "no rule is against it")
	case b.open(a, d).denied:
		t.add(v.path, Depends, "%s is closed but for a rule that depends on the trunk", b.describe(a.Number, d))
	default:
		t.add(v.path, Allows, "%s is open", b.describe(a.Number, d))
	}
}

// String says why a rule does not fit.
func (m miss) String() string {
	switch m {
	case otherDestination:
		return "another destination"
	case otherCaller:
		return "another caller"
	case otherWay:
		return "the call came about in another way"
	case otherTime:
		return "it does not count at this time"
	case otherTrunk:
		return "another trunk carries the call"
	case trunkUnknown:
		return "depends on the trunk that carries the call"
	}
	return ""
}

// refusal is what the caller and the administrator are told when the rules deny a call.
func (b *book) refusal(a *Attempt, v ruling) *Refusal {
	switch {
	case v.rule == nil:
		return &Refusal{Status: 403, Rule: v.path, Reason: b.closed(a, v)}
	case !a.Outward(): // nobody else is asked (RFC 3261 §21.6.2)
		return &Refusal{Status: 603, Rule: v.path, Reason: fmt.Sprintf("the call from %s: %s denies it%s", caller(a), v.rule.title, atThisTime(v.rule))}
	}
	return &Refusal{Status: 403, Rule: v.path, Reason: fmt.Sprintf("%s: %s denies it%s", b.describe(a.Number, b.destination(a)), v.rule.title, condition(v.rule, a))}
}

// condition says what besides the destination has made a rule fit.
func condition(r *rule, a *Attempt) string {
	text := ""
	if len(r.groups)+len(r.Callers) > 0 {
		text += " to " + caller(a)
	}
	if len(r.Via) > 0 && a.Via != Dialled {
		text += " when it is " + string(a.Via)
	}
	if len(r.Trunks) > 0 {
		text += " on trunk " + a.Trunk
	}
	return text + atThisTime(r)
}

func atThisTime(r *rule) string {
	if r.When.Always() {
		return ""
	}
	return " at this time"
}

// closed says why the lists refuse a call.
func (b *book) closed(a *Attempt, v ruling) string {
	d := b.destination(a)
	switch {
	case v.path == "admission.classes":
		return fmt.Sprintf("%s: admission.classes does not list %s", b.describe(a.Number, d), d.Class)
	case d.Country == "":
		return fmt.Sprintf("%s: it is of no country that admission.countries could list", b.describe(a.Number, d))
	}
	return fmt.Sprintf("%s: admission.countries does not list %s", b.describe(a.Number, d), d.Country)
}

// describe names a number for people, what it costs first.
func (b *book) describe(n numbering.Number, d numbering.Destination) string {
	class := string(d.Class)
	switch d.Class {
	case numbering.ShortCode:
		class = "short"
	case numbering.Shared:
		class = "shared-cost"
	case numbering.SharedAbroad:
		class = "shared-cost"
	}
	text := class + " number " + n.String()
	if d.Country != "" && n.E164 != "" && (d.Class == numbering.International || d.Class == numbering.SharedAbroad || d.Class != n.Class) {
		text += " in " + b.plan.CountryName(d.Country)
	}
	return text
}

// caller names who calls, for people.
func caller(a *Attempt) string {
	switch {
	case a.Withheld && !a.Outward():
		return "somebody unknown"
	case a.User != "" && a.Outward():
		return a.User
	case a.From.String() != "":
		return a.From.String()
	}
	return a.Caller.Name
}

// Explain tells what would become of an attempt now, and changes nothing.
func (g *Gate) Explain(a Attempt) Decision {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.explain(&a)
}

// explain is Explain; g.mu is held.
func (g *Gate) explain(a *Attempt) Decision {
	t := &trace{}
	if g.urgent(a) {
		t.add("emergency", Allows, "an emergency call, or a call back after one, passes every limit")
		return Decision{Rule: t.decided, Steps: t.steps}
	}
	r := g.decide(a, t)
	return Decision{Refusal: r, Rule: t.decided, Steps: t.steps}
}
