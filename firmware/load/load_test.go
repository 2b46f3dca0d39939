package load

import (
	"strings"
	"testing"
	"time"
)

var start = time.Date(2026, 3, 10, 8, 0, 0, 0, time.UTC)

// calm are the signs of a box with nothing to do.
func calm() Signs {
	return Signs{Late: 300 * time.Microsecond, CPU: 0.1, Free: 600 << 20, Total: 1000 << 20, Calls: 3}
}

// watch has the guard judge one second after another, and returns how many it took until it was full, and how many then
// until there was room again; -1: it did not happen.
func watch(g *Guard, bad, good func(*Signs), seconds int) (full, room int, at State) {
	full, room = -1, -1
	now := start
	for i := range 2 * seconds {
		s := calm()
		if i < seconds {
			bad(&s)
		} else {
			good(&s)
		}
		s.At, now = now, now.Add(time.Second)
		switch state := g.Judge(s); {
		case state.Full && full < 0:
			full, at = i, state
		case !state.Full && full >= 0 && room < 0:
			room = i - seconds
		}
	}
	return full, room, at
}

func TestTheGuardShutsBeforeCallsSufferAndOpensWhenItIsOver(t *testing.T) {
	nothing := func(*Signs) {}
	for name, c := range map[string]struct {
		bad, good  func(*Signs)
		full, room int
		rule, says string
	}{
		"nothing happens":                {nothing, nothing, -1, -1, "", ""},
		"the relay is late":              {func(s *Signs) { s.Late = 25 * time.Millisecond }, nothing, 3, 10, "load.lateness", "25 ms"},
		"nobody hears that it is late":   {func(s *Signs) { s.Late, s.Calls = time.Second, 0 }, nothing, -1, -1, "", ""},
		"the hearers have left":          {func(s *Signs) { s.Late = time.Second }, func(s *Signs) { s.Late, s.Calls = time.Second, 0 }, 3, 10, "load.lateness", "1000 ms"},
		"the processors are busy":        {func(s *Signs) { s.CPU = 0.97 }, nothing, 5, 10, "load.cpu", "97 %"},
		"memory runs out":                {func(s *Signs) { s.Free = 40 << 20 }, nothing, 2, 10, "load.memory", "40 MB of 1000 MB"},
		"the board is full":              {func(s *Signs) { s.Calls, s.CPU = 100, 0.84 }, func(s *Signs) { s.Calls, s.CPU = 99, 0.84 }, 2, 10, "load.capacity", "that of 100"},
		"the measurement was spoilt":     {func(s *Signs) { s.Calls, s.CPU = 500, 0.5 }, nothing, -1, -1, "", ""},
		"busy, but not too much":         {func(s *Signs) { s.CPU = 0.9; s.Late = 15 * time.Millisecond }, nothing, -1, -1, "", ""},
		"better, but not good":           {func(s *Signs) { s.Late = 25 * time.Millisecond }, func(s *Signs) { s.Late = 12 * time.Millisecond }, 3, -1, "load.lateness", ""},
		"one thing is good, another not": {func(s *Signs) { s.Late = time.Second }, func(s *Signs) { s.CPU = 0.88 }, 3, -1, "load.lateness", ""},
		"memory is not known":            {func(s *Signs) { s.Free, s.Total = 0, 0 }, nothing, -1, -1, "", ""},
	} {
		full, room, at := watch(&Guard{Capacity: 100}, c.bad, c.good, 30)
		if full != c.full || room != c.room || at.Rule != c.rule || !strings.Contains(at.Reason, c.says) {
			t.Errorf("%s: full after %d s, room after %d s, %q: %s; want %d, %d, %q", name, full, room, at.Rule, at.Reason, c.full, c.room, c.rule)
		}
		if at.Full && at.RetryAfter <= 0 {
			t.Errorf("%s: nobody is told when to come again", name)
		}
	}
}

func TestSecondsThatAreBadByTurnsDoNotShutTheGuard(t *testing.T) {
	var g Guard
	for i := range 60 {
		s := calm()
		s.At = start.Add(time.Duration(i) * time.Second)
		if i%2 == 0 {
			s.Late, s.CPU = time.Second, 1
		}
		if state := g.Judge(s); state.Full {
			t.Fatalf("after %d s: %s", i, state.Reason)
		}
	}
}

func TestABoardThatWasNotMeasuredHasNoLimitOfCalls(t *testing.T) {
	var g Guard
	s := calm()
	s.At, s.Calls = start, 100000
	if state := g.Judge(s); state.Full {
		t.Error(state.Reason)
	}
}

func TestTheCapacityFollowsFromWhatAPacketCosts(t *testing.T) {
	for _, c := range []struct {
		packet     time.Duration
		processors int
		want       int
	}{
		{10 * time.Microsecond, 1, 250}, {10 * time.Microsecond, 4, 1000}, {40 * time.Microsecond, 4, 250}, {time.Second, 1, 1}, {0, 4, 0}, {time.Microsecond, 0, 0},
	} {
		if got := (Measure{Packet: c.packet, Processors: c.processors}).Calls(); got != c.want {
			t.Errorf("%v a packet on %d processors: %d calls, want %d", c.packet, c.processors, got, c.want)
		}
	}
}
