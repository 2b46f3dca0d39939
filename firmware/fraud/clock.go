package fraud

import (
	"time"

	"tollgate/firmware/calendar"
	"tollgate/firmware/policy"
)

// Period is a stretch of time that has levels of its own.
type Period string

// The periods. A day of the weekend, or a holiday, is one from midnight to midnight.
const (
	Day     Period = "day"
	Night   Period = "night"
	Weekend Period = "weekend"
)

// clock tells periods by the clock where the box stands.
type clock struct {
	zone     *time.Location
	from, to int // of the night, in minutes since midnight
	weekend  [7]bool
	holidays calendar.Holidays

	minute time.Time // what follows is true for this minute
	now    moment
}

// moment is a time as the ledger and the levels see it.
type moment struct {
	period Period
	begun  int64 // tells this period from every other of its kind: the number of the day on which it began
	day    int64 // the number of the day
	off    int64 // of nights and weekends: the number of the last working day; they are one until the next one begins
	before int64 // the off of the night in which this day has begun
	slot   int   // the hour of the week, 0 for Sunday midnight
}

func newClock(f policy.Fraud, zone *time.Location, holidays calendar.Holidays) clock {
	c := clock{zone: zone, holidays: holidays}
	c.from, c.to = f.Night()
	for i, d := range policy.Week() {
		for _, w := range f.Weekend {
			c.weekend[i] = c.weekend[i] || d == w
		}
	}
	return c
}

// at says what time it is. Reckoning is done once for each minute.
func (c *clock) at(t time.Time) moment {
	if minute := t.Truncate(time.Minute); !minute.Equal(c.minute) {
		c.minute, c.now = minute, c.reckon(t.In(c.zone))
	}
	return c.now
}

func (c *clock) reckon(t time.Time) moment {
	y, m, d := t.Date()
	number := dayNumber(t)
	minutes := t.Hour()*60 + t.Minute()
	out := moment{period: Day, begun: number, day: number, slot: int(t.Weekday())*24 + t.Hour()}
	out.off, out.before = c.lastWorkingDay(t, minutes), c.lastWorkingDay(t, 0)
	switch over := c.from > c.to; {
	case c.weekend[t.Weekday()] || c.holidays.On(y, m, d):
		out.period = Weekend
	case over && minutes < c.to:
		out.period, out.begun = Night, number-1
	case over && minutes >= c.from, !over && minutes >= c.from && minutes < c.to:
		out.period = Night
	}
	return out
}

// lastWorkingDay is the day that the night or weekend follows on; two weeks are looked back at most.
func (c *clock) lastWorkingDay(t time.Time, minutes int) int64 {
	y, m, d := t.Date()
	if c.from > c.to && minutes < c.to {
		d--
	}
	for back := range 14 {
		day := time.Date(y, m, d-back, 12, 0, 0, 0, time.UTC)
		if !c.weekend[day.Weekday()] && !c.holidays.On(day.Date()) {
			return dayNumber(day)
		}
	}
	return dayNumber(t)
}

// dayNumber counts the days of the calendar where the box stands.
func dayNumber(t time.Time) int64 {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / (24 * 60 * 60)
}
