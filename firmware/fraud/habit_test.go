package fraud

import (
	"strings"
	"testing"
	"time"

	"tollgate/firmware/policy"
)

// refusing is a scene in which nothing stays blocked.
func refusing(t *testing.T) *scene {
	return play(t, func(f *policy.Fraud) {
		f.Actions.Caller, f.Actions.Prefix = policy.FraudRefuse, policy.FraudRefuse
		f.Caller, f.Prefix, f.Budgets.Prefix, f.Budgets.Unfamiliar = policy.FraudLevels{}, policy.FraudLevels{}, 0, 0
	})
}

func TestWhatIsUsualAndWhatIsNotHaveBudgetsApart(t *testing.T) {
	s := refusing(t)
	s.talk("12", "+252612345678", 6*time.Minute) // 18 €
	s.refused("12", "+252612345678", "fraud.budgets.caller")
	s.refused("12", "0899123456", "fraud.budgets.caller")
	s.refused("12", "+4930123456", "")
	s.talk("12", "+221331234567", 13*time.Minute)
	s.refused("12", "+4930123456", "fraud.budgets.caller")
}

func TestABudgetGrowsWithWhatTheOfficeUsuallySpends(t *testing.T) {
	s := refusing(t)
	day := func(minutes int) (talked int) {
		for range minutes {
			if s.talk("12", "+221331234567", time.Minute) { // 1.20
				talked++
			}
		}
		s.pass(24*time.Hour - time.Duration(minutes)*time.Minute)
		return talked
	}
	for i, c := range []struct{ tried, want int }{
		{10, 10}, // 12 € of 15
		{18, 18}, // 21.60 € of 24
		{40, 36}, // 43.20 €
		{40, 35}, // the money was gone, which is no habit; and some of the habit fades
	} {
		if got := day(c.tried); got != c.want {
			t.Errorf("day %d: %d minutes of %d, want %d", i+1, got, c.tried, c.want)
		}
	}
	s.talk("13", "+252612345678", 6*time.Minute)
	s.refused("13", "+252612345678", "fraud.budgets.caller") // whatever the habit
}

func TestWhatWasReleasedIsUsualAndNoMoreThanFiveBudgets(t *testing.T) {
	s := play(t, func(f *policy.Fraud) {
		f.Budgets = policy.FraudBudgets{Caller: 15}
		f.Caller, f.Prefix = policy.FraudLevels{}, policy.FraudLevels{}
	})
	spend := func() (minutes int) {
		for s.talk("12", "+221331234567", time.Minute) {
			minutes++
		}
		return minutes
	}
	for i, want := range []int{13, 26, 51, 63, 63} { // 15, 30, 60, 75, 75 €, and the last minute is begun with what is left
		if got := spend(); got < want-1 || got > want {
			t.Errorf("day %d: %d minutes, want %d", i+1, got, want)
		}
		if _, ok := s.watch.Release(BlockCaller, "12", s.now); !ok {
			t.Fatal("nobody was blocked")
		}
		s.pass(30 * time.Hour)
		s.now = monday(t).AddDate(0, 0, i+1)
	}
}

func TestAllThatIsNotUsualHasOneBudgetADay(t *testing.T) {
	s := play(t, func(f *policy.Fraud) { f.Budgets.Unusual = 18 })
	s.talk("12", "+252612345678", 3*time.Minute)
	s.talk("13", "+253612345678", 2*time.Minute)
	s.talk("14", "0899123456", time.Minute)
	s.watch.Alarms()
	s.refused("15", "118218", "fraud.budgets.unusual")
	s.refused("16", "+5351234567", "fraud.budgets.unusual")
	if told := s.watch.Alarms(); len(told) != 1 || !strings.Contains(told[0].Reason, "18 €") {
		t.Errorf("told %v, want one alarm", told)
	}
	s.refused("15", "+4930123456", "")
	s.pass(24 * time.Hour)
	s.refused("15", "118218", "")
}

func TestWhatDrainsTheMoneyOfADayIsBlockedUntilSomebodyHasLooked(t *testing.T) {
	s := play(t, func(f *policy.Fraud) {
		f.Budgets = policy.FraudBudgets{Unusual: 18}
		f.Caller, f.Prefix = policy.FraudLevels{}, policy.FraudLevels{}
	})
	s.talk("12", "+253612345678", 2*time.Minute)
	s.talk("12", "+252612345678", 4*time.Minute)
	s.refused("13", "+253612345678", "fraud.budgets.unusual") // not most of it went there
	s.refused("13", "+252612345678", "fraud.budgets.unusual")
	s.pass(24 * time.Hour)
	s.refused("13", "+253612345678", "")
	s.refused("13", "+252612345678", "fraud.blocked.prefix")
}

func TestTheDearestRangesAreNeverUsual(t *testing.T) {
	s := play(t, func(f *policy.Fraud) { f.Budgets.Unusual = 18 })
	own, err := NewPrices(map[string]Rate{"+965": {Minute: Euro / 10}, "+4470": {Minute: Euro}})
	if err != nil {
		t.Fatal(err)
	}
	for number, dear := range map[string]bool{"+447012345678": true, "+252612345678": true, "0899123456": true, "+4930123456": false, "0810123456": false} {
		n := s.call("12", number).Number
		if d := s.watch.config.Prices.Of(n); d.Dear != dear {
			t.Errorf("%s is dear: %v", number, d.Dear)
		}
		if d := own.Of(n); d.Dear != dear {
			t.Errorf("%s is dear: %v, with a price of its own", number, d.Dear)
		}
	}
	if d := own.Of(s.call("12", "+96512345678").Number); d.Dear {
		t.Error("a country that is cheap by the customer's prices is dear")
	}
}

func TestANumberOfTheWholeOfficeIsNotBlockedWhatItCallsIs(t *testing.T) {
	s := play(t)
	s.now = monday(t).AddDate(0, 0, 5) // Saturday
	calls := 0
	ask := func(number string) *Refusal {
		c := s.call("0423456700", number)
		c.Shared, c.Trunk = true, ""
		if no := s.watch.Refuse(c); no != nil {
			return no
		}
		calls++
		s.watch.Begin(c)
		return nil
	}
	for _, n := range []string{"+4930123456", "+34911234567", "+3227123456", "+3227123456", "+3227123456"} {
		if no := ask(n); no != nil {
			t.Fatalf("%s is refused: %s", n, no.Reason)
		}
	}
	if no := ask("+3227123456"); no == nil || no.Rule != "fraud.prefix.weekend.simultaneous" {
		t.Errorf("the fourth call at once to the same prefix: %v", no)
	}
	for range 9 { // the carrier accepts none
		c := s.call("0423456700", "+21221234567")
		c.Shared = true
		s.watch.Begin(c)
		s.watch.Decline(c.ID, 403, s.now)
		s.watch.End(c.ID, s.now)
	}
	for _, b := range s.watch.Blocks() {
		if b.Kind != BlockPrefix {
			t.Errorf("blocked: %+v", b)
		}
	}
	if no := ask("+4930123456"); no != nil {
		t.Errorf("the office may not call Germany: %s", no.Reason)
	}
}
