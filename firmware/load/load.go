// Package load judges whether the box can carry one more call without harm to those that run.
//
//	Signs      what is measured each second: lateness of the relay, processor, memory
//	Guard      signs -> whether ordinary calls are taken, with the reason; slow to change its mind
//	Capacity   what the board was measured to carry -> how many calls that is
//
// It leaves to others measuring (media, main), refusing (admission) and who is exempt: emergency calls always pass.
package load

import (
	"fmt"
	"time"
)

// Signs are what is measured at a moment.
type Signs struct {
	At      time.Time
	Late    time.Duration // how long a packet waits for the relay, the longest of the last second
	CPU     float64       // share of all processors that the process has used in the last second, 0 to 1
	Free    uint64        // bytes of memory that programs can still get
	Total   uint64        // bytes of memory in all; 0: not known
	Packets uint64        // of audio, taken by the relay in the last second
	Calls   int           // that the relay carries the audio of, by its packets
}

// limit is a sign that tells of too much, and one that tells of enough room again. Both must last: one bad second is a
// coincidence, one good second a breath.
type limit struct {
	rule    string
	lasting time.Duration
	over    func(Signs, int) bool
	clear   func(Signs, int) bool
	reason  func(Signs, int) string
}

// recovery is how long every sign must have been good before calls are taken again.
const recovery = 10 * time.Second

const (
	lateAt, lateClear = 20 * time.Millisecond, 8 * time.Millisecond // a listener's buffer takes 40 to 60 ms
	cpuAt, cpuClear   = 0.95, 0.85
	// cpuFull is how busy the processors are at least on a board that carries what it was measured to: a measurement that a
	// busy minute has spoilt refuses nobody.
	cpuFull           = 0.80
	freeAt, freeClear = 0.05, 0.08 // of the memory
)

// limits are looked at in this order. Lateness is what callers hear; the others come before it.
var limits = []limit{
	{
		"load.lateness", 3 * time.Second,
		func(s Signs, _ int) bool { return s.Calls > 0 && s.Late >= lateAt }, // else there is nobody to hear it
		func(s Signs, _ int) bool { return s.Calls == 0 || s.Late < lateClear },
		func(s Signs, _ int) string {
			return fmt.Sprintf("audio waits %d ms in the box, more than the %d ms that callers do not notice", s.Late.Milliseconds(), lateAt.Milliseconds())
		},
	},
	{
		"load.capacity", 2 * time.Second,
		func(s Signs, capacity int) bool { return capacity > 0 && s.Calls >= capacity && s.CPU >= cpuFull },
		func(s Signs, capacity int) bool { return capacity == 0 || s.Calls < capacity || s.CPU < cpuFull },
		func(s Signs, capacity int) string {
			return fmt.Sprintf("the audio of %d calls is carried, and this board was measured to carry that of %d", s.Calls, capacity)
		},
	},
	{
		"load.cpu", 5 * time.Second,
		func(s Signs, _ int) bool { return s.CPU >= cpuAt },
		func(s Signs, _ int) bool { return s.CPU < cpuClear },
		func(s Signs, _ int) string { return fmt.Sprintf("the processors are busy to %.0f %%", 100*s.CPU) },
	},
	{
		"load.memory", 2 * time.Second,
		func(s Signs, _ int) bool { return s.Total > 0 && float64(s.Free) < freeAt*float64(s.Total) },
		func(s Signs, _ int) bool { return float64(s.Free) >= freeClear*float64(s.Total) },
		func(s Signs, _ int) string {
			return fmt.Sprintf("%d MB of %d MB of memory are left", s.Free>>20, s.Total>>20)
		},
	},
}

// State is the guard's judgement.
type State struct {
	Full   bool
	Since  time.Time // of the judgement
	Rule   string    // "load.lateness", "load.capacity", "load.cpu" or "load.memory"; empty when there is room
	Reason string    // a sentence for the administrator; empty when there is room
	// RetryAfter is when to ask again; 0 when there is room.
	RetryAfter time.Duration
}

// Guard judges by the signs of the last seconds. It is not safe for concurrent use.
type Guard struct {
	Capacity int // calls that the board carries; 0: not measured

	state State
	since map[string]time.Time // limit -> it has been over since; none: it is not
	good  time.Time            // every sign has been good since; zero: one is not
}

// Judge takes the signs of a moment, later than the ones before, and returns the judgement.
func (g *Guard) Judge(s Signs) State {
	if g.since == nil {
		g.since, g.state.Since = map[string]time.Time{}, s.At
	}
	clear := true
	for _, l := range limits {
		clear = clear && l.clear(s, g.Capacity)
		if !l.over(s, g.Capacity) {
			delete(g.since, l.rule)
			continue
		}
		if _, known := g.since[l.rule]; !known {
			g.since[l.rule] = s.At
		}
	}
	if !clear {
		g.good = time.Time{}
	} else if g.good.IsZero() {
		g.good = s.At
	}
	g.decide(s)
	return g.state
}

// decide changes the judgement when it is time to.
func (g *Guard) decide(s Signs) {
	for _, l := range limits {
		if since, over := g.since[l.rule]; over && s.At.Sub(since) >= l.lasting {
			if !g.state.Full {
				g.state.Since = s.At
			}
			g.state = State{Full: true, Since: g.state.Since, Rule: l.rule, Reason: l.reason(s, g.Capacity), RetryAfter: recovery}
			return
		}
	}
	if g.state.Full && !g.good.IsZero() && s.At.Sub(g.good) >= recovery {
		g.state = State{Since: s.At}
	}
}
