package policy

import (
	"slices"
	"strings"
	"testing"

	"tollgate/firmware/numbering"
)

func TestWhatAPolicyOpensThatCanCostWithoutACeiling(t *testing.T) {
	site := func(change func(*Admission)) *Policy {
		p := &Policy{Site: Site{Country: "FR"}, Admission: Admission{
			Classes: OpenClasses(), Countries: []string{"BE"}, Groups: []CallerGroup{{Name: "sales", Members: []string{"21", "22"}}},
			Rules: []CallRule{
				{Name: "no-cuba", Action: ActionDeny, Countries: []string{"CU"}},
				{Name: "sales-abroad", Action: ActionAllow, Classes: []numbering.Class{numbering.International}, Groups: []string{"sales"}},
			},
		}}
		if change != nil {
			change(&p.Admission)
		}
		return p
	}
	abroad := site(nil)
	abroad.Site.Country = "BE"
	for name, c := range map[string]struct {
		new  *Policy
		want string
	}{
		"nothing changes":          {site(nil), ""},
		"premium numbers":          {site(func(a *Admission) { a.Classes = append(a.Classes, numbering.Premium) }), "admission.classes: premium"},
		"all countries":            {site(func(a *Admission) { a.Classes = append(a.Classes, numbering.International) }), "admission.classes: international"},
		"another country":          {site(func(a *Admission) { a.Countries = []string{"BE", "DE"} }), "admission.countries: DE"},
		"a country less":           {site(func(a *Admission) { a.Countries = nil }), ""},
		"a class without surprise": {site(func(a *Admission) { a.Classes = append(a.Classes, numbering.Shared) }), ""},
		"an allowing rule": {site(func(a *Admission) {
			a.Rules = append(a.Rules, CallRule{Name: "more", Action: ActionAllow, Prefixes: []string{"+44"}})
		}), "admission.rules[more]"},
		"a rule about mobiles": {site(func(a *Admission) {
			a.Rules = append(a.Rules, CallRule{Name: "more", Action: ActionAllow, Classes: []numbering.Class{numbering.Mobile}})
		}), ""},
		"a rule about calls that come in": {site(func(a *Admission) {
			a.Rules = append(a.Rules, CallRule{Name: "more", Action: ActionAllow, Direction: CallsIn})
		}), ""},
		"a denying rule more":  {site(func(a *Admission) { a.Rules = append(a.Rules, CallRule{Name: "less", Action: ActionDeny}) }), ""},
		"a denying rule less":  {site(func(a *Admission) { a.Rules = a.Rules[1:] }), "admission.rules[no-cuba]"},
		"an allowing one less": {site(func(a *Admission) { a.Rules = a.Rules[:1] }), ""},
		"another order":        {site(func(a *Admission) { slices.Reverse(a.Rules) }), "admission.rules: their order"},
		"another name":         {site(func(a *Admission) { a.Rules[1].Name = "export" }), ""},
		"more callers":         {site(func(a *Admission) { a.Groups[0].Members = append(a.Groups[0].Members, "23") }), "admission.rules[sales-abroad]"},
		"a deny becomes allow": {site(func(a *Admission) { a.Rules[0].Action = ActionAllow }), "admission.rules[no-cuba] admission.rules[no-cuba]"},
		"a move abroad":        {abroad, "site.country"},
	} {
		if got := strings.Join(Opens(site(nil), c.new), " "); got != c.want {
			t.Errorf("%s opens %q, not %q", name, got, c.want)
		}
	}
	if got := Opens(nil, site(nil)); got != nil {
		t.Errorf("the first policy opens %q", got)
	}
}
