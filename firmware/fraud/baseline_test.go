package fraud

import (
	"strings"
	"testing"
	"time"
)

// usually has an office call Germany n times each working hour for so many weeks.
func (s *scene) usually(weeks, n int) {
	for range weeks * hoursOfWeek {
		if s.watch.clock.at(s.now).period == Day && s.now.Hour() >= 9 && s.now.Hour() < 18 {
			for i := range n {
				s.talk(string(rune('a'+i%5)), []string{"+4930123456", "+4989123456"}[i%2], 30*time.Second)
			}
			s.pass(time.Hour - time.Duration(n)*30*time.Second)
			continue
		}
		s.pass(time.Hour)
	}
}

func TestAnHourUnlikeOthersIsToldInWords(t *testing.T) {
	s := play(t)
	s.usually(4, 3)
	s.watch.Alarms()
	for i := range 40 {
		s.talk(string(rune('a'+i)), "+4930123456", 10*time.Second)
	}
	var found []string
	for _, a := range s.watch.Alarms() {
		if a.Rule == "fraud.baseline.abroad" {
			found = append(found, a.Reason)
		}
	}
	if len(found) != 1 || !strings.HasSuffix(found[0], "calls to other countries or surcharged numbers on a Monday between 10:00 and 11:00, where 3 are usual") {
		t.Errorf("told %q", found)
	}
}

func TestWhatIsUsualIsNotTold(t *testing.T) {
	s := play(t)
	s.usually(8, 12)
	for _, a := range s.watch.Alarms() {
		t.Errorf("told %+v", a)
	}
}

func TestSeveralNewCountriesInAnHourAreTold(t *testing.T) {
	s := play(t)
	s.usually(3, 3)
	s.watch.Alarms()
	for _, n := range []string{"+252612345678", "+221331234567", "+212512345678", "+5511123456789"} {
		s.talk("12", n, 10*time.Second)
	}
	found := false
	for _, a := range s.watch.Alarms() {
		found = found || a.Rule == "fraud.baseline.new_countries"
	}
	if !found {
		t.Error("not told")
	}
}

func TestSharesOfCallsThatDoNotSucceedAreTold(t *testing.T) {
	for status, rule := range map[int]string{486: "fraud.baseline.busy", 404: "fraud.baseline.unknown_numbers", 403: "fraud.baseline.unresolved"} {
		s := play(t)
		s.usually(3, 3)
		s.watch.Alarms()
		for range 40 {
			id := s.try("12", "0123456789")
			s.watch.Decline(id, status, s.now)
			s.watch.End(id, s.now)
			s.pass(30 * time.Second)
		}
		found := 0
		for _, a := range s.watch.Alarms() {
			if a.Rule == rule {
				found++
			}
		}
		if found != 1 {
			t.Errorf("%d: told %d times", status, found)
		}
	}
}

func TestWhatWasLearnedSurvivesARestart(t *testing.T) {
	s := play(t)
	s.usually(2, 3)
	kept := s.watch.Habits()
	again := New(s.watch.config)
	again.Learn(kept)
	if again.base.hours != s.watch.base.hours || len(again.base.known) != 1 {
		t.Error("it is not what was learned")
	}
	again.Learn(Habits{}) // an empty record changes nothing that is learned but the countries
}
