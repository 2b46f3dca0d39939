package policy

import (
	"slices"
	"strings"

	"tollgate/firmware/numbering"
)

// Bounds of the lists that are looked through for each call.
const (
	maxCallRules  = 200
	maxCallCaps   = 50
	maxCallGroups = 50
	maxInRule     = 300
)

func (c *checker) admission() {
	a := c.p.Admission
	if c.required("admission.classes", len(a.Classes) > 0, "list the classes that may be called, or leave it out for the usual ones") {
		c.classes("admission.classes", a.Classes)
	}
	c.countries("admission.countries", a.Countries)
	c.callRules(a.Rules)
	c.callCaps(a.Caps)
	c.callerGroups(a)
	c.pacing(a.Pacing)
}

func (c *checker) classes(path string, list []numbering.Class) {
	for i, class := range list {
		if one(c, index(path, i), class, numbering.Classes()...) && slices.Contains(list[:i], class) {
			c.fault(index(path, i), "keep one of the two", "%s is listed twice", class)
		}
	}
}

func (c *checker) countries(path string, list []string) {
	if !c.atMost(path, len(list), maxInRule) {
		return
	}
	known := numbering.Countries()
	for i, country := range list {
		switch {
		case !slices.Contains(known, country) && numbering.Zone(country) == nil:
			c.fault(index(path, i), "write two capital letters by ISO 3166-1, such as DE, or eea", "%s is no country", quoted(country))
		case slices.Contains(list[:i], country):
			c.fault(index(path, i), "keep one of the two", "%s is listed twice", country)
		}
	}
}

// shortPrefix is a short number, or the beginning of some.
var shortPrefix = patternOf(`^[1-9][0-9]{0,5}$`)

func (c *checker) callPrefixes(path string, list []string) {
	if !c.atMost(path, len(list), maxInRule) {
		return
	}
	plan, _ := numbering.For(c.p.Site.Country) // nil: the country has its fault
	for i, prefix := range list {
		switch {
		case !routePrefix.matches(prefix) && !shortPrefix.matches(prefix):
			c.fault(index(path, i), `write it like "+33899", or like "118" for short numbers`, "%s is not the beginning of a number", quoted(prefix))
		case slices.Contains(list[:i], prefix):
			c.fault(index(path, i), "keep one of the two", "%s is listed twice", prefix)
		case plan != nil && slices.Contains(plan.EmergencyNumbers(), prefix):
			c.fault(index(path, i), "remove it", "has no effect: %s is an emergency number, and those always pass", prefix)
		}
	}
}

func (c *checker) callRules(list []CallRule) {
	if !c.atMost("admission.rules", len(list), maxCallRules) {
		return
	}
	ruleNames := names{c, map[string]string{}}
	for i, r := range list {
		path := index("admission.rules", i)
		ruleNames.add(path+".name", r.Name)
		if c.required(path+".action", r.Action != "", "write allow or deny") {
			one(c, path+".action", r.Action, ActionAllow, ActionDeny)
		}
		if one(c, path+".direction", r.Direction, CallsOut, CallsIn) && r.Direction == CallsIn {
			c.inwardRule(path, r)
		}
		c.classes(path+".classes", r.Classes)
		c.countries(path+".countries", r.Countries)
		c.callPrefixes(path+".prefixes", r.Prefixes)
		c.knownGroups(path+".groups", r.Groups)
		c.callers(path+".callers", r.Callers)
		if len(r.Trunks) > 0 {
			c.routeTrunks(path+".trunks", r.Trunks)
		}
		for j, v := range r.Via {
			one(c, index(path+".via", j), v, ViaDialled, ViaTransferred, ViaRedirected, ViaOverflowed)
		}
		c.when(path+".when", r.When)
		c.lastRule(path, r, i+1 < len(list))
	}
}

// inwardRule refuses what a rule about calls from a carrier cannot name.
func (c *checker) inwardRule(path string, r CallRule) {
	for _, key := range []struct {
		name string
		used bool
	}{{"classes", len(r.Classes) > 0}, {"countries", len(r.Countries) > 0}, {"groups", len(r.Groups) > 0}, {"via", len(r.Via) > 0}} {
		if key.used {
			c.fault(path+"."+key.name, "remove it, or write direction: out", "has no effect on calls that come in: they are for numbers of the office")
		}
	}
}

// lastRule refuses a rule that fits every call and has others behind it.
func (c *checker) lastRule(path string, r CallRule, more bool) {
	conditions := len(r.Classes) + len(r.Countries) + len(r.Prefixes) + len(r.Groups) + len(r.Callers) + len(r.Trunks) + len(r.Via)
	if conditions == 0 && r.When.Always() && more && !slices.ContainsFunc(c.p.Admission.Rules, func(o CallRule) bool { return o.Direction != r.Direction }) {
		c.fault(path, "put it last, or say which calls it is about", "fits every call, so that the rules below have no effect")
	}
}

func (c *checker) knownGroups(path string, list []string) {
	var known []string
	for _, g := range c.p.Admission.Groups {
		known = append(known, g.Name)
	}
	for i, name := range list {
		switch {
		case !slices.Contains(known, name):
			hint := "write the name of one of admission.groups"
			if near := nearest(name, known); near != "" {
				hint = "did you mean " + near + "?"
			}
			c.fault(index(path, i), hint, "there is no group named %s", quoted(name))
		case slices.Contains(list[:i], name):
			c.fault(index(path, i), "keep one of the two", "%s is listed twice", name)
		}
	}
}

func (c *checker) callers(path string, list []string) {
	if !c.atMost(path, len(list), maxInRule) {
		return
	}
	for i, caller := range list {
		if caller != Anonymous && !routePrefix.matches(caller) {
			c.fault(index(path, i), `write the beginning of a number such as "+33", or anonymous; extensions belong into a group`, "%s is no caller", quoted(caller))
		}
	}
}

// member is an extension, a user, or a number, whole or its beginning.
var member = patternOf(`^\+?[A-Za-z0-9._-]{1,32}\*?$`)

func (c *checker) callerGroups(a Admission) {
	if !c.atMost("admission.groups", len(a.Groups), maxCallGroups) {
		return
	}
	groupNames := names{c, map[string]string{}}
	for i, g := range a.Groups {
		path := index("admission.groups", i)
		groupNames.add(path+".name", g.Name)
		if !c.required(path+".members", len(g.Members) > 0, "list extensions, such as 101 or 2*") || !c.atMost(path+".members", len(g.Members), maxInRule) {
			continue
		}
		for j, m := range g.Members {
			if !member.matches(m) {
				c.fault(index(path+".members", j), "write an extension such as 101, the beginning of some such as 2*, or a number such as +33123456789", "%s is no member", quoted(m))
			}
		}
		names := func(list []string) bool { return slices.Contains(list, g.Name) }
		if !slices.ContainsFunc(a.Rules, func(r CallRule) bool { return names(r.Groups) }) && !slices.ContainsFunc(a.Caps, func(k CallCap) bool { return names(k.Groups) }) {
			c.fault(path, "name it in a rule or a cap, or remove it", "has no effect: no rule and no cap names it")
		}
	}
}

func (c *checker) callCaps(list []CallCap) {
	if !c.atMost("admission.caps", len(list), maxCallCaps) {
		return
	}
	capNames := names{c, map[string]string{}}
	for i, k := range list {
		path := index("admission.caps", i)
		capNames.add(path+".name", k.Name)
		c.classes(path+".classes", k.Classes)
		c.countries(path+".countries", k.Countries)
		c.callPrefixes(path+".prefixes", k.Prefixes)
		c.knownGroups(path+".groups", k.Groups)
		c.between(path+".calls", k.Calls, 0, maxCalls)
		c.between(path+".per_second", k.PerSecond, 0, maxPerSecond)
		if k.Calls == 0 && k.PerSecond == 0 {
			c.fault(path, "write calls or per_second", "has no effect: it bounds nothing")
		}
	}
}

// maxPerSecond bounds what has to be remembered of a second.
const maxPerSecond = 1000

func (c *checker) pacing(p Pacing) {
	const path = "admission.pacing."
	c.between(path+"attempts_per_hour", p.AttemptsPerHour, 0, 10_000)
	c.between(path+"repeats", p.Repeats, 0, 1000)
	c.between(path+"short_percent", p.ShortPercent, 0, 100)
	c.between(path+"short_seconds", p.ShortSeconds, 1, 60)
	c.between(path+"unanswered_percent", p.UnansweredPercent, 0, 100)
	c.between(path+"least_calls", p.LeastCalls, 1, 1000)
}

// fitsMember tells whether a caller is meant by a member of a group.
func fitsMember(m, user, e164 string) bool {
	if begin, ok := strings.CutSuffix(m, "*"); ok {
		return strings.HasPrefix(user, begin) || strings.HasPrefix(e164, begin)
	}
	return m == user || m == e164
}

// Has tells whether a caller is in the group: a peer, the extension or user there ("" when not known) and the number of the
// call in E.164 ("" for none).
func (g CallerGroup) Has(peer Peer, user, e164 string) bool {
	for _, m := range g.Members {
		switch {
		case m == MembersPBX && peer.Name == PeerPBX, m == MembersPhones && peer.Phone():
			return true
		case user+e164 != "" && fitsMember(m, user, e164):
			return true
		}
	}
	return false
}
