package weeks

import (
	"slices"
	"testing"
	"time"
)

func TestWhatTheBoxReckonsIsNoLessThanTheCarriersBill(t *testing.T) {
	s, err := newSettings(false)
	if err != nil {
		t.Fatal(err)
	}
	numbers := slices.Concat(rogue, []string{"0899123456", "0898123456", "0892123456", "0893123456", "0810123456", "0825123456", "118218", "3699", "3635"})
	for _, l := range business {
		numbers = append(numbers, l.code+"2345678901"[:l.digits-len(l.code)+len(l.code)-max(0, l.digits-10)])
	}
	for _, dialled := range numbers {
		n, err := s.plan.Read(dialled, "")
		if err != nil {
			t.Errorf("%s: %v", dialled, err)
			continue
		}
		for _, d := range []time.Duration{time.Second, time.Minute, 10 * time.Minute, time.Hour} {
			if billed, reckoned := bill(n.String(), d), float64(s.config.Prices.Of(n).Rate.Cost(d))/1e6; reckoned < billed-0.0001 {
				t.Errorf("%s for %v: the carrier bills %.3f, the box reckons %.3f", dialled, d, billed, reckoned)
			}
		}
	}
}

func TestAnOfficeIsTheSameForTheSameSeedAndAnotherForAnother(t *testing.T) {
	monday := begins(time.UTC, 1)
	a, b, c := newOffice(1).week(monday, 3), newOffice(1).week(monday, 3), newOffice(2).week(monday, 3)
	if !slices.Equal(a, b) || slices.Equal(a, c) {
		t.Error("weeks do not follow from their seeds")
	}
	if !slices.IsSortedFunc(a, func(x, y dial) int { return x.at.Compare(y.at) }) {
		t.Error("calls are not in order")
	}
}

// The whole of one seed: every attack is found out and costs less than 20 €, and no call is left behind.
func TestAttacksOfOneSeedAreFoundOut(t *testing.T) {
	r, err := playSeed(1, true)
	if err != nil {
		t.Fatal(err)
	}
	if r.Ordinary.Calls < 2000 {
		t.Errorf("an office made %d calls in %d weeks", r.Ordinary.Calls, ordinaryWeeks)
	}
	for i, p := range Patterns() {
		t.Logf("%-24s seen after %v, %.2f €, %d calls; fresh %v, %.2f €", p, r.Attacks[i].Seen, r.Attacks[i].Loss, r.Attacks[i].Calls, r.Fresh[i].Seen, r.Fresh[i].Loss)
		if r.Attacks[i].Seen < 0 || r.Attacks[i].Loss >= 20 {
			t.Errorf("%s: seen after %v, %.2f €", p, r.Attacks[i].Seen, r.Attacks[i].Loss)
		}
	}
	t.Logf("false alarms %v %v", r.Ordinary.Alarms, r.Ordinary.Rules)
}
