// Package rotation says how the password of a peer is replaced by the next one, without a call lost on the way, and when that
// is due.
//
//	           Begin            Worked            Activated             grace over
//	current ----------> pending --------> probed ----------> active ---------------> current, with the next one
//	                       |                                    |
//	                       | Cancel, or nobody took it in time  | Refused: the one before returns, and an alarm
//	                       +----------> current <---------------+
//
// While one is pending the one in force stays in force. A PBX may use either: both are accepted from Begin until the grace
// is over, and where the old one was used last is told. A carrier rarely accepts two: the next one is probed with a
// registration of its own, again and again, until it works, and only then takes the place of the other.
//
// It is pure: the moment is passed in, and what is to be done is returned. It leaves to others the passwords themselves, the
// probing and changing of policies (main), and which digest is right (access).
package rotation

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Phase is where a password stands.
type Phase string

// The phases.
const (
	Current Phase = "current" // nothing is under way
	Pending Phase = "pending" // the next one is there and has not been seen to work
	Probed  Phase = "probed"  // it works; the policy does not have it yet
	Active  Phase = "active"  // the policy has it, and the one before is kept
)

// The times of a rotation.
const (
	// pendingTime is how long the next password waits to be taken.
	pendingTime = 14 * 24 * time.Hour
	// ProbeEvery is how often a carrier is asked whether it takes the next one.
	ProbeEvery = 5 * time.Minute
	// laggardsKept is how many places are remembered from where the old one was used.
	laggardsKept = 20
)

// Rules are what the policy says.
type Rules struct {
	Every time.Duration // how old a password may get; 0: as old as it likes
	Grace time.Duration // how long the one before is kept
}

// Laggard is where the old password was still used.
type Laggard struct {
	Source string    `json:"source"`
	At     time.Time `json:"at"` // the last time
}

// State is how one peer's password stands. The zero value is one that nothing is known of.
type State struct {
	Phase    Phase     `json:"phase"`
	Since    time.Time `json:"since"`    // the one in force counts since then
	Begun    time.Time `json:"begun"`    // of the rotation
	Until    time.Time `json:"until"`    // the pending one is given up, or the one before is forgotten
	NextTry  time.Time `json:"next_try"` // of a probe
	Trouble  string    `json:"trouble"`  // why the latest rotation has not worked; "" when it has, or may yet
	Reminded int       `json:"reminded"` // the last reminder, by its days; 0: none since Since
	Laggards []Laggard `json:"laggards"`
}

// Act is what is to be done.
type Act string

// The acts.
const (
	Probe    Act = "probe"    // try the next password
	Activate Act = "activate" // put it into the policy
	Restore  Act = "restore"  // put the one before back into the policy, and raise an alarm
	Drop     Act = "drop"     // forget the next one, and raise an alarm
	Finish   Act = "finish"   // forget the one before
	Remind   Act = "remind"   // tell that a rotation is due
)

// Errors of what people ask for.
var (
	ErrUnderWay = errors.New("a rotation is under way already")
	ErrNone     = errors.New("no rotation is under way that could be called off")
)

// Seen notes that the policy has a password that was put there by hand at the moment now: whatever was under way is over.
func (s *State) Seen(now time.Time) { *s = State{Phase: Current, Since: now} }

// Begin starts a rotation; the next password is kept by then.
func (s *State) Begin(now time.Time) error {
	if s.Phase != Current {
		return ErrUnderWay
	}
	s.Phase, s.Begun, s.Until, s.NextTry, s.Trouble, s.Laggards = Pending, now, now.Add(pendingTime), now, "", nil
	return nil
}

// Cancel calls a rotation off that has not changed the policy yet.
func (s *State) Cancel() error {
	if s.Phase != Pending && s.Phase != Probed {
		return ErrNone
	}
	s.back("")
	return nil
}

// Worked notes that the next password was seen to work.
func (s *State) Worked() {
	if s.Phase == Pending {
		s.Phase, s.Trouble = Probed, ""
	}
}

// Failed notes that a probe has failed, and why. It is made again later.
func (s *State) Failed(now time.Time, why string) {
	if s.Phase == Pending {
		s.Trouble, s.NextTry = why, now.Add(ProbeEvery)
	}
}

// Activated notes that the policy has the next password now.
func (s *State) Activated(now time.Time, r Rules) {
	if s.Phase == Probed {
		s.Phase, s.Since, s.Until, s.Trouble, s.Reminded = Active, now, now.Add(r.Grace), "", 0
	}
}

// Refused notes that the peer does not take the new password after all; true: the one before has to return.
func (s *State) Refused() bool { return s.Phase == Active }

// Restored notes that the one before is in the policy again, and why. It has not become younger.
func (s *State) Restored(since time.Time, why string) {
	s.back(why)
	s.Since = since
}

// Used notes with which password a peer has proved itself that may use either. old says that it was the one that goes.
func (s *State) Used(now time.Time, source string, old bool) {
	if s.Phase == Current {
		return
	}
	i := slices.IndexFunc(s.Laggards, func(l Laggard) bool { return l.Source == source })
	if i >= 0 {
		s.Laggards = slices.Delete(slices.Clone(s.Laggards), i, i+1)
	}
	if !old {
		s.Worked()
		return
	}
	s.Laggards = slices.Insert(slices.Clone(s.Laggards), 0, Laggard{source, now})
	s.Laggards = s.Laggards[:min(len(s.Laggards), laggardsKept)]
}

func (s *State) back(why string) {
	*s = State{Phase: Current, Since: s.Since, Trouble: why, Reminded: s.Reminded}
}

// reminders are how many days before its end a password is spoken of.
func reminders() []int { return []int{14, 7, 1} }

// Due is when the password in force should be replaced; zero: never.
func (s State) Due(r Rules) time.Time {
	if r.Every == 0 || s.Since.IsZero() {
		return time.Time{}
	}
	return s.Since.Add(r.Every)
}

// Next says what is to be done at the moment now; "" for nothing. Probing is for those who can be asked. After an act its
// outcome is noted, and Next is asked again. A reminder is given once for each of its days.
func (s *State) Next(now time.Time, r Rules, asked bool) (Act, string) {
	switch s.Phase {
	case Pending:
		if !now.Before(s.Until) {
			why := cmp.Or(s.Trouble, "nobody has used it")
			s.back("the new password was given up: " + why)
			return Drop, s.Trouble
		}
		if asked && !now.Before(s.NextTry) {
			return Probe, ""
		}
	case Probed:
		return Activate, ""
	case Active:
		if !now.Before(s.Until) {
			laggards := len(s.Laggards)
			s.back("")
			if laggards > 0 {
				return Finish, fmt.Sprintf("the old password does not count any more, and was used until lately from %d places", laggards)
			}
			return Finish, ""
		}
	case Current:
		return s.remind(now, r)
	}
	return "", ""
}

// remind tells of the nearest day that has come, unless it was told.
func (s *State) remind(now time.Time, r Rules) (Act, string) {
	due := s.Due(r)
	if due.IsZero() {
		return "", ""
	}
	left := due.Sub(now)
	days := 0
	for _, d := range append(reminders(), -1) { // the last one: it is overdue
		if left <= time.Duration(max(d, 0))*24*time.Hour {
			days = d
		}
	}
	if days == 0 || days == s.Reminded {
		return "", ""
	}
	s.Reminded = days
	if days < 0 {
		return Remind, fmt.Sprintf("it is as old as the policy allows since %s", due.UTC().Format(time.DateOnly))
	}
	return Remind, fmt.Sprintf("it should be replaced by %s", due.UTC().Format(time.DateOnly))
}
