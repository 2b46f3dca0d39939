package admission

import (
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tollgate/firmware/numbering"
	"tollgate/firmware/policy"
)

var (
	noon    = time.Date(2026, 6, 3, 12, 0, 0, 0, time.UTC) // a Wednesday
	pbx     = policy.Peer{Side: policy.SideInside, Name: policy.PeerPBX}
	carrier = policy.Peer{Side: policy.SideOutside, Name: "a"}
	paris   = numbering.Number{E164: "+33123456789", Class: numbering.National, CallingCode: "33"}
	sos     = numbering.Number{Digits: "112", Class: numbering.Emergency, CallingCode: "33"}
)

// limits is a policy with a limit and caps for the trunks a and b.
func limits(calls, a, b int) *policy.Policy {
	return &policy.Policy{
		Site:      policy.Site{Country: "FR"},
		Admission: policy.Admission{Classes: policy.OpenClasses()},
		Limits:    policy.Limits{Calls: calls},
		Trunks:    []policy.Trunk{{Name: "a", Caps: policy.Caps{Calls: a}}, {Name: "b", Caps: policy.Caps{Calls: b}}},
	}
}

func admit(t *testing.T, g *Gate, a Attempt) *Ticket {
	t.Helper()
	ticket, refusal := g.Admit(a)
	if refusal != nil || ticket == nil {
		t.Fatalf("%+v: ticket %v, refusal %+v", a, ticket, refusal)
	}
	return ticket
}

func refuse(t *testing.T, g *Gate, a Attempt, status int, rule, reason string) {
	t.Helper()
	ticket, r := g.Admit(a)
	if ticket != nil || r == nil || r.Status != status || r.Rule != rule || !strings.Contains(r.Reason, reason) {
		t.Errorf("%+v: ticket %v, refusal %+v; want %d %s: ... %s", a, ticket, r, status, rule, reason)
	}
}

func TestTheBoxTakesAsManyCallsAsItsLimit(t *testing.T) {
	g := New(limits(2, 0, 0))
	first := admit(t, g, Attempt{Caller: pbx, Trunk: "a", Number: paris})
	admit(t, g, Attempt{Caller: carrier, Trunk: "b", Number: paris})
	refuse(t, g, Attempt{Caller: pbx, Trunk: "a", Number: paris}, 503, "limits.calls", "2 calls are in progress, the limit is 2")
	refuse(t, g, Attempt{Caller: carrier, Trunk: "a", Number: paris}, 486, "limits.calls", "the limit is 2")
	first.Release()
	first.Release()
	admit(t, g, Attempt{Caller: pbx, Trunk: "a", Number: paris})
	refuse(t, g, Attempt{Caller: pbx, Trunk: "a", Number: paris}, 503, "limits.calls", "the limit is 2")
}

func TestATrunkTakesAsManyCallsAsItsCap(t *testing.T) {
	g := New(limits(10, 1, 0))
	first := admit(t, g, Attempt{Caller: pbx, Trunk: "a", Number: paris})
	refuse(t, g, Attempt{Caller: pbx, Trunk: "a", Number: paris}, 503, "trunks.a.caps.calls", "1 call is in progress on trunk a, its cap is 1")
	refuse(t, g, Attempt{Caller: carrier, Trunk: "a", Number: paris}, 486, "trunks.a.caps.calls", "its cap is 1")
	for range 5 {
		admit(t, g, Attempt{Caller: pbx, Trunk: "b", Number: paris})
	}
	first.Release()
	admit(t, g, Attempt{Caller: pbx, Trunk: "a", Number: paris})
	if u := g.Usage(); u.Calls != 6 || !maps.Equal(u.Trunks, map[string]int{"a": 1, "b": 5}) {
		t.Errorf("usage %+v", u)
	}
}

func TestADrainingBoxTakesNoNewCalls(t *testing.T) {
	g := New(limits(10, 0, 0))
	refuse(t, g, Attempt{Caller: pbx, Trunk: "a", Number: paris, Draining: true}, 503, "draining", "stopping")
	refuse(t, g, Attempt{Caller: carrier, Trunk: "a", Number: paris, Draining: true}, 503, "draining", "stopping")
}

func TestEmergencyCallsPassInEveryStateAndTakeNobodysPlace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		small := rapid.IntRange(0, 3)
		g := New(limits(small.Draw(t, "limit"), small.Draw(t, "cap a"), small.Draw(t, "cap b")))
		trunk := rapid.SampledFrom([]string{"a", "b", "unknown"})
		for range rapid.IntRange(0, 8).Draw(t, "calls") {
			g.Admit(Attempt{Caller: pbx, Trunk: trunk.Draw(t, "trunk"), Number: paris})
		}
		before := g.Usage()
		draining := rapid.Bool().Draw(t, "draining")
		ticket, refusal := g.Admit(Attempt{Caller: pbx, Trunk: trunk.Draw(t, "trunk"), Number: sos, Draining: draining})
		if ticket == nil || refusal != nil {
			t.Fatalf("an emergency call was refused: %+v", refusal)
		}
		if r := ticket.Move(trunk.Draw(t, "next trunk"), paris, noon); r != nil {
			t.Fatalf("an emergency call may not move on: %+v", r)
		}
		if u := g.Usage(); u.Emergency != 1 || u.Calls != before.Calls || !maps.Equal(u.Trunks, before.Trunks) {
			t.Fatalf("usage %+v, before %+v", u, before)
		}
		ticket.Release()
		if u := g.Usage(); u.Emergency != 0 {
			t.Fatalf("usage %+v", u)
		}
	})
}

func TestACarrierGetsNoSpecialPlaceByCallingAnEmergencyNumber(t *testing.T) {
	g := New(limits(0, 0, 0))
	refuse(t, g, Attempt{Caller: carrier, Trunk: "a", Number: sos}, 486, "limits.calls", "0 calls are")
}

func TestATicketMovesToTheNextTrunk(t *testing.T) {
	g := New(limits(2, 1, 1))
	on := admit(t, g, Attempt{Caller: pbx, Trunk: "a", Number: paris})
	if r := on.Move("b", paris, noon); r != nil {
		t.Fatal(r)
	}
	other := admit(t, g, Attempt{Caller: pbx, Trunk: "a", Number: paris})
	if r := other.Move("b", paris, noon); r == nil || r.Rule != "trunks.b.caps.calls" {
		t.Errorf("moved to a full trunk: %+v", r)
	}
	if u := g.Usage(); u.Calls != 2 || !maps.Equal(u.Trunks, map[string]int{"a": 1, "b": 1}) {
		t.Errorf("usage %+v", u)
	}
	on.Release()
	if r := on.Move("a", paris, noon); r != nil {
		t.Errorf("a released ticket: %+v", r)
	}
	if u := g.Usage(); u.Calls != 1 || !maps.Equal(u.Trunks, map[string]int{"a": 1}) {
		t.Errorf("usage %+v", u)
	}
	var none *Ticket
	none.Release()
}

func TestACallMayBeAdmittedBeforeItsTrunkIsChosen(t *testing.T) {
	g := New(limits(2, 1, 0))
	first, second := admit(t, g, Attempt{Caller: pbx, Number: paris}), admit(t, g, Attempt{Caller: pbx, Number: paris})
	refuse(t, g, Attempt{Caller: pbx, Number: paris}, 503, "limits.calls", "2 calls are")
	if r := first.Move("a", paris, noon); r != nil {
		t.Fatal(r)
	}
	if r := second.Move("a", paris, noon); r == nil || r.Rule != "trunks.a.caps.calls" {
		t.Errorf("moved to a full trunk: %+v", r)
	}
	if r := second.Move("b", paris, noon); r != nil {
		t.Fatal(r)
	}
	if u := g.Usage(); u.Calls != 2 || !maps.Equal(u.Trunks, map[string]int{"a": 1, "b": 1}) {
		t.Errorf("usage %+v", u)
	}
	first.Release()
	second.Release()
	admit(t, g, Attempt{Caller: pbx, Number: paris}).Release()
	if u := g.Usage(); u.Calls != 0 || len(u.Trunks) != 0 {
		t.Errorf("usage after the calls %+v", u)
	}
}

func TestNewLimitsLetRunningCallsGoOn(t *testing.T) {
	g := New(limits(3, 3, 3))
	var tickets []*Ticket
	for range 3 {
		tickets = append(tickets, admit(t, g, Attempt{Caller: pbx, Trunk: "a", Number: paris}))
	}
	for range 2 {
		g.Set(limits(2, 0, 0), time.UTC)
		if u := g.Usage(); u.Calls != 3 {
			t.Fatalf("usage %+v", u)
		}
	}
	tickets[0].Release()
	refuse(t, g, Attempt{Caller: pbx, Trunk: "a", Number: paris}, 503, "limits.calls", "the limit is 2")
	tickets[1].Release()
	admit(t, g, Attempt{Caller: pbx, Trunk: "a", Number: paris})
}

// Fifty INVITEs at once on a cap of ten, a thousand times: neither the box nor the trunk ever takes one more or less.
func TestRacingCallsAreCountedExactly(t *testing.T) {
	for _, p := range []*policy.Policy{limits(10, 0, 0), limits(50, 10, 0)} {
		g := New(p)
		for round := range 1000 {
			tickets := race(g, 50)
			if len(tickets) != 10 {
				t.Fatalf("round %d: %d of 50 calls were admitted, want 10", round, len(tickets))
			}
			releaseTwiceAtOnce(tickets)
			if u := g.Usage(); u.Calls != 0 || len(u.Trunks) != 0 {
				t.Fatalf("round %d: usage after the calls %+v", round, u)
			}
		}
	}
}

func race(g *Gate, callers int) []*Ticket {
	var wg sync.WaitGroup
	start := make(chan struct{})
	results := make([]*Ticket, callers)
	for i := range callers {
		wg.Go(func() {
			<-start
			results[i], _ = g.Admit(Attempt{Caller: pbx, Trunk: "a", Number: paris})
		})
	}
	close(start)
	wg.Wait()
	var tickets []*Ticket
	for _, ticket := range results {
		if ticket != nil {
			tickets = append(tickets, ticket)
		}
	}
	return tickets
}

func releaseTwiceAtOnce(tickets []*Ticket) {
	var wg sync.WaitGroup
	for _, ticket := range tickets {
		wg.Go(ticket.Release)
		wg.Go(ticket.Release)
	}
	wg.Wait()
}
