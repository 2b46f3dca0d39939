package policy

import (
	"fmt"
	"slices"

	"tollgate/firmware/numbering"
)

// costly are the classes of numbers that can cost without a ceiling, and where fraud makes its money.
var costly = []numbering.Class{numbering.Premium, numbering.International, numbering.SharedAbroad, numbering.Satellite, numbering.Special}

// Opens lists by its path what of new lets the office call numbers with a surcharge or abroad that old did not let it call.
// Rules are compared by what they say and in which order, so that one that was merely written otherwise is listed too; what
// only names, hours and limits change is not. Nothing is opened by the first policy: old is nil.
func Opens(old, new *Policy) (paths []string) {
	if old == nil {
		return nil
	}
	if old.Site.Country != new.Site.Country {
		paths = append(paths, "site.country") // what was abroad is at home then
	}
	for _, c := range costly {
		if slices.Contains(new.Admission.Classes, c) && !slices.Contains(old.Admission.Classes, c) {
			paths = append(paths, "admission.classes: "+string(c))
		}
	}
	if !slices.Contains(old.Admission.Classes, numbering.International) {
		before := old.countries()
		for _, country := range new.countries() {
			if !slices.Contains(before, country) {
				paths = append(paths, "admission.countries: "+country)
			}
		}
	}
	return append(paths, openingRules(old.costlyRules(), new.costlyRules())...)
}

// countries are those that may be called besides the own; none for a country without a plan.
func (p *Policy) countries() []string {
	plan, err := numbering.For(p.Site.Country)
	if err != nil {
		return nil
	}
	return p.OpenCountries(plan)
}

// costlyRule is a rule about calls that can cost without a ceiling.
type costlyRule struct {
	name, says string // says is everything but the name
	allows     bool
}

func (p *Policy) costlyRules() (list []costlyRule) {
	for _, r := range p.Admission.Rules {
		if r.Direction == CallsIn || len(r.Classes) > 0 && !slices.ContainsFunc(r.Classes, func(c numbering.Class) bool { return slices.Contains(costly, c) }) {
			continue
		}
		var callers []CallerGroup
		for _, g := range p.Admission.Groups {
			if slices.Contains(r.Groups, g.Name) {
				callers = append(callers, g)
			}
		}
		said := r
		said.Name = ""
		list = append(list, costlyRule{r.Name, fmt.Sprintf("%+v %+v", said, callers), r.Action == ActionAllow})
	}
	return list
}

// openingRules lists rules that allow and are new, rules that denied and are gone, and those that stand elsewhere in the order.
func openingRules(old, new []costlyRule) (paths []string) {
	in := func(list []costlyRule) func(costlyRule) bool {
		return func(r costlyRule) bool {
			return slices.ContainsFunc(list, func(o costlyRule) bool { return o.says == r.says })
		}
	}
	known, kept := in(old), in(new)
	for _, r := range new {
		if r.allows && !known(r) {
			paths = append(paths, "admission.rules["+r.name+"]")
		}
	}
	var before, after []string
	for _, r := range old {
		if kept(r) {
			before = append(before, r.says)
		} else if !r.allows {
			paths = append(paths, "admission.rules["+r.name+"]")
		}
	}
	for _, r := range new {
		if known(r) {
			after = append(after, r.says)
		}
	}
	if !slices.Equal(before, after) {
		paths = append(paths, "admission.rules: their order")
	}
	return paths
}
