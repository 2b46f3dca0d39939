package fraud

import (
	"slices"
	"time"
)

// scope is what an account is of.
type scope uint8

// Kept with the ledger as numbers: new ones come last.
const (
	ofCaller scope = iota // what is not usual, and the levels of whatever is watched
	ofPrefix
	ofLand
	ofTrunk
	ofDay
	ofNight       // what is not usual
	ofUnusual     // of all callers, a day
	ofCallerUsual // what is usual
	ofNightUsual
	scopes
)

type accountKey struct {
	scope scope
	name  string
}

// account is the money and the calls of one caller, prefix, country, trunk, day or night. What is spent where the office
// usually calls and what is spent elsewhere are apart: the one may become more as the office does, the other not.
//
//	spent   what is charged already, running calls up to at
//	burn    what running calls cost in a minute from at on
//	later   running calls that cost more only after a while: a price of a call covers their beginning
//	ringing what calls that are not answered yet cost when they are
type account struct {
	key     accountKey
	day     int64 // spent counts for this day, or night
	night   int64 // the off of the latest night in which a call was asked for
	spent   Money
	granted Money // beyond the budget, by hand
	burn    Money
	at      time.Time
	later   []later
	ringing Money
	levels  tally
	usual   bool // it is of destinations that the office usually calls
	over    bool // its money was gone, and nobody has said that this was right
	knocks  int  // calls in a night that it had no money for
}

type later struct {
	id     uint64
	from   time.Time
	minute Money
}

// settle charges running calls up to now.
func (a *account) settle(now time.Time) {
	if d := now.Sub(a.at); d > 0 {
		a.spent += a.burn.over(d)
		a.at = now
	}
	a.later = slices.DeleteFunc(a.later, func(l later) bool {
		if l.from.After(now) {
			return false
		}
		a.spent += l.minute.over(now.Sub(l.from))
		a.burn += l.minute
		return true
	})
}

// old tells whether an account counts for nothing any more: another day has come, and no night that leads to it.
func (a *account) old(m moment) bool {
	return a.key.scope != ofLand && a.day < min(m.day-1, m.before)
}

// roll begins anew when another day, or night, has begun. Running calls go on.
func (a *account) roll(day int64, now time.Time) {
	if a.day != day {
		a.settle(now)
		a.day, a.spent, a.granted, a.over, a.knocks = day, 0, 0, false, 0
	}
}

// answer charges what an answered call costs from then on.
func (a *account) answer(id uint64, r Rate, now time.Time) {
	a.settle(now)
	a.spent += r.begins()
	if after := r.runsAfter(); after > 0 {
		a.later = append(a.later, later{id, now.Add(after), r.Minute})
	} else {
		a.burn += r.Minute
	}
}

// end stops charging a call.
func (a *account) end(id uint64, r Rate, now time.Time) {
	a.settle(now)
	before := len(a.later)
	a.later = slices.DeleteFunc(a.later, func(l later) bool { return l.id == id })
	if len(a.later) == before {
		a.burn -= r.Minute
	}
}

// lasts says until when the money lasts at the earliest; zero when nothing runs that costs more by and by. It may be sooner
// than the money is gone, when the price of a call begins to be one of minutes then.
func (a *account) lasts(limit Money, now time.Time) (until time.Time) {
	a.settle(now)
	if a.spent >= limit {
		return now
	}
	if a.burn > 0 {
		until = now.Add(time.Duration((limit-a.spent)*60_000/a.burn+1) * time.Millisecond)
	}
	for _, l := range a.later {
		until = earlier(until, l.from)
	}
	return until
}

// idle tells whether nothing of a call is on the account now.
func (a *account) idle() bool {
	return a.burn == 0 && len(a.later) == 0 && a.ringing == 0 && a.levels.running == 0
}

// earlier is the earlier of two times, of which zero is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
