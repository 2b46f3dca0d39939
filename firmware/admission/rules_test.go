package admission

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"tollgate/firmware/numbering"
	"tollgate/firmware/policy"
)

// number reads what somebody in France dials.
func number(t testing.TB, dialled string) numbering.Number {
	t.Helper()
	plan, err := numbering.For("FR")
	if err != nil {
		t.Fatal(err)
	}
	n, err := plan.Read(dialled, "")
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// gateOf is a gate in Paris with an admission, and a route abroad.
func gateOf(t testing.TB, a policy.Admission) *Gate {
	t.Helper()
	p := limits(100, 0, 0)
	p.Site.Holidays = []string{"public"}
	p.Routes = []policy.Route{{Name: "germany", Prefixes: []string{"+49", "+33"}}}
	if a.Classes == nil {
		a.Classes = policy.OpenClasses()
	}
	p.Admission = a
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	g := New(p)
	g.Set(p, zone)
	return g
}

func TestWhatCanCostWithoutACeilingIsClosedUnlessItIsListed(t *testing.T) {
	g := gateOf(t, policy.Admission{Countries: []string{"GB", "eea"}})
	all := gateOf(t, policy.Admission{Classes: numbering.Classes()})
	for _, c := range []struct{ dialled, reason string }{
		{"0123456789", ""}, {"0612345678", ""}, {"0800123456", ""}, {"3646", ""}, {"0820123456", ""}, {"0262123456", ""},
		{"+4930123456", ""}, // a route names Germany
		{"+442079460000", ""}, {"+390612345678", ""},
		{"0899123456", "premium number +33899123456: admission.classes does not list premium"},
		{"3220", "premium number 3220: admission.classes does not list premium"},
		{"118218", "premium number 118218: admission.classes does not list premium"},
		{"+12125550123", "international number +12125550123 in United States: admission.countries does not list US"},
		{"+18765550123", "in Jamaica: admission.countries does not list JM"},
		{"+22501234567", "admission.countries does not list CI"},
		{"+441481960194", "in Guernsey: admission.countries does not list GG"},
		{"+4990012345678", "premium number +4990012345678 in Germany: admission.classes does not list premium"},
		{"+4918012345678", "shared-cost number +4918012345678 in Germany: admission.classes does not list shared-abroad"},
		{"+881612345678", "satellite number +881612345678: admission.classes does not list satellite"},
		{"+883510012345", "special number +883510012345: admission.classes does not list special"},
		{"+38349123456", "it is of no country that admission.countries could list"},
	} {
		a := Attempt{Caller: pbx, Number: number(t, c.dialled), At: noon}
		if c.reason == "" {
			admit(t, g, a).Release()
			continue
		}
		ticket, r := g.Admit(a)
		if ticket != nil || r.Status != 403 || !strings.Contains(r.Reason, c.reason) || !strings.HasPrefix(r.Rule, "admission.") {
			t.Errorf("%s: %+v, want ... %s", c.dialled, r, c.reason)
		}
		admit(t, all, a).Release()
	}
}

func TestTheFirstRuleThatFitsDecides(t *testing.T) {
	g := gateOf(t, policy.Admission{
		Groups: []policy.CallerGroup{{Name: "desk", Members: []string{"101", "2*", "+33123456701"}}, {Name: "telephones", Members: []string{"phones"}}},
		Rules: []policy.CallRule{
			{Name: "hotline", Action: policy.ActionAllow, Prefixes: []string{"+33899700", "3220"}, Groups: []string{"desk"}},
			{Name: "night", Action: policy.ActionDeny, When: policy.When{From: "20:00", To: "06:00"}, Groups: []string{"desk"}},
			{Name: "holiday", Action: policy.ActionDeny, Classes: []numbering.Class{numbering.Mobile}, When: policy.When{Holidays: policy.HolidaysOnly}},
			{Name: "sent-on", Action: policy.ActionDeny, Via: []policy.CallVia{policy.ViaTransferred, policy.ViaRedirected}, Countries: []string{"DE"}},
			{Name: "shown", Action: policy.ActionDeny, Callers: []string{"+3312345679"}},
			{Name: "telephones", Action: policy.ActionDeny, Groups: []string{"telephones"}, Prefixes: []string{"+331"}},
			{Name: "unwanted", Action: policy.ActionDeny, Direction: policy.CallsIn, Callers: []string{"+225", policy.Anonymous}},
		},
	})
	phone := policy.Peer{Side: policy.SideInside, Name: "phone 192.0.2.77"}
	evening := time.Date(2026, 6, 3, 19, 0, 0, 0, time.UTC) // 21:00 in Paris
	bastille := time.Date(2026, 7, 14, 10, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name    string
		attempt Attempt
		rule    string // "": it may go
		status  int
		reason  string
	}{
		{"a member may call the hotline", Attempt{Caller: pbx, User: "101", Number: number(t, "0899700123")}, "", 0, ""},
		{"by the beginning of the extension", Attempt{Caller: pbx, User: "2345", Number: number(t, "3220")}, "", 0, ""},
		{"by its number", Attempt{Caller: pbx, From: number(t, "0123456701"), Number: number(t, "3220")}, "", 0, ""},
		{"even at night", Attempt{Caller: pbx, User: "101", Number: number(t, "3220"), At: evening}, "", 0, ""},
		{"others may not", Attempt{Caller: pbx, User: "102", Number: number(t, "0899700123")}, "admission.classes", 403, "premium number +33899700123"},
		{"nor another hotline", Attempt{Caller: pbx, User: "101", Number: number(t, "0899701123")}, "admission.classes", 403, "premium"},
		{"at night the desk calls nobody", Attempt{Caller: pbx, User: "101", Number: number(t, "0123456789"), At: evening}, "admission.rules[night]", 403, "national number +33123456789: rule 2, night, denies it to 101 at this time"},
		{"others do", Attempt{Caller: pbx, User: "102", Number: number(t, "0123456789"), At: evening}, "", 0, ""},
		{"on a holiday no mobiles", Attempt{Caller: pbx, User: "102", Number: number(t, "0612345678"), At: bastille}, "admission.rules[holiday]", 403, "mobile number +33612345678: rule 3, holiday, denies it at this time"},
		{"else they are open", Attempt{Caller: pbx, User: "102", Number: number(t, "0612345678")}, "", 0, ""},
		{"transferred to Germany", Attempt{Caller: pbx, Via: Transferred, Number: number(t, "+4930123456")}, "admission.rules[sent-on]", 403, "rule 4, sent-on, denies it when it is transferred"},
		{"redirected to Germany", Attempt{Caller: pbx, Via: Redirected, Number: number(t, "+4930123456")}, "admission.rules[sent-on]", 403, "when it is redirected"},
		{"dialled", Attempt{Caller: pbx, Number: number(t, "+4930123456")}, "", 0, ""},
		{"by the number that calls", Attempt{Caller: pbx, From: number(t, "0123456799"), Number: number(t, "0223456789")}, "admission.rules[shown]", 403, "denies it to +33123456799"},
		{"telephones", Attempt{Caller: phone, User: "301", Number: number(t, "0123456789")}, "admission.rules[telephones]", 403, "to 301"},
		{"telephones elsewhere", Attempt{Caller: phone, User: "301", Number: number(t, "0223456789")}, "", 0, ""},
		{"within the phones' PBX", Attempt{Caller: phone, Number: numbering.Number{Digits: "0899700123"}}, "", 0, ""},
		{"an unwanted caller", Attempt{Caller: carrier, Trunk: "a", From: number(t, "+22501234567"), Number: paris}, "admission.rules[unwanted]", 603, "the call from +22501234567: rule 7, unwanted, denies it"},
		{"a hidden caller", Attempt{Caller: carrier, Trunk: "a", From: number(t, "0123456789"), Withheld: true, Number: paris}, "admission.rules[unwanted]", 603, "the call from somebody unknown"},
		{"a caller without a number", Attempt{Caller: carrier, Trunk: "a", Number: paris}, "admission.rules[unwanted]", 603, ""},
		{"any other", Attempt{Caller: carrier, Trunk: "a", From: number(t, "0123456789"), Number: paris, At: evening}, "", 0, ""},
	} {
		if c.attempt.At.IsZero() {
			c.attempt.At = noon
		}
		d := g.Explain(c.attempt)
		ticket, r := g.Admit(c.attempt)
		ticket.Release()
		if (c.rule == "") != (r == nil) || (d.Refusal == nil) != (r == nil) {
			t.Errorf("%s: %+v, explained %+v", c.name, r, d)
		} else if r != nil && (r.Rule != c.rule || r.Status != c.status || !strings.Contains(r.Reason, c.reason) || d.Rule != c.rule) {
			t.Errorf("%s: %d %s: %s; explained by %s", c.name, r.Status, r.Rule, r.Reason, d.Rule)
		} else if r != nil && (len(r.Steps) == 0 || r.Steps[len(r.Steps)-1].Says != Refuses) {
			t.Errorf("%s: steps %+v", c.name, r.Steps)
		}
	}
}

func TestARuleAboutATrunkIsAskedOnceTheTrunkIsKnown(t *testing.T) {
	g := gateOf(t, policy.Admission{Rules: []policy.CallRule{
		{Name: "cheap", Action: policy.ActionAllow, Prefixes: []string{"+1"}, Trunks: []string{"a"}},
		{Name: "no-mobiles", Action: policy.ActionDeny, Classes: []numbering.Class{numbering.Mobile}, Trunks: []string{"b"}},
	}})
	abroad := admit(t, g, Attempt{Caller: pbx, Number: number(t, "+12125550123"), At: noon})
	if r := abroad.Move("b", paris, noon); r == nil || r.Rule != "admission.countries" || r.Status != 403 {
		t.Errorf("by another trunk: %+v", r)
	}
	if r := abroad.Move("a", paris, noon); r != nil {
		t.Error(r)
	}
	if d := abroad.Decision(); d.Rule != "admission.rules[cheap]" || d.Steps[0].Says != Allows {
		t.Errorf("decision %+v", d)
	}
	mobile := admit(t, g, Attempt{Caller: pbx, Number: number(t, "0612345678"), At: noon})
	if r := mobile.Move("b", paris, noon); r == nil || r.Reason != "mobile number +33612345678: rule 2, no-mobiles, denies it on trunk b" {
		t.Errorf("by the trunk of the rule: %+v", r)
	}
	if r := mobile.Move("a", paris, noon); r != nil {
		t.Error(r)
	}
	d := g.Explain(Attempt{Caller: pbx, Number: number(t, "+12125550123"), At: noon})
	if d.Refusal != nil || d.Steps[0].Says != Depends {
		t.Errorf("without a trunk: %+v", d)
	}
}

// The trace is read by people: this is what they see.
func TestADecisionTellsWhatWasConsidered(t *testing.T) {
	g := gateOf(t, policy.Admission{
		Groups: []policy.CallerGroup{{Name: "desk", Members: []string{"101"}}},
		Rules: []policy.CallRule{
			{Name: "swiss", Action: policy.ActionAllow, Countries: []string{"CH"}},
			{Name: "hotline", Action: policy.ActionAllow, Classes: []numbering.Class{numbering.Premium}, Groups: []string{"desk"}},
			{Name: "night", Action: policy.ActionDeny, When: policy.When{From: "20:00", To: "06:00"}},
		},
		Caps: []policy.CallCap{{Name: "premium", Classes: []numbering.Class{numbering.Premium}, Calls: 1}, {Name: "abroad", Countries: []string{"DE"}, Calls: 1}},
	})
	told := func(d Decision) string {
		var lines []string
		for _, s := range d.Steps {
			lines = append(lines, s.Rule+" "+string(s.Says)+": "+s.Why)
		}
		return strings.Join(lines, "\n")
	}
	want := `admission.rules ignores: 1 rule is about other destinations
admission.rules[hotline] allows: rule 2, hotline, allows it
limits.calls passes: 0 calls are in progress, the limit is 100
admission.caps[premium] passes: 0 calls are in progress, the cap is 1
trunks.a.caps passes: 0 calls are in progress on trunk a, its cap is none of its own`
	if got := told(g.Explain(Attempt{Caller: pbx, User: "101", Number: number(t, "3220"), Trunk: "a", At: noon})); got != want {
		t.Errorf("it may go:\n%s", got)
	}
	want = `admission.rules[hotline] ignores: rule 2, hotline, does not fit: another caller
admission.rules[night] ignores: rule 3, night, does not fit: it does not count at this time
admission.rules ignores: 1 rule is about other destinations
admission.classes refuses: premium number 3220: admission.classes does not list premium`
	if got := told(g.Explain(Attempt{Caller: pbx, User: "102", Number: number(t, "3220"), At: noon})); got != want {
		t.Errorf("it may not:\n%s", got)
	}
	if got := told(g.Explain(Attempt{Caller: pbx, User: "102", Number: sos, At: noon, Draining: true})); got != "emergency allows: an emergency call, or a call back after one, passes every limit" {
		t.Errorf("an emergency:\n%s", got)
	}
}

// A call that goes costs one ticket, whatever the trace could say.
func TestAnAdmittedCallPaysForNoTrace(t *testing.T) {
	g := gateOf(t, policy.Admission{Rules: []policy.CallRule{{Name: "night", Action: policy.ActionDeny, When: policy.When{From: "23:00", To: "23:30"}}}})
	a := Attempt{Caller: pbx, User: "101", Number: number(t, "+4930123456"), At: noon}
	if n := testing.AllocsPerRun(100, func() {
		ticket, _ := g.Admit(a)
		ticket.Move("a", paris, noon)
		ticket.Release()
	}); n > 1 {
		t.Errorf("%v allocations for one call", n)
	}
}

func BenchmarkAdmit(b *testing.B) {
	g := gateOf(b, policy.Admission{Countries: []string{"eea"}})
	a := Attempt{Caller: pbx, User: "101", Number: number(b, "+4930123456"), At: noon}
	b.ReportAllocs()
	for b.Loop() {
		ticket, _ := g.Admit(a)
		ticket.Move("a", paris, noon)
		ticket.Release()
	}
}
