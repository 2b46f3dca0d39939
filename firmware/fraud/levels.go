package fraud

import (
	"time"

	"tollgate/firmware/policy"
)

// tally counts the watched calls of a caller, or to a prefix, within one period.
type tally struct {
	period  Period
	begun   int64
	calls   int
	running int
	row     int    // calls one after the other to the same prefix
	last    string // that prefix

	talked  time.Duration // of calls that are over
	talking int           // answered and not over
	since   time.Duration // the sum of when they were answered, since the epoch

	minute       time.Time // since when now counts
	now, earlier int       // calls within this minute and the one before
	declined     int       // of them, calls that the carrier did not accept
	before       int
	all          int // calls of whatever kind, as now, for declined
	allBefore    int
}

// roll begins anew with another period.
func (t *tally) roll(m moment, now time.Time) {
	if t.period == m.period && t.begun == m.begun {
		return
	}
	t.period, t.begun = m.period, m.begun
	t.forget(now)
}

// forget begins anew. What calls that run have talked so far counts no more.
func (t *tally) forget(now time.Time) {
	t.calls, t.row, t.last = 0, 0, ""
	t.talked -= t.minutes(now)
}

// tick begins another minute.
func (t *tally) tick(now time.Time) {
	switch gone := now.Sub(t.minute); {
	case gone < time.Minute && gone >= 0:
	case gone < 2*time.Minute && gone >= 0:
		t.minute = t.minute.Add(time.Minute)
		t.earlier, t.before, t.allBefore = t.now, t.declined, t.all
		t.now, t.declined, t.all = 0, 0, 0
	default:
		t.minute = now
		t.now, t.declined, t.all, t.earlier, t.before, t.allBefore = 0, 0, 0, 0, 0, 0
	}
}

// lastMinute is how many of what happened now and in the minute before were within the last 60 seconds, when those of the
// minute before were spread over it.
func (t *tally) lastMinute(now time.Time, these, before int) int {
	left := time.Minute - now.Sub(t.minute)
	return these + int(time.Duration(before)*left/time.Minute)
}

// minutes are what all calls of the period have talked.
func (t *tally) minutes(now time.Time) time.Duration {
	return t.talked + time.Duration(t.talking)*epoch(now) - t.since
}

// epoch is a time as a duration, to the millisecond: sums of many stay small enough.
func epoch(t time.Time) time.Duration {
	return time.Duration(t.UnixMilli()-epochBegins) * time.Millisecond
}

// epochBegins is 2020-01-01, in milliseconds of Unix time.
const epochBegins = 1_577_836_800_000

// excess is a level that one more call would go beyond.
type excess struct {
	what   string // a key of policy.FraudLevel
	value  int    // with that call
	limit  int
	period Period
}

// over says which level one more call to a prefix would go beyond; nil: none.
func (t *tally) over(l policy.FraudLevels, prefix string, m moment, now time.Time) *excess {
	t.roll(m, now)
	t.tick(now)
	level := levelOf(l, m.period)
	row := 1
	if t.last == prefix {
		row += t.row
	}
	for _, n := range []excess{
		{"calls", t.calls + 1, level.Calls, m.period},
		{"per_minute", t.lastMinute(now, t.now, t.earlier) + 1, level.PerMinute, m.period},
		{"simultaneous", t.running + 1, level.Simultaneous, m.period},
		{"sequential", row, level.Sequential, m.period},
		{"minutes", int(t.minutes(now)/time.Minute) + 1, level.Minutes, m.period},
	} {
		if n.limit > 0 && n.value > n.limit {
			return &n
		}
	}
	return nil
}

func levelOf(l policy.FraudLevels, p Period) policy.FraudLevel {
	switch p {
	case Night:
		return l.Night
	case Weekend:
		return l.Weekend
	}
	return l.Day
}

// begin counts a call.
func (t *tally) begin(prefix string, m moment, now time.Time) {
	t.roll(m, now)
	t.tick(now)
	t.calls++
	t.now++
	t.running++
	if t.last != prefix {
		t.last, t.row = prefix, 0
	}
	t.row++
}

func (t *tally) answer(now time.Time) {
	t.talking++
	t.since += epoch(now)
}

// end takes a call off that was answered at a time; zero: it was not.
func (t *tally) end(answered, now time.Time) {
	t.running--
	if answered.IsZero() {
		return
	}
	t.talking--
	t.since -= epoch(answered)
	t.talked += epoch(now) - epoch(answered)
}

// minutesLast says when the minutes of the period are used up; zero: never.
func (t *tally) minutesLast(l policy.FraudLevels, now time.Time) time.Time {
	limit := time.Duration(levelOf(l, t.period).Minutes) * time.Minute
	if limit == 0 || t.talking == 0 {
		return time.Time{}
	}
	return now.Add(max(0, (limit-t.minutes(now))/time.Duration(t.talking)))
}
