package fraud

import (
	"testing"
	"time"

	"tollgate/firmware/policy"
)

// many is a policy in which only one level of a caller or prefix counts, and what goes beyond is refused.
func many(who string, set func(*policy.FraudLevel)) func(*policy.Fraud) {
	return func(f *policy.Fraud) {
		f.Caller, f.Prefix, f.Budgets = policy.FraudLevels{}, policy.FraudLevels{}, policy.FraudBudgets{}
		f.Actions.Caller, f.Actions.Prefix = policy.FraudRefuse, policy.FraudRefuse
		if who == "caller" {
			set(&f.Caller.Day)
		} else {
			set(&f.Prefix.Day)
		}
	}
}

func TestTheLevelsOfACaller(t *testing.T) {
	t.Run("calls of a day", func(t *testing.T) {
		s := play(t, many("caller", func(l *policy.FraudLevel) { l.Calls = 3 }))
		for range 3 {
			s.talk("12", "+4930123456", time.Minute)
			s.pass(time.Hour)
		}
		s.refused("12", "+4930123456", "fraud.caller.day.calls")
		s.refused("13", "+4930123456", "")
		s.refused("12", "0123456789", "")
		s.pass(24 * time.Hour)
		s.refused("12", "+4930123456", "")
	})
	t.Run("calls of a minute", func(t *testing.T) {
		s := play(t, many("caller", func(l *policy.FraudLevel) { l.PerMinute = 3 }))
		for range 3 {
			s.talk("12", "+4930123456", time.Second)
		}
		s.refused("12", "+4930123456", "fraud.caller.day.per_minute")
		s.pass(time.Minute)
		s.pass(time.Minute)
		s.refused("12", "+4930123456", "")
	})
	t.Run("calls at once", func(t *testing.T) {
		s := play(t, many("caller", func(l *policy.FraudLevel) { l.Simultaneous = 2 }))
		first := s.answered("12", "+4930123456")
		s.try("12", "+4930123457")
		s.refused("12", "+4930123458", "fraud.caller.day.simultaneous")
		s.watch.End(first, s.now)
		s.refused("12", "+4930123458", "")
	})
	t.Run("one after the other to the same prefix", func(t *testing.T) {
		s := play(t, many("caller", func(l *policy.FraudLevel) { l.Sequential = 3 }))
		for range 3 {
			s.talk("12", "+4930123456", time.Minute)
		}
		s.refused("12", "+4930999999", "fraud.caller.day.sequential")
		s.talk("12", "+34911234567", time.Minute)
		s.refused("12", "+4930999999", "")
	})
	t.Run("minutes, also of a call that runs", func(t *testing.T) {
		s := play(t, many("caller", func(l *policy.FraudLevel) { l.Minutes = 10 }), func(f *policy.Fraud) { f.Actions.Caller = policy.FraudBlockCaller })
		s.talk("12", "+4930123456", 6*time.Minute)
		s.answered("12", "+4930123456")
		begun := s.now
		if cuts := s.await(time.Hour); len(cuts) != 1 || (s.now.Sub(begun)-4*time.Minute).Abs() > time.Second {
			t.Errorf("cut %v after %v, want it after four minutes", cuts, s.now.Sub(begun))
		}
	})
}

func TestTheLevelsOfAPrefixCountEveryCaller(t *testing.T) {
	s := play(t, many("prefix", func(l *policy.FraudLevel) { l.Calls = 3 }))
	for _, caller := range []string{"12", "13", "14"} {
		s.talk(caller, "+4930123456", time.Minute)
	}
	s.refused("15", "+4930123456", "fraud.prefix.day.calls")
	s.refused("15", "+4989123456", "")
}

func TestCallsInARowToOnePrefixByWhomever(t *testing.T) {
	s := play(t, many("prefix", func(l *policy.FraudLevel) { l.Sequential = 3 }))
	for _, caller := range []string{"12", "13", "14"} {
		s.talk(caller, "+4930123456", time.Minute)
	}
	s.refused("15", "+4930123456", "fraud.prefix.day.sequential")
	s.talk("15", "+34911234567", time.Minute)
	s.refused("15", "+4930123456", "")
}

func TestNightsWeekendsAndHolidaysHaveLevelsOfTheirOwn(t *testing.T) {
	zone := monday(t).Location()
	for _, c := range []struct {
		at   time.Time
		want string
	}{
		{time.Date(2026, 9, 7, 12, 0, 0, 0, zone), "fraud.caller.day.calls"},
		{time.Date(2026, 9, 7, 20, 0, 0, 0, zone), "fraud.caller.night.calls"},
		{time.Date(2026, 9, 8, 6, 59, 0, 0, zone), "fraud.caller.night.calls"},
		{time.Date(2026, 9, 8, 7, 0, 0, 0, zone), "fraud.caller.day.calls"},
		{time.Date(2026, 9, 12, 12, 0, 0, 0, zone), "fraud.caller.weekend.calls"},
		{time.Date(2026, 9, 13, 23, 0, 0, 0, zone), "fraud.caller.weekend.calls"},
		{time.Date(2026, 11, 11, 12, 0, 0, 0, zone), "fraud.caller.weekend.calls"}, // armistice
	} {
		s := play(t, func(f *policy.Fraud) {
			f.Actions.Caller = policy.FraudRefuse
			f.Caller = policy.FraudLevels{Day: policy.FraudLevel{Calls: 1}, Night: policy.FraudLevel{Calls: 1}, Weekend: policy.FraudLevel{Calls: 1}}
		})
		s.now = c.at
		s.talk("12", "+4930123456", time.Second)
		s.refused("12", "+4930123456", c.want)
	}
}

func TestANightIsOneOverMidnight(t *testing.T) {
	s := play(t, func(f *policy.Fraud) {
		f.Caller.Night, f.Actions.Caller = policy.FraudLevel{Calls: 1}, policy.FraudRefuse
	})
	s.pass(13 * time.Hour) // 23:00
	s.talk("12", "+4930123456", time.Minute)
	s.pass(3 * time.Hour)
	s.refused("12", "+4930123456", "fraud.caller.night.calls")
	s.pass(24 * time.Hour)
	s.refused("12", "+4930123456", "")
}

func TestABlockEndsWhatItFallsUnder(t *testing.T) {
	s := play(t, many("caller", func(l *policy.FraudLevel) { l.Simultaneous = 2 }), func(f *policy.Fraud) { f.Actions.Caller = policy.FraudBlockCaller })
	s.answered("12", "+4930123456")
	s.answered("12", "+4930123457")
	free := s.answered("12", "0123456789")
	s.refused("12", "+4930123458", "fraud.caller.day.simultaneous")
	cuts := s.await(time.Minute)
	if len(cuts) != 2 || cuts[0].ID == free || cuts[1].ID == free {
		t.Errorf("cut %v, want the two that cost", cuts)
	}
	if more := s.watch.Due(s.now); len(more) > 0 {
		t.Errorf("told twice at once: %v", more)
	}
	s.pass(cutAgain)
	if again := s.watch.Due(s.now); len(again) != 2 {
		t.Errorf("calls that do not end are not named again: %v", again)
	}
}

func TestATrunkThatIsCutOffTakesNoCall(t *testing.T) {
	s := play(t, many("caller", func(l *policy.FraudLevel) { l.Calls = 1 }), func(f *policy.Fraud) { f.Actions.Caller = policy.FraudCutTrunk })
	s.talk("12", "+4930123456", time.Minute)
	if s.try("12", "+4930123456") > 0 {
		t.Error("one call too many")
	}
	s.refused("13", "0123456789", "fraud.blocked.trunk")
	other := s.call("13", "0123456789")
	other.Trunk = "another"
	if no := s.watch.Refuse(other); no != nil {
		t.Errorf("the other trunk: %+v", no)
	}
}

func TestAStormOfCallsThatTheCarrierDoesNotAcceptBlocksItsCaller(t *testing.T) {
	s := play(t)
	began := s.now
	for range 20 {
		id := s.try("12", "0123456789")
		s.watch.Decline(id, 403, s.now)
		s.watch.End(id, s.now)
		s.pass(200 * time.Millisecond)
		if alarms := s.watch.Alarms(); len(alarms) > 0 {
			if alarms[0].Rule != "fraud.unresolved" || s.now.Sub(began) > 5*time.Second {
				t.Errorf("%+v after %v", alarms[0], s.now.Sub(began))
			}
			s.refused("12", "+4930123456", "fraud.blocked.caller")
			return
		}
	}
	t.Error("nothing was found out")
}

func TestAFewCallsThatTheCarrierDoesNotAcceptAreNoStorm(t *testing.T) {
	s := play(t)
	for i := range 60 {
		id := s.try("12", "0123456789")
		if i%4 == 0 {
			s.watch.Decline(id, 403, s.now)
		}
		s.watch.End(id, s.now)
		s.pass(time.Second)
	}
	if alarms := s.watch.Alarms(); len(alarms) > 0 {
		t.Errorf("told %+v", alarms)
	}
}
