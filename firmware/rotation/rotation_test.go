package rotation

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

const day = 24 * time.Hour

var (
	noon  = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	rules = Rules{Every: 90 * day, Grace: 7 * day}
)

func seen() *State {
	s := &State{}
	s.Seen(noon)
	return s
}

// expect wants Next to say an act.
func expect(t *testing.T, s *State, at time.Time, asked bool, want Act, words string) {
	t.Helper()
	act, why := s.Next(at, rules, asked)
	if act != want || !strings.Contains(why, words) {
		t.Fatalf("%v: %q, %q (%+v), want %q", at.Sub(noon), act, why, *s, want)
	}
}

func TestACarrierKeepsTheOldPasswordUntilTheNewOneHasWorked(t *testing.T) {
	s := seen()
	if s.Cancel() == nil {
		t.Error("nothing was there to call off")
	}
	if err := s.Begin(noon); err != nil {
		t.Fatal(err)
	}
	if s.Begin(noon) == nil {
		t.Error("two rotations at once")
	}
	expect(t, s, noon, true, Probe, "")
	s.Failed(noon, "403 Forbidden")
	expect(t, s, noon.Add(ProbeEvery-time.Second), true, "", "")
	expect(t, s, noon.Add(ProbeEvery), true, Probe, "")
	s.Worked()
	expect(t, s, noon.Add(ProbeEvery), true, Activate, "")
	s.Activated(noon.Add(ProbeEvery), rules)
	expect(t, s, noon.Add(6*day), true, "", "")
	if s.Phase != Active || !s.Since.Equal(noon.Add(ProbeEvery)) {
		t.Errorf("%+v", s)
	}
	expect(t, s, noon.Add(8*day), true, Finish, "")
	if s.Phase != Current || s.Trouble != "" {
		t.Errorf("%+v", s)
	}
}

func TestAPasswordThatNeverWorksIsGivenUpWithItsReason(t *testing.T) {
	s := seen()
	s.Begin(noon)
	s.Failed(noon.Add(13*day), "the carrier refused the credentials")
	expect(t, s, noon.Add(14*day), true, Drop, "the carrier refused the credentials")
	if s.Phase != Current || !s.Since.Equal(noon) {
		t.Errorf("%+v", s)
	}
}

func TestTheOneBeforeReturnsWhenTheNewOneIsRefused(t *testing.T) {
	s := seen()
	if s.Refused() {
		t.Error("nothing is there to return to")
	}
	s.Begin(noon)
	if s.Refused() {
		t.Error("the old one is in force still")
	}
	s.Worked()
	s.Activated(noon.Add(time.Hour), rules)
	if !s.Refused() {
		t.Fatal("the one before should return")
	}
	s.Restored(noon, "the carrier refuses it")
	if s.Phase != Current || s.Trouble != "the carrier refuses it" || !s.Since.Equal(noon) {
		t.Errorf("%+v", s)
	}
}

func TestAPBXMayUseEitherAndTheLaggardsAreTold(t *testing.T) {
	s := seen()
	s.Used(noon, "192.0.2.20", true)
	if len(s.Laggards) > 0 {
		t.Error("a laggard without a rotation")
	}
	s.Begin(noon)
	expect(t, s, noon, false, "", "") // it is not asked; it speaks by itself
	s.Used(noon.Add(time.Minute), "192.0.2.20", true)
	s.Used(noon.Add(time.Minute), "192.0.2.21", true)
	expect(t, s, noon.Add(time.Minute), false, "", "")
	s.Used(noon.Add(time.Hour), "192.0.2.20", false)
	expect(t, s, noon.Add(time.Hour), false, Activate, "")
	s.Activated(noon.Add(time.Hour), rules)
	if len(s.Laggards) != 1 || s.Laggards[0].Source != "192.0.2.21" {
		t.Errorf("laggards %+v", s.Laggards)
	}
	expect(t, s, noon.Add(time.Hour+rules.Grace), false, Finish, "from 1 places")
}

func TestRemindersComeFourteenSevenAndOneDaysBeforeAndOnceWhenItIsLate(t *testing.T) {
	s := seen()
	var told []int
	for hour := range 24 * 100 {
		if act, _ := s.Next(noon.Add(time.Duration(hour)*time.Hour), rules, true); act == Remind {
			told = append(told, hour/24)
		}
	}
	want := []int{76, 83, 89, 90}
	if len(told) != 4 || told[0] != want[0] || told[1] != want[1] || told[2] != want[2] || told[3] != want[3] {
		t.Errorf("told on days %v, want %v", told, want)
	}
	late := seen() // the box was off for a year: one word, not four
	expect(t, late, noon.Add(365*day), true, Remind, "as old as the policy allows since 2026-05-31")
	expect(t, late, noon.Add(365*day), true, "", "")
	never := seen()
	if act, _ := never.Next(noon.Add(9999*day), Rules{}, true); act != "" || !never.Due(Rules{}).IsZero() {
		t.Error("reminded against the policy")
	}
}

// Whatever happens in whatever order, over restarts too: the policy only ever gets a password that was seen to work, nothing
// hangs for ever, and the password before returns only when there is one.
func TestNoOrderOfEventsPutsAnUnprovedPasswordIntoForce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, now, worked := seen(), noon, false
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 72).Draw(t, "hours")) * time.Hour)
			switch rapid.SampledFrom([]string{"begin", "cancel", "worked", "failed", "old", "new", "next", "restart"}).Draw(t, "event") {
			case "begin":
				if s.Begin(now) == nil {
					worked = false
				}
			case "cancel":
				s.Cancel()
			case "worked":
				worked = worked || s.Phase == Pending
				s.Worked()
			case "failed":
				s.Failed(now, "no")
			case "old":
				s.Used(now, "192.0.2.20", true)
			case "new":
				worked = worked || s.Phase == Pending
				s.Used(now, "192.0.2.20", false)
			case "restart":
				text, err := json.Marshal(s)
				if err != nil {
					t.Fatal(err)
				}
				s = &State{}
				if err := json.Unmarshal(text, s); err != nil {
					t.Fatal(err)
				}
			case "next":
				act, _ := s.Next(now, rules, true)
				if act == Activate && !worked {
					t.Fatalf("an unproved password is to be put into force: %+v", *s)
				}
				if act == Activate {
					s.Activated(now, rules)
				}
				if s.Refused() != (s.Phase == Active) {
					t.Fatal("a return without a way back")
				}
			}
		}
		for range 3 { // with time alone everything comes to rest
			now = now.Add(30 * day)
			if act, _ := s.Next(now, rules, false); act == Activate {
				s.Activated(now, rules)
			}
		}
		if s.Phase != Current {
			t.Fatalf("hangs: %+v", *s)
		}
	})
}
