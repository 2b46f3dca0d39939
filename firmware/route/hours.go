package route

import (
	"slices"
	"time"

	"tollgate/firmware/calendar"
	"tollgate/firmware/policy"
)

// clock is the time where the box stands, and its holidays.
type clock struct {
	zone     *time.Location
	holidays calendar.Holidays
}

// within tells whether w holds at now. What counts is the clock on the wall: at a change of the clocks an hour that comes
// twice counts twice, and a time that does not come is passed over.
func (c clock) within(w policy.When, now time.Time) bool {
	if w.Always() {
		return true
	}
	local := now.In(c.zone)
	minute := local.Hour()*60 + local.Minute()
	from, to := w.Span()
	today := from <= minute && minute < to
	return today && c.onDay(w, local) ||
		minute+dayMinutes < to && c.onDay(w, yesterday(local)) // it began the day before
}

const dayMinutes = 24 * 60

// yesterday is noon of the day before: there is one, whatever the clocks do.
func yesterday(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d-1, 12, 0, 0, 0, time.UTC)
}

// onDay tells whether w holds on the day of t.
func (c clock) onDay(w policy.When, t time.Time) bool {
	if len(w.Days) > 0 && !slices.Contains(w.Days, policy.Week()[t.Weekday()]) {
		return false
	}
	switch w.Holidays {
	case policy.HolidaysExcept:
		return !c.holidays.On(t.Date())
	case policy.HolidaysOnly:
		return c.holidays.On(t.Date())
	}
	return true
}

// draw puts trunks into an order by their weights: each is next with the probability that its weight has among those
// left; those of weight 0 come last, in their own order (as RFC 2782 does with servers). random(n) is one of 0 to n-1.
func draw(trunks []string, weights []int, random func(n int) int) []string {
	if len(weights) != len(trunks) {
		return trunks
	}
	type share struct {
		trunk  string
		weight int
	}
	var left []share
	sum := 0
	for i, t := range trunks {
		left = append(left, share{t, weights[i]})
		sum += weights[i]
	}
	order := make([]string, 0, len(left))
	for sum > 0 {
		ticket := random(sum)
		i := slices.IndexFunc(left, func(s share) bool { ticket -= s.weight; return ticket < 0 })
		order = append(order, left[i].trunk)
		sum -= left[i].weight
		left = slices.Delete(left, i, i+1)
	}
	for _, s := range left {
		order = append(order, s.trunk)
	}
	return order
}
