package admission

import "testing"

// blocks refuses calls of one extension, and all on one trunk.
type blocks struct{ user, trunk string }

func (b blocks) Refuse(a Attempt) *Refusal {
	if a.User == b.user || a.Trunk == b.trunk {
		return &Refusal{Status: 403, Rule: "fraud", Reason: a.User + " is blocked"}
	}
	return nil
}

func TestWhoWatchesMayRefuseACallAndATrunkButNeverAnEmergencyCall(t *testing.T) {
	g := New(limits(10, 0, 0))
	g.SetWatch(blocks{user: "101", trunk: "b"})
	refuse(t, g, Attempt{Caller: pbx, User: "101", Number: paris}, 403, "fraud", "101 is blocked")
	other := admit(t, g, Attempt{Caller: pbx, User: "102", Number: paris})
	if r := other.Move("a", paris, noon); r != nil {
		t.Error(r)
	}
	if r := other.Move("b", paris, noon); r == nil || r.Rule != "fraud" {
		t.Errorf("moved to a blocked trunk: %+v", r)
	}
	help := admit(t, g, Attempt{Caller: pbx, User: "101", Number: sos})
	if r := help.Move("b", paris, noon); r != nil {
		t.Errorf("an emergency call: %+v", r)
	}
	if u := g.Usage(); u.Calls != 1 || u.Trunks["a"] != 1 {
		t.Errorf("usage %+v", u)
	}
	g.SetWatch(nil)
	admit(t, g, Attempt{Caller: pbx, User: "101", Number: paris})
}
