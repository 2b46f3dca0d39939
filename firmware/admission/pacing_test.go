package admission

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"tollgate/firmware/numbering"
	"tollgate/firmware/policy"
)

// call makes a call that shows a number, and ends it; it returns why that was refused.
func call(t *testing.T, g *Gate, shown, to numbering.Number, at time.Time, answered bool, spoken time.Duration) *Refusal {
	t.Helper()
	ticket := admit(t, g, Attempt{Caller: pbx, Number: to, At: at})
	defer ticket.Release()
	if no := ticket.Move("a", shown, at); no != nil {
		return no
	}
	ticket.Ended(answered, spoken)
	return nil
}

func TestANumberThatIsShownTooOftenRests(t *testing.T) {
	mine, other := number(t, "0123456701"), number(t, "0123456702")
	callees := []numbering.Number{number(t, "0223456789"), number(t, "0323456789"), number(t, "0423456789"), number(t, "0523456789")}
	for _, c := range []struct {
		name     string
		pacing   policy.Pacing
		answered bool
		spoken   time.Duration
		same     bool // one callee
		want     string
	}{
		{"attempts", policy.Pacing{AttemptsPerHour: 4}, true, time.Minute, false, "attempts_per_hour +33123456701, which the call would show, has begun 4 calls within an hour, it may 4"},
		{"repeats", policy.Pacing{Repeats: 4}, true, time.Minute, true, "repeats +33123456701, which the call would show, has called +33223456789 4 times within an hour, it may 4"},
		{"short calls", policy.Pacing{ShortPercent: 50, LeastCalls: 4, ShortSeconds: 6}, true, 5 * time.Second, false, "short_percent +33123456701, which the call would show, has had 4 of 4 answered calls shorter than 6 s within an hour, it may 50 %"},
		{"unanswered calls", policy.Pacing{UnansweredPercent: 80, LeastCalls: 4}, false, 0, false, "unanswered_percent +33123456701, which the call would show, was answered by nobody in 4 of 4 calls within an hour, it may 80 %"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := gateOf(t, policy.Admission{Pacing: c.pacing})
			for i, to := range callees {
				if c.same {
					to = callees[0]
				}
				if no := call(t, g, mine, to, noon.Add(time.Duration(i)*time.Minute), c.answered, c.spoken); no != nil {
					t.Fatalf("call %d: %+v", i, no)
				}
			}
			at := noon.Add(10 * time.Minute)
			no := call(t, g, mine, callees[0], at, true, time.Minute)
			if no == nil || no.Status != 503 || strings.TrimPrefix(no.Rule, "admission.pacing.")+" "+no.Reason != c.want || no.RetryAfter != 50*time.Minute {
				t.Fatalf("%+v, want %s", no, c.want)
			}
			if no := call(t, g, other, callees[0], at, true, time.Minute); no != nil {
				t.Errorf("another number: %+v", no)
			}
			if no := call(t, g, mine, callees[0], noon.Add(time.Hour+10*time.Minute), true, time.Minute); no != nil {
				t.Errorf("an hour later: %+v", no)
			}
		})
	}
}

func TestOneCallOverTwoTrunksIsOneAttempt(t *testing.T) {
	g, mine := gateOf(t, policy.Admission{Pacing: policy.Pacing{AttemptsPerHour: 1}}), number(t, "0123456701")
	ticket := admit(t, g, Attempt{Caller: pbx, Number: paris, At: noon})
	for _, trunk := range []string{"a", "b"} {
		if no := ticket.Move(trunk, mine, noon); no != nil {
			t.Errorf("%s: %+v", trunk, no)
		}
	}
	if no := call(t, g, mine, paris, noon, true, time.Minute); no == nil {
		t.Error("a second call passes")
	}
}

func TestPacingGoesOnAfterARestart(t *testing.T) {
	pacing, mine := policy.Admission{Pacing: policy.Pacing{Repeats: 2}}, number(t, "0123456701")
	before := gateOf(t, pacing)
	call(t, before, mine, paris, noon.Add(-2*time.Hour), true, time.Minute)
	call(t, before, mine, paris, noon, true, time.Minute)
	call(t, before, mine, paris, noon, false, 0)
	record, err := json.Marshal(before.Paces(noon))
	if err != nil {
		t.Fatal(err)
	}
	var kept []Pace
	if err := json.Unmarshal(record, &kept); err != nil || len(kept) != 1 || len(kept[0].Tries) != 2 {
		t.Fatalf("kept %s: %v", record, err)
	}
	after := gateOf(t, pacing)
	after.SetPaces(kept)
	if no := call(t, after, mine, paris, noon.Add(time.Minute), true, time.Minute); no == nil || no.Rule != "admission.pacing.repeats" {
		t.Errorf("%+v", no)
	}
}
