package policy

import (
	"slices"

	"tollgate/firmware/numbering"
)

// Admission says which calls may be made, and how many. Emergency calls mind nothing of it.
type Admission struct {
	// Classes of numbers that the office may call, unless a rule says otherwise; default OpenClasses. A number in another
	// country than the site's needs its country among Countries, or International here.
	Classes []numbering.Class `yaml:"classes"`
	// Countries that the office may call, by ISO 3166-1 alpha-2, or zones such as eea. A country that the prefix of a route
	// names is one of them.
	Countries []string      `yaml:"countries"`
	Groups    []CallerGroup `yaml:"groups"`
	Rules     []CallRule    `yaml:"rules"` // the first that fits a call decides
	Caps      []CallCap     `yaml:"caps"`
	Pacing    Pacing        `yaml:"pacing"`
}

// OpenClasses are the classes that may be called where a document does not say: none that can cost without a ceiling.
func OpenClasses() []numbering.Class {
	return []numbering.Class{numbering.National, numbering.Mobile, numbering.Freephone, numbering.ShortCode, numbering.Shared, numbering.Overseas}
}

// CallerGroup is some of those who call from the office.
type CallerGroup struct {
	Name string `yaml:"name"`
	// Members are extensions or users, numbers in international form, beginnings of either with a * behind them, or
	// everybody at the PBX (pbx) or on a phone that registers through the box (phones).
	Members []string `yaml:"members"`
}

// CallRule allows or denies calls. It fits a call when all fit that it names.
type CallRule struct {
	Name      string            `yaml:"name"`
	Action    CallAction        `yaml:"action"`
	Direction CallDirection     `yaml:"direction"` // default out
	Classes   []numbering.Class `yaml:"classes"`   // of the number called
	Countries []string          `yaml:"countries"` // as Admission.Countries
	Prefixes  []string          `yaml:"prefixes"`  // of the number called: E.164 with "+", or beginnings of short numbers
	Groups    []string          `yaml:"groups"`    // of callers
	Callers   []string          `yaml:"callers"`   // E.164 prefixes of the caller's number, or anonymous
	Trunks    []string          `yaml:"trunks"`    // that would carry the call, or have brought it
	Via       []CallVia         `yaml:"via"`       // how the call came about
	When      When              `yaml:"when"`
}

// CallAction is what a rule does.
type CallAction string

// The actions.
const (
	ActionAllow CallAction = "allow"
	ActionDeny  CallAction = "deny"
)

// CallDirection is which calls a rule is about.
type CallDirection string

// The directions: calls that leave by a trunk, and calls that a trunk brings.
const (
	CallsOut CallDirection = "out"
	CallsIn  CallDirection = "in"
)

// CallVia is how a call that leaves came about.
type CallVia string

// The ways: somebody dialled; a call was sent on by REFER, by 3xx, or because the PBX could not be reached.
const (
	ViaDialled     CallVia = "dialled"
	ViaTransferred CallVia = "transferred"
	ViaRedirected  CallVia = "redirected"
	ViaOverflowed  CallVia = "overflowed"
)

// CallCap bounds calls that leave. It counts those that all fit which it names.
type CallCap struct {
	Name       string            `yaml:"name"`
	Classes    []numbering.Class `yaml:"classes"`
	Countries  []string          `yaml:"countries"`
	Prefixes   []string          `yaml:"prefixes"`
	Groups     []string          `yaml:"groups"`
	EachCaller bool              `yaml:"each_caller"` // each caller is counted alone
	Calls      int               `yaml:"calls"`       // at once; 0: no limit
	PerSecond  int               `yaml:"per_second"`  // begun within any second; 0: no limit
}

// Pacing bounds what each number does that is shown outside: what burns its reputation. 0 is no limit.
type Pacing struct {
	AttemptsPerHour int `yaml:"attempts_per_hour"`
	Repeats         int `yaml:"repeats"` // attempts at the same callee within an hour
	// ShortPercent is the share of its answered calls of the last hour that may have been shorter than ShortSeconds, and
	// UnansweredPercent that of all which may have found nobody. They count from LeastCalls on.
	ShortPercent      int `yaml:"short_percent"`
	ShortSeconds      int `yaml:"short_seconds"` // default 6
	UnansweredPercent int `yaml:"unanswered_percent"`
	LeastCalls        int `yaml:"least_calls"` // default 20
}

// On tells whether anything is bounded.
func (p Pacing) On() bool {
	return p.AttemptsPerHour > 0 || p.Repeats > 0 || p.ShortPercent > 0 || p.UnansweredPercent > 0
}

// Anonymous among the callers of a rule is who does not say who calls.
const Anonymous = "anonymous"

// Who is in a group without being named.
const (
	MembersPBX    = "pbx"
	MembersPhones = "phones"
)

// OpenCountries lists the countries that the office may call besides its own: those that are listed, zones as their
// countries, and those that a route names.
func (p *Policy) OpenCountries(plan *numbering.Plan) []string {
	list := CountriesOf(p.Admission.Countries)
	for _, r := range p.Routes {
		for _, prefix := range r.Prefixes {
			if country := plan.CountryOf(prefix); country != "" {
				list = append(list, country)
			}
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// CountriesOf replaces zones by their countries.
func CountriesOf(words []string) []string {
	var list []string
	for _, w := range words {
		if zone := numbering.Zone(w); zone != nil {
			list = append(list, zone...)
		} else {
			list = append(list, w)
		}
	}
	return list
}
