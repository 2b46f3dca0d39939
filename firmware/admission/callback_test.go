package admission

import (
	"testing"
	"time"

	"tollgate/firmware/numbering"
)

func TestTheEmergencyServiceMayCallBackForAnHour(t *testing.T) {
	g := New(limits(0, 1, 0))
	begun := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	shown := numbering.Number{E164: "+33123456700", Class: numbering.National}
	g.ExpectCallBack(shown, begun)
	g.ExpectCallBack(numbering.Number{Digits: "112"}, begun) // no number to call back
	in := func(after time.Duration) Attempt {
		return Attempt{Caller: carrier, Trunk: "a", Number: shown, At: begun.Add(after), Draining: true}
	}
	for _, after := range []time.Duration{0, time.Minute, time.Hour} {
		ticket, no := g.Admit(in(after))
		if no != nil || !ticket.Urgent() || ticket.Move("b", paris, noon) != nil {
			t.Fatalf("after %v: %+v, %+v", after, ticket, no)
		}
		if u := g.Usage(); u.Calls != 0 || u.Emergency != 1 {
			t.Errorf("counted as %+v", u)
		}
		ticket.Release()
	}
	refuse(t, g, in(time.Hour+time.Second), 503, "draining", "stopping")
	other := in(time.Minute)
	other.Number.E164 = "+33123456701"
	refuse(t, g, other, 503, "draining", "stopping")
	office := in(time.Minute)
	office.Caller = pbx
	refuse(t, g, office, 503, "draining", "stopping")

	g.ExpectCallBack(shown, begun.Add(30*time.Minute)) // it was shown once more
	if ticket, no := g.Admit(in(90 * time.Minute)); no != nil || !ticket.Urgent() {
		t.Errorf("a later emergency call does not count: %+v", no)
	}
	if list := g.CallBacks(begun.Add(time.Hour)); len(list) != 1 || list[0] != (CallBack{shown.E164, begun.Add(90 * time.Minute)}) {
		t.Errorf("listed %v", list)
	}
	if list := g.CallBacks(begun.Add(2 * time.Hour)); len(list) != 0 {
		t.Errorf("what is over is listed: %v", list)
	}
	g.ExpectCallBack(other.Number, begun.Add(3*time.Hour))
	if len(g.callBacks) != 1 {
		t.Errorf("what is over is remembered: %v", g.callBacks)
	}
}
