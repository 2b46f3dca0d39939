package admission

import (
	"testing"
	"time"

	"tollgate/firmware/numbering"
	"tollgate/firmware/policy"
)

func TestAPolicyIsRehearsedWithTheCallsOfThePast(t *testing.T) {
	made := func(minute int, dialled string, length time.Duration) Past {
		at := noon.Add(time.Duration(minute) * time.Minute)
		return Past{
			Attempt: Attempt{Caller: pbx, User: "101", Trunk: "a", Number: number(t, dialled), At: at, Draining: true}, Shown: number(t, "0123456701"),
			Ended: at.Add(length), Answered: true, Spoken: length,
		}
	}
	past := []Past{
		made(9, "0223456789", time.Minute), // two lines are taken
		made(0, "0123456789", 10*time.Minute),
		made(1, "0612345678", 10*time.Minute),
		made(10, "0223456789", time.Minute), // the first one is free again
		made(12, "+4930123456", time.Minute),
		made(13, "112", time.Minute),
		{Attempt: Attempt{Caller: carrier, Trunk: "a", Number: paris, Withheld: true, At: noon.Add(20 * time.Minute)}, Ended: noon.Add(21 * time.Minute)},
	}
	p := limits(2, 0, 0)
	p.Admission.Rules = []policy.CallRule{
		{Name: "hidden", Action: policy.ActionDeny, Direction: policy.CallsIn, Callers: []string{policy.Anonymous}},
		{Name: "mobiles", Action: policy.ActionDeny, Classes: []numbering.Class{numbering.Mobile}, Trunks: []string{"b"}},
	}
	var got []string
	for _, u := range Rehearse(p, time.UTC, past) {
		got = append(got, u.Past.Attempt.At.Format("15:04")+" "+u.Refusal.Rule)
	}
	want := []string{"12:09 limits.calls", "12:12 admission.countries", "12:20 admission.rules[hidden]"}
	if len(got) != len(want) || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
		t.Errorf("refused %v, want %v", got, want)
	}
	p.Admission.Rules[1].Trunks = []string{"a"}
	if again := Rehearse(p, time.UTC, past); len(again) != 3 || again[0].Refusal.Rule != "admission.rules[mobiles]" {
		t.Errorf("with mobiles denied on their trunk: %+v", again) // then a line is free at 12:09
	}
	p.Trunks = nil
	if again := Rehearse(p, time.UTC, past); len(again) != 3 || again[0].Refusal.Rule != "limits.calls" {
		t.Errorf("without that trunk: %+v", again)
	}
}
