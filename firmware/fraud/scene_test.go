package fraud

import (
	"testing"
	"time"

	"tollgate/firmware/calendar"
	"tollgate/firmware/numbering"
	"tollgate/firmware/policy"
)

// scene is a Watch with the default policy, a clock, and calls by number.
type scene struct {
	t     *testing.T
	plan  *numbering.Plan
	watch *Watch
	now   time.Time
	next  uint64
}

// monday is a working day at ten in the morning, after which no holiday comes for two months.
func monday(t *testing.T) time.Time {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	return time.Date(2026, 9, 7, 10, 0, 0, 0, zone)
}

func play(t *testing.T, alter ...func(*policy.Fraud)) *scene {
	t.Helper()
	p, err := policy.Parse([]byte(policy.Example()))
	if err != nil {
		t.Fatal(err)
	}
	p.Fraud.Budgets = policy.FraudBudgets{Caller: 15, Prefix: 15, Unfamiliar: 10, Trunk: 60, Day: 80, Night: 12}
	for _, a := range alter {
		a(&p.Fraud)
	}
	return &scene{t: t, plan: plan(t), watch: New(config(t, p.Fraud)), now: monday(t)}
}

func config(t *testing.T, f policy.Fraud) Config {
	t.Helper()
	prices, err := NewPrices(nil)
	if err != nil {
		t.Fatal(err)
	}
	holidays, err := calendar.New("FR", []string{calendar.Public})
	if err != nil {
		t.Fatal(err)
	}
	return Config{Policy: f, Prices: prices, Zone: monday(t).Location(), Holidays: holidays}
}

func plan(t testing.TB) *numbering.Plan {
	t.Helper()
	p, err := numbering.For("FR")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (s *scene) call(caller, dialled string) Call {
	s.t.Helper()
	n, err := s.plan.Read(dialled, "")
	if err != nil {
		s.t.Fatal(err)
	}
	s.next++
	return Call{ID: s.next, Caller: caller, Trunk: "carrier", Number: n, At: s.now}
}

// try makes a call as far as it may go and returns its id, 0 when it is refused.
func (s *scene) try(caller, dialled string) uint64 {
	c := s.call(caller, dialled)
	if s.ask(c) != nil {
		return 0
	}
	c.Trunk = ""
	s.watch.Begin(c)
	if c.Trunk = "carrier"; s.watch.Refuse(c) != nil {
		s.watch.End(c.ID, s.now)
		return 0
	}
	s.watch.Carry(c.ID, c.Trunk, s.now)
	return c.ID
}

// ask asks as the box does before it has begun a call: without the trunk, and with it.
func (s *scene) ask(c Call) *Refusal {
	dialled := c
	dialled.Trunk = ""
	if no := s.watch.Refuse(dialled); no != nil {
		return no
	}
	return s.watch.Refuse(c)
}

// answered makes a call that is answered at once.
func (s *scene) answered(caller, dialled string) uint64 {
	id := s.try(caller, dialled)
	if id > 0 {
		s.watch.Answer(id, s.now)
	}
	return id
}

func (s *scene) pass(d time.Duration) { s.now = s.now.Add(d) }

// talk makes a call of a length, and tells whether it was let through.
func (s *scene) talk(caller, dialled string, d time.Duration) bool {
	id := s.answered(caller, dialled)
	s.pass(d)
	s.watch.End(id, s.now)
	return id > 0
}

func (s *scene) refused(caller, dialled, rule string) {
	s.t.Helper()
	no := s.ask(s.call(caller, dialled))
	switch {
	case no == nil && rule != "":
		s.t.Errorf("%s may call %s, want %s", caller, dialled, rule)
	case no != nil && no.Rule != rule:
		s.t.Errorf("%s to %s is refused by %s (%s), want %q", caller, dialled, no.Rule, no.Reason, rule)
	}
}

// await waits as the box does for calls that have to end; none within the time: nil.
func (s *scene) await(longest time.Duration) []Cut {
	s.t.Helper()
	end := s.now.Add(longest)
	for range 1000 {
		next := s.watch.Next()
		if next.IsZero() || next.After(end) {
			s.now = end
			return nil
		}
		if next.After(s.now) {
			s.now = next
		}
		if cuts := s.watch.Due(s.now); len(cuts) > 0 {
			return cuts
		}
	}
	s.t.Fatal("asked a thousand times, and nothing was due: the watch is busy with nothing")
	return nil
}

// learned lets the time pass in which all countries are familiar, with one call each week.
func (s *scene) learned() {
	for range 3 {
		s.talk("10", "0123456789", time.Minute)
		s.pass(7*24*time.Hour - time.Minute)
	}
}
