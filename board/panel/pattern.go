package panel

import "time"

// Pattern is what the light says, from afar. It is also the word by which the program has process 1 show it.
type Pattern string

// The patterns. Those that blink evenly differ by their speed, those that flash by how often they do so before a pause.
const (
	Starting     Pattern = "starting"      // blinks fast
	Ready        Pattern = "ready"         // lit
	Call         Pattern = "call"          // lit, and winks every two seconds
	Alarm        Pattern = "alarm"         // blinks slowly
	Update       Pattern = "update"        // blinks twice a second
	Importing    Pattern = "importing"     // one flash a second
	TakeOut      Pattern = "take-out"      // two flashes and a pause
	ImportFailed Pattern = "import-failed" // three flashes and a pause
	Confirm      Pattern = "confirm"       // flickers
)

// Patterns lists those that the program may ask for; the others are process 1's own.
func Patterns() []Pattern {
	return []Pattern{Ready, Call, Alarm, Update, Importing, TakeOut, ImportFailed}
}

// parts are how long the light is lit and dark in turn, before it begins again; nil: it is lit.
func (p Pattern) parts() []time.Duration {
	const flash, gap, pause = 120 * time.Millisecond, 200 * time.Millisecond, 1200 * time.Millisecond
	even := func(d time.Duration) []time.Duration { return []time.Duration{d, d} }
	switch p {
	case Starting:
		return even(100 * time.Millisecond)
	case Call:
		return []time.Duration{1900 * time.Millisecond, 100 * time.Millisecond}
	case Alarm:
		return even(800 * time.Millisecond)
	case Update:
		return even(250 * time.Millisecond)
	case Importing:
		return []time.Duration{flash, time.Second - flash}
	case TakeOut:
		return []time.Duration{flash, gap, flash, pause}
	case ImportFailed:
		return []time.Duration{flash, gap, flash, gap, flash, pause}
	case Confirm:
		return even(50 * time.Millisecond)
	}
	return nil
}

// At tells whether the light is lit so long after the pattern began, and for how long it stays so; 0: as long as the pattern.
func (p Pattern) At(since time.Duration) (lit bool, stays time.Duration) {
	parts := p.parts()
	if len(parts) == 0 {
		return true, 0
	}
	var round time.Duration
	for _, d := range parts {
		round += d
	}
	at := since % round
	for i, d := range parts {
		if at < d {
			return i%2 == 0, d - at
		}
		at -= d
	}
	return false, 0 // no time is behind its own round
}

// Scene is what goes on in a box that runs.
type Scene struct {
	Updating   bool // a system is coming in or being written
	Reading    bool // a stick is being read, or waits for a yes
	Refused    bool // a stick was refused, and is still plugged in
	Taken      bool // a stick was taken, and is still plugged in
	Troubled   bool // something is wrong that somebody should look after
	OnThePhone bool // there are calls
}

// Pattern is what the light says of it: first what somebody with a stick in the hand waits for, then what is wrong.
func (s Scene) Pattern() Pattern {
	switch {
	case s.Updating:
		return Update
	case s.Reading:
		return Importing
	case s.Refused:
		return ImportFailed
	case s.Taken:
		return TakeOut
	case s.Troubled:
		return Alarm
	case s.OnThePhone:
		return Call
	}
	return Ready
}
