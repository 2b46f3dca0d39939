package policy

import (
	"slices"
	"strings"

	"tollgate/firmware/numbering"
)

// overflowPasses checks that admission lets calls out to the number that they overflow to. Only what holds for every call is
// a fault: a rule that hangs on the time, the trunk or who calls may fit or not.
func (c *checker) overflowPasses(plan *numbering.Plan, n numbering.Number) {
	const path = "pbx.overflow"
	d := plan.Destination(n)
	for i, r := range c.p.Admission.Rules {
		if r.Direction != CallsOut || !r.reaches(n, d) || len(r.Via) > 0 && !slices.Contains(r.Via, ViaOverflowed) {
			continue
		}
		if r.Action == ActionAllow {
			return
		}
		if len(r.Groups)+len(r.Callers)+len(r.Trunks) == 0 && r.When.Always() {
			c.fault(path, "let the rule allow it, or write another number", "%s is denied by %s, so that no call would overflow", n, index("admission.rules", i))
			return
		}
	}
	closed, key := c.closed(plan, d)
	if closed {
		c.fault(path, "open it there, or write another number", "%s is not open in %s, so that no call would overflow", n, key)
	}
}

// closed tells whether the lists of classes and countries keep calls from a destination, and which of them does.
func (c *checker) closed(plan *numbering.Plan, d numbering.Destination) (closed bool, key string) {
	a := c.p.Admission
	open := slices.Contains(a.Classes, d.Class)
	listed := d.Country != "" && slices.Contains(c.p.OpenCountries(plan), d.Country)
	switch {
	case d.Class == numbering.International && !open:
		return !listed && d.Country != c.p.Site.Country, "admission.countries"
	case d.Class == numbering.Overseas && listed:
		return false, ""
	}
	return !open, "admission.classes"
}

// reaches tells whether a rule is about calls to a number in international form.
func (r CallRule) reaches(n numbering.Number, d numbering.Destination) bool {
	if len(r.Classes) > 0 && !slices.Contains(r.Classes, d.Class) && !slices.Contains(r.Classes, n.Class) {
		return false
	}
	begins := func(prefix string) bool { return strings.HasPrefix(prefix, "+") && strings.HasPrefix(n.E164, prefix) }
	return (len(r.Countries) == 0 || slices.Contains(CountriesOf(r.Countries), d.Country)) && (len(r.Prefixes) == 0 || slices.ContainsFunc(r.Prefixes, begins))
}
