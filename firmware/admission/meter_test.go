package admission

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tollgate/firmware/numbering"
	"tollgate/firmware/policy"
)

// Fifty INVITEs at once on each kind of cap of ten, a thousand times: never one more or less.
func TestRacingCallsAreCountedExactlyByEveryKindOfCap(t *testing.T) {
	german := []string{"DE"}
	for name, cap := range map[string]policy.CallCap{
		"a destination class":      {Name: "c", Classes: []numbering.Class{numbering.International}, Calls: 10},
		"a prefix":                 {Name: "c", Prefixes: []string{"+4930"}, Calls: 10},
		"each caller":              {Name: "c", EachCaller: true, Calls: 10},
		"a second":                 {Name: "c", Countries: german, PerSecond: 10},
		"a second, of each caller": {Name: "c", EachCaller: true, PerSecond: 10, Calls: 50},
	} {
		t.Run(name, func(t *testing.T) {
			g := gateOf(t, policy.Admission{Caps: []policy.CallCap{cap, {Name: "other", Prefixes: []string{"+44"}, Calls: 1}}})
			at := noon
			for round := range 1000 {
				at = at.Add(2 * time.Second)
				var mu sync.Mutex
				var tickets []*Ticket
				var wg sync.WaitGroup
				for range 50 {
					wg.Go(func() {
						ticket, no := g.Admit(Attempt{Caller: pbx, User: "101", Number: number49, At: at})
						if no != nil && no.Rule != "admission.caps[c]" {
							t.Errorf("refused by %s", no.Rule)
						}
						if ticket != nil {
							mu.Lock()
							tickets = append(tickets, ticket)
							mu.Unlock()
						}
					})
				}
				wg.Wait()
				if len(tickets) != 10 {
					t.Fatalf("round %d: %d of 50 calls were admitted, want 10", round, len(tickets))
				}
				releaseTwiceAtOnce(tickets)
			}
			if u := g.Usage(); u.Calls != 0 {
				t.Errorf("usage %+v", u)
			}
		})
	}
}

var number49 = numbering.Number{E164: "+4930123456", Class: numbering.International, CallingCode: "49"}

func TestRacingCallsBeginOnATrunkAsFastAsItsCapAllows(t *testing.T) {
	p := limits(100, 0, 0)
	p.Trunks[0].Caps.PerSecond = 10
	g := New(p)
	for round := range 1000 {
		at := noon.Add(time.Duration(round) * time.Second)
		var mu sync.Mutex
		moved := 0
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				ticket, _ := g.Admit(Attempt{Caller: pbx, Number: paris, At: at})
				defer ticket.Release()
				if no := ticket.Move("a", paris, at); no == nil {
					mu.Lock()
					moved++
					mu.Unlock()
				} else if no.Rule != "trunks.a.caps.per_second" || no.RetryAfter == 0 {
					t.Errorf("%+v", no)
				}
			})
		}
		wg.Wait()
		if moved != 10 {
			t.Fatalf("round %d: %d of 50 calls began on the trunk, want 10", round, moved)
		}
	}
}

// Whatever the times, no second ever holds more beginnings than the cap, and a call that keeps to it is never refused.
func TestNoSecondHoldsMoreCallsThanItsCap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.IntRange(1, 5).Draw(t, "cap")
		m, now := &meter{}, noon
		var begun []time.Time
		for _, ms := range rapid.SliceOf(rapid.IntRange(0, 700)).Draw(t, "gaps in ms") {
			now = now.Add(time.Duration(ms) * time.Millisecond)
			within := 0
			for _, at := range begun {
				if now.Sub(at) < time.Second {
					within++
				}
			}
			if fast := m.tooFast(most, now); fast != (within >= most) {
				t.Fatalf("%d calls within the second, cap %d: refused %v", within, most, fast)
			} else if !fast {
				m.begin(most, now)
				begun = append(begun, now)
			}
		}
	})
}

func TestACapThatCountsEachCallerLetsOthersCall(t *testing.T) {
	g := gateOf(t, policy.Admission{Caps: []policy.CallCap{{Name: "each", EachCaller: true, Calls: 1}}})
	first := admit(t, g, Attempt{Caller: pbx, User: "101", Number: paris, At: noon})
	refuse(t, g, Attempt{Caller: pbx, User: "101", Number: paris, At: noon}, 503, "admission.caps[each]", "1 call is in progress of 101 that cap each counts, it is 1")
	admit(t, g, Attempt{Caller: pbx, User: "102", Number: paris, At: noon})
	admit(t, g, Attempt{Caller: carrier, Trunk: "a", From: paris, Number: paris, At: noon})
	first.Release()
	admit(t, g, Attempt{Caller: pbx, User: "101", Number: paris, At: noon})
}

func TestCapsGoOnCountingAfterARestart(t *testing.T) {
	caps := policy.Admission{Caps: []policy.CallCap{{Name: "abroad", Countries: []string{"DE"}, Calls: 1}}}
	before := gateOf(t, caps)
	a := Attempt{Caller: pbx, User: "101", Number: number49, At: noon}
	record, err := json.Marshal(admit(t, before, a).Record())
	if err != nil {
		t.Fatal(err)
	}
	var kept TicketRecord
	if err := json.Unmarshal(record, &kept); err != nil {
		t.Fatal(err)
	}
	after := gateOf(t, caps)
	resumed := after.Resume(&kept)
	refuse(t, after, a, 503, "admission.caps[abroad]", "1 call is in progress")
	resumed.Release()
	admit(t, after, a)
}

func TestAFloodOfCallersLeavesNoMetersBehind(t *testing.T) {
	g := gateOf(t, policy.Admission{Caps: []policy.CallCap{{Name: "each", EachCaller: true, PerSecond: 1}}})
	at := noon
	for i := range 3 * metersKept {
		at = at.Add(time.Millisecond)
		admit(t, g, Attempt{Caller: pbx, User: fmt.Sprint(i), Number: paris, At: at}).Release()
	}
	if len(g.meters) > metersKept+1 {
		t.Errorf("%d meters", len(g.meters))
	}
}

// hostileAdmission draws rules that are likely to be against a call.
func hostileAdmission(t *rapid.T) policy.Admission {
	everything := []string{"+", "1", "+33"}
	class := rapid.SampledFrom(numbering.Classes())
	a := policy.Admission{Classes: rapid.SliceOfN(class, 0, 3).Draw(t, "classes")}
	for i := range rapid.IntRange(0, 4).Draw(t, "rules") {
		a.Rules = append(a.Rules, policy.CallRule{
			Name: fmt.Sprint("r", i), Action: rapid.SampledFrom([]policy.CallAction{policy.ActionDeny, policy.ActionDeny, policy.ActionAllow}).Draw(t, "action"),
			Direction: rapid.SampledFrom([]policy.CallDirection{policy.CallsIn, policy.CallsOut}).Draw(t, "direction"),
			Prefixes:  rapid.SampledFrom([][]string{nil, everything}).Draw(t, "prefixes"),
			Callers:   rapid.SampledFrom([][]string{nil, {policy.Anonymous, "+"}}).Draw(t, "callers"),
			Trunks:    rapid.SampledFrom([][]string{nil, {"a"}, {"a", "b"}}).Draw(t, "trunks"),
			When:      rapid.SampledFrom([]policy.When{{}, {From: "11:00", To: "13:00"}, {Holidays: policy.HolidaysExcept}}).Draw(t, "when"),
		})
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "caps") {
		a.Caps = append(a.Caps, policy.CallCap{Name: fmt.Sprint("c", i), Calls: rapid.IntRange(0, 1).Draw(t, "calls"), PerSecond: 1, EachCaller: i == 0})
	}
	if rapid.Bool().Draw(t, "pacing") {
		a.Pacing = policy.Pacing{AttemptsPerHour: 1, Repeats: 1, ShortPercent: 1, UnansweredPercent: 1, ShortSeconds: 6, LeastCalls: 1}
	}
	return a
}

// nobody refuses everything.
type nobody struct{}

func (nobody) Refuse(a Attempt) *Refusal {
	return &Refusal{Status: 403, Rule: "fraud", Reason: "everything is blocked"}
}

// Over random policies, countries and states every emergency number of the country passes, on every trunk, and so does the
// call back after it, by every way that the office may call.
func TestEmergencyNumbersPassInEveryStateOfEveryPolicy(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		country := rapid.SampledFrom(numbering.Countries()).Draw(t, "country")
		plan, err := numbering.For(country)
		if err != nil {
			t.Fatal(err)
		}
		p := limits(rapid.IntRange(0, 2).Draw(t, "limit"), 1, 0)
		p.Trunks[1].Caps.PerSecond = 1
		p.Site.Country, p.Admission = country, hostileAdmission(t)
		g := New(p)
		for i := range rapid.IntRange(0, 5).Draw(t, "calls before") {
			if ticket, _ := g.Admit(Attempt{Caller: pbx, User: "101", Number: paris, At: noon.Add(time.Duration(i) * time.Second)}); ticket != nil {
				ticket.Move("a", paris, noon)
				ticket.Ended(false, 0)
			}
		}
		if rapid.Bool().Draw(t, "overload") {
			g.SetOverload(&Overload{Rule: "load.cpu", Reason: "it is too much"})
		}
		if rapid.Bool().Draw(t, "watch") {
			g.SetWatch(nobody{})
		}
		dialled := rapid.SampledFrom(plan.EmergencyNumbers()).Draw(t, "number")
		n, err := plan.Read(dialled, "")
		if err != nil {
			t.Fatal(err)
		}
		peer := rapid.SampledFrom([]policy.Peer{pbx, {Side: policy.SideInside, Name: "phone 192.0.2.77"}}).Draw(t, "peer")
		a := Attempt{Caller: peer, User: "101", From: paris, Number: n, Via: rapid.SampledFrom([]Via{Dialled, Redirected, Transferred}).Draw(t, "via"),
			Draining: rapid.Bool().Draw(t, "draining"), Withheld: rapid.Bool().Draw(t, "withheld"), At: noon}
		if d := g.Explain(a); d.Refusal != nil {
			t.Fatalf("%s in %s would be refused: %+v", dialled, country, d.Refusal)
		}
		ticket, no := g.Admit(a)
		if no != nil || !ticket.Urgent() {
			t.Fatalf("%s in %s was refused: %+v", dialled, country, no)
		}
		for _, trunk := range []string{"a", "b"} {
			if no := ticket.Move(trunk, paris, noon); no != nil {
				t.Fatalf("%s in %s may not go by %s: %+v", dialled, country, trunk, no)
			}
		}
		g.ExpectCallBack(paris, noon)
		if _, no := g.Admit(Attempt{Caller: carrier, Trunk: "a", Number: paris, Withheld: true, At: noon.Add(time.Minute), Draining: a.Draining}); no != nil {
			t.Fatalf("the call back was refused: %+v", no)
		}
	})
}
