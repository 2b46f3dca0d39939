package admission

import (
	"testing"
	"time"

	"tollgate/firmware/policy"
)

func TestAFullBoxTakesEmergencyCallsAloneAndSaysWhenToComeAgain(t *testing.T) {
	g := New(limits(30, 0, 0))
	before, no := g.Admit(Attempt{Caller: pbx, Number: paris})
	if no != nil {
		t.Fatal(no.Reason)
	}
	g.SetOverload(&Overload{Rule: "load.lateness", Reason: "audio waits 30 ms in the box", RetryAfter: 10 * time.Second})
	for _, caller := range []policy.Peer{pbx, carrier} {
		ticket, no := g.Admit(Attempt{Caller: caller, Number: paris})
		if ticket != nil || no.Status != 503 || no.Rule != "load.lateness" || no.Reason != "audio waits 30 ms in the box" || no.RetryAfter != 10*time.Second {
			t.Errorf("%s: %+v", caller.Name, no)
		}
	}
	urgent, no := g.Admit(Attempt{Caller: pbx, Number: sos})
	if no != nil {
		t.Fatalf("an emergency call is refused: %s", no.Reason)
	}
	if u := g.Usage(); u.Calls != 1 || u.Emergency != 1 {
		t.Errorf("%+v", u)
	}
	urgent.Release()
	before.Release()

	g.SetOverload(nil)
	ticket, no := g.Admit(Attempt{Caller: pbx, Number: paris})
	if no != nil {
		t.Errorf("when it is over: %s", no.Reason)
	}
	ticket.Release()
}
