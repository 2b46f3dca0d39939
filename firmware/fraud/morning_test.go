package fraud

import (
	"testing"
	"time"
)

func TestWhatIsNotUsualBeginsAnewInTheMorningUnlessItsMoneyWentInTheNight(t *testing.T) {
	for name, c := range map[string]struct {
		hour   int // on Friday at which all of it is spent
		knocks int // on Saturday
		rule   string
		after  string // on Tuesday
	}{
		"by day":                        {15, 2, "", ""},
		"by day, and he goes on trying": {15, 20, "fraud.budgets.unusual", ""},
		"at night":                      {22, 1, "fraud.budgets.unusual", ""},
	} {
		s := refusing(t)
		f := s.watch.config
		f.Policy.Budgets.Unusual, f.Policy.Budgets.Night, f.Policy.Budgets.Caller = 18, 30, 0
		s.watch.Set(f)
		friday := monday(t).AddDate(0, 0, 4)
		s.now = friday.Add(time.Duration(c.hour-10) * time.Hour)
		s.talk("12", "+252612345678", 6*time.Minute)
		s.refused("13", "+253612345678", "fraud.budgets.unusual")
		s.now = friday.AddDate(0, 0, 1)
		for range c.knocks {
			s.refused("13", "+253612345678", "fraud.budgets.unusual")
		}
		s.now = friday.AddDate(0, 0, 3)
		s.refused("14", "0899123456", c.rule)
		s.now = friday.AddDate(0, 0, 4)
		s.refused("14", "0899123456", c.after)
		if t.Failed() {
			t.Fatal(name)
		}
	}
}
