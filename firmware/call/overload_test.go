package call

import (
	"strconv"
	"testing"
	"time"

	"tollgate/firmware/admission"
	"tollgate/firmware/event"
)

func TestAFullBoxSaysWhenToComeAgainAndStillCallsForHelp(t *testing.T) {
	s := newScene(t, nil)
	s.gate.SetOverload(&admission.Overload{Rule: "load.cpu", Reason: "the processors are busy to 97 %", RetryAfter: 10 * time.Second})
	res := s.pbx.dial("201", "00472105518", clearSDP("192.0.2.50")).expect(503)
	h := res.GetHeader("Retry-After")
	if h == nil {
		t.Fatal("503 without Retry-After")
	}
	if wait, err := strconv.Atoi(h.Value()); err != nil || wait < 10 || wait > 20 {
		t.Errorf("Retry-After: %s", h.Value())
	}
	if e := find[event.CallRefused](s); e.Rule != "load.cpu" || e.Reason != "the processors are busy to 97 %" {
		t.Errorf("told %+v", e)
	}
	s.pbx.dial("201", "112", clearSDP("192.0.2.50"))
	s.a.called().respond(180, "")
}
