package policy

import (
	"slices"
	"time"

	"tollgate/firmware/calendar"
)

// Clock is the time where the box stands, and its holidays.
type Clock struct {
	zone     *time.Location
	holidays calendar.Holidays
}

// NewClock makes the clock of a site that has passed its Check, in its time zone.
func NewClock(s Site, zone *time.Location) Clock {
	c := Clock{zone: zone}
	c.holidays, _ = calendar.New(s.Country, s.Holidays) // a rule that cannot be read was a fault; without it the others count
	return c
}

// Within tells whether w holds at now. What counts is the clock on the wall: at a change of the clocks an hour that comes
// twice counts twice, and a time that does not come is passed over.
func (c Clock) Within(w When, now time.Time) bool {
	if w.Always() {
		return true
	}
	local := now.In(c.zone)
	minute := local.Hour()*60 + local.Minute()
	from, to := w.Span()
	today := from <= minute && minute < to
	return today && c.onDay(w, local) ||
		minute+wholeDay < to && c.onDay(w, yesterday(local)) // it began the day before
}

// yesterday is noon of the day before: there is one, whatever the clocks do.
func yesterday(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d-1, 12, 0, 0, 0, time.UTC)
}

// onDay tells whether w holds on the day of t.
func (c Clock) onDay(w When, t time.Time) bool {
	if len(w.Days) > 0 && !slices.Contains(w.Days, Week()[t.Weekday()]) {
		return false
	}
	switch w.Holidays {
	case HolidaysExcept:
		return !c.holidays.On(t.Date())
	case HolidaysOnly:
		return c.holidays.On(t.Date())
	}
	return true
}
