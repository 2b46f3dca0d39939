package fraud

import (
	"fmt"
	"math"
	"time"

	"tollgate/firmware/policy"
)

// measure is what is usual, or not, of an hour.
type measure uint8

const (
	volume     measure = iota // calls out
	abroad                    // watched calls
	minutes                   // of watched calls that are over
	lands                     // different countries and ranges
	strange                   // of them, ones that were never called before
	unresolved                // calls that the carrier answered 401, 403 or 407, in percent
	busy                      // 486, in percent
	missing                   // 404, in percent
	measures
)

// hoursOfWeek is how many hours of the week there are to learn.
const hoursOfWeek = 7 * 24

// measureOf says of a measure how it is called in the policy's rules, what it has to be above at least, by day and at other
// times, and how it is said.
type measureOf struct {
	name       string
	day, other float64
	format     string // value, weekday, hour, what is usual
}

func (m measure) of() measureOf {
	return [measures]measureOf{
		volume:     {"volume", 150, 60, "%.0f calls out on a %s between %s, where %.0f are usual"},
		abroad:     {"abroad", 20, 8, "%.0f calls to other countries or surcharged numbers on a %s between %s, where %.0f are usual"},
		minutes:    {"minutes", 120, 40, "%.0f minutes of calls to other countries or surcharged numbers on a %s between %s, where %.0f are usual"},
		lands:      {"destinations", 8, 4, "%.0f different countries called on a %s between %s, where %.0f are usual"},
		strange:    {"new_countries", 3, 2, "%.0f countries called on a %s between %s that were never called before, where %.0f are usual"},
		unresolved: {"unresolved", 30, 30, "%.0f %% of the calls on a %s between %s not accepted by the carrier (401, 403 or 407), where %.0f %% are usual"},
		busy:       {"busy", 40, 40, "%.0f %% of the calls on a %s between %s met a busy line (486), where %.0f %% are usual"},
		missing:    {"unknown_numbers", 30, 30, "%.0f %% of the calls on a %s between %s went to numbers that do not exist (404), where %.0f %% are usual"},
	}[m]
}

// share tells a measure that is a part of all calls in percent; it says something only when there are enough.
func (m measure) share() bool { return m >= unresolved }

const enoughForShare = 20

// usual is what one hour of the week is like: a mean that forgets, and how far hours are from it.
type usual struct {
	Weeks int               `json:"w"`
	Mean  [measures]float32 `json:"m"`
	Dev   [measures]float32 `json:"d"`
}

// forgets is the weight of the last week, once there are several.
const forgets = 0.2

func (u *usual) learn(values [measures]float64) {
	u.Weeks++
	weight := max(forgets, 1/float64(u.Weeks))
	for i, v := range values {
		off := math.Abs(v - float64(u.Mean[i]))
		if u.Weeks == 1 {
			off = 0
		}
		u.Mean[i] += float32(weight * (v - float64(u.Mean[i])))
		u.Dev[i] += float32(weight * (off - float64(u.Dev[i])))
	}
}

// baseline learns the hours of the week and holds the present one against them. Its size is fixed.
type baseline struct {
	hours  [hoursOfWeek]usual
	slot   int
	day    int64
	open   bool
	count  [measures]float64 // the present hour; shares as numbers of calls
	called map[string]bool   // countries of the present hour
	known  map[string]bool   // all that were ever called
	quiet  [measures]int64   // until this day a measure is not told again
}

// again is how many days it takes until the same measure is told again: by then the office does it usually, or somebody has
// looked.
const again = 7

// mostCalled bounds how many countries are told apart.
const mostCalled = 600

// unlike is an hour that is not as usual.
type unlike struct {
	measure measure
	value   float64
	usual   float64
	slot    int
}

func (u unlike) sentence() string {
	of := u.measure.of()
	weekday, hour := time.Weekday(u.slot/24), u.slot%24
	return fmt.Sprintf(of.format, u.value, weekday, fmt.Sprintf("%02d:00 and %02d:00", hour, (hour+1)%24), u.usual)
}

// turn learns the hour that is over, and those since in which nothing happened.
func (b *baseline) turn(m moment) {
	if b.called == nil {
		b.called, b.known = map[string]bool{}, orEmpty(b.known)
	}
	if b.open && b.slot == m.slot && b.day == m.day {
		return
	}
	if b.open {
		b.hours[b.slot].learn(b.values())
		b.silent(m)
	}
	b.open, b.slot, b.day = true, m.slot, m.day
	b.count = [measures]float64{}
	clear(b.called)
}

func orEmpty(m map[string]bool) map[string]bool {
	if m == nil {
		return map[string]bool{}
	}
	return m
}

// silent learns the hours between the last one and now, a week of them at most.
func (b *baseline) silent(m moment) {
	hours := int(m.day-b.day)*24 + m.slot%24 - b.slot%24
	for i := 1; i < min(hours, hoursOfWeek); i++ {
		b.hours[(b.slot+i)%hoursOfWeek].learn([measures]float64{})
	}
}

func (b *baseline) values() [measures]float64 {
	v := b.count
	for i := unresolved; i < measures; i++ {
		if v[volume] > 0 {
			v[i] = 100 * v[i] / v[volume]
		}
	}
	return v
}

func (b *baseline) begin(m moment, c Call, d Destination, ready bool) []unlike {
	b.turn(m)
	b.count[volume]++
	if !d.Watched {
		return b.judge(m, ready, volume)
	}
	b.count[abroad]++
	if !b.called[d.Land] && len(b.called) < mostCalled {
		b.called[d.Land] = true
		b.count[lands]++
		if !b.known[d.Land] && len(b.known) < mostCalled {
			b.known[d.Land] = true
			b.count[strange]++
		}
	}
	return b.judge(m, ready, volume, abroad, lands, strange)
}

func (b *baseline) decline(m moment, status int, ready bool) []unlike {
	b.turn(m)
	var which measure
	switch status {
	case 401, 403, 407:
		which = unresolved
	case 486:
		which = busy
	case 404:
		which = missing
	default:
		return nil
	}
	b.count[which]++
	return b.judge(m, ready, which)
}

func (b *baseline) end(m moment, talked time.Duration, d Destination, ready bool) []unlike {
	b.turn(m)
	if !d.Watched {
		return nil
	}
	b.count[minutes] += talked.Minutes()
	return b.judge(m, ready, minutes)
}

// judge holds measures of the present hour against what is usual at it and at the hours beside it.
func (b *baseline) judge(m moment, ready bool, which ...measure) (found []unlike) {
	if !ready {
		return nil
	}
	for _, i := range which {
		of := i.of()
		value, bound := b.count[i], of.other
		if m.period == Day {
			bound = of.day
		}
		if value < bound && !i.share() || i.share() && b.count[volume] < enoughForShare || m.day < b.quiet[i] {
			continue
		}
		if i.share() {
			value = 100 * value / b.count[volume]
		}
		mean := 0.0
		for _, slot := range []int{m.slot + hoursOfWeek - 1, m.slot, m.slot + 1} {
			u := &b.hours[slot%hoursOfWeek]
			mean = max(mean, float64(u.Mean[i]))
			bound = max(bound, 3*float64(u.Mean[i]), float64(u.Mean[i])+5*float64(u.Dev[i]))
		}
		if value <= bound || i.share() && value < of.day {
			continue
		}
		b.quiet[i] = m.day + again
		found = append(found, unlike{i, value, mean, m.slot})
	}
	return found
}

// note tells of hours that are not as usual, and does what the policy says about the call that made it known.
func (w *Watch) note(found []unlike, c Call, d Destination) {
	if w.config.Policy.Mode == policy.FraudOff {
		return
	}
	for _, u := range found {
		f := finding{
			rule: "fraud.baseline." + u.measure.of().name, of: accountKey{scope: ofDay}, action: w.config.Policy.Actions.Baseline, quiet: w.base.day,
			reason: u.sentence(),
		}
		_ = w.found(f, c, d) // the call was admitted already; what it blocks ends it
	}
}

// unresolvedSentence says that the carrier accepts few of a caller's calls.
func unresolvedSentence(caller string, bad, all int) string {
	return fmt.Sprintf("caller %s: %d of %d calls within a minute were not accepted by the carrier (401, 403 or 407)", orUnknown(caller), bad, max(bad, all))
}
