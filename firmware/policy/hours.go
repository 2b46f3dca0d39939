package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tollgate/firmware/calendar"
)

// When says at what times a route or a rule counts, by the clock where the box stands. Empty: always. A stretch of time whose end is
// not after its beginning goes on into the next day, and belongs to the day on which it begins.
type When struct {
	Days     []Day       `yaml:"days"`     // default all
	From     TimeOfDay   `yaml:"from"`     // default 00:00
	To       TimeOfDay   `yaml:"to"`       // not included; default 24:00
	Holidays HolidayRule `yaml:"holidays"` // default any
}

// Always tells whether there is no condition.
func (w When) Always() bool {
	return len(w.Days) == 0 && w.From == "" && w.To == "" && w.Holidays == ""
}

// Span is From and To in minutes since midnight, To at most 2880: above 1440 it is on the next day.
func (w When) Span() (from, to int) {
	to = wholeDay
	if m, ok := w.From.minutes(); ok {
		from = m
	}
	if m, ok := w.To.minutes(); ok {
		to = m
	}
	if to <= from {
		to += wholeDay
	}
	return from, to
}

const wholeDay = 24 * 60

// Day is a day of the week.
type Day string

// Week lists the days as time.Weekday counts them.
func Week() []Day { return []Day{"sun", "mon", "tue", "wed", "thu", "fri", "sat"} }

// HolidayRule says what site.holidays mean for a route or a rule.
type HolidayRule string

// The rules: holidays are days like others, it does not count on them, or it counts on no other day.
const (
	HolidaysAny    HolidayRule = "any"
	HolidaysExcept HolidayRule = "except"
	HolidaysOnly   HolidayRule = "only"
)

// TimeOfDay is a time such as 08:30, up to 24:00.
type TimeOfDay string

// minutes since midnight; false when it is no time.
func (t TimeOfDay) minutes() (int, bool) {
	h, m, ok := strings.Cut(string(t), ":")
	hours, err := strconv.ParseUint(h, 10, 8)
	minutes, errMinutes := strconv.ParseUint(m, 10, 8)
	if !ok || err != nil || errMinutes != nil || len(m) != 2 || len(h) > 2 || minutes > 59 || hours*60+minutes > wholeDay {
		return 0, false
	}
	return int(hours*60 + minutes), true
}

func (c *checker) when(path string, w When) {
	for i, d := range w.Days {
		if one(c, index(path+".days", i), d, Week()...) && slices.Contains(w.Days[:i], d) {
			c.fault(index(path+".days", i), "keep one of the two", "%s is listed twice", d)
		}
	}
	from, okFrom := c.timeOfDay(path+".from", w.From)
	to, okTo := c.timeOfDay(path+".to", w.To)
	if okFrom && okTo && from == to {
		c.fault(path+".to", "leave both out for the whole day", "is the same as from")
	}
	if okFrom && from == wholeDay {
		c.fault(path+".from", "write 00:00", "24:00 is the end of a day, not a beginning")
	}
	if w.Holidays == "" || !one(c, path+".holidays", w.Holidays, HolidaysAny, HolidaysExcept, HolidaysOnly) {
		return
	}
	if w.Holidays != HolidaysAny && len(c.p.Site.Holidays) == 0 {
		c.fault(path+".holidays", "list the holidays as site.holidays", "has no effect, because the public holidays of %s are not known here", c.p.Site.Country)
	}
}

func (c *checker) timeOfDay(path string, t TimeOfDay) (int, bool) {
	if t == "" {
		return 0, false
	}
	m, ok := t.minutes()
	if !ok {
		c.fault(path, "write it like 08:30", "%s is not a time of day", quoted(string(t)))
	}
	return m, ok
}

// maxHolidays bounds a list that is looked through for each call.
const maxHolidays = 200

func (c *checker) holidays() {
	list := c.p.Site.Holidays
	if !c.atMost("site.holidays", len(list), maxHolidays) {
		return
	}
	for i, rule := range list {
		if _, err := calendar.New(c.p.Site.Country, []string{rule}); err != nil {
			c.fault(index("site.holidays", i), "", "%s", err)
		} else if slices.Contains(list[:i], rule) {
			c.fault(index("site.holidays", i), "keep one of the two", "%s is listed twice", rule)
		}
	}
}

// maxWeight keeps sums of weights small.
const maxWeight = 1000

// weights checks how the calls of a route are shared out.
func (c *checker) weights(path string, r Route) {
	if len(r.Weights) == 0 {
		return
	}
	if len(r.Weights) != len(r.Trunks) {
		c.fault(path, "write one for each of trunks, in the same order", "has %d entries for %d trunks", len(r.Weights), len(r.Trunks))
		return
	}
	sum := 0
	for i, w := range r.Weights {
		if w < 0 || w > maxWeight {
			c.fault(index(path, i), fmt.Sprintf("write 0 to %d", maxWeight), "%d is not a weight", w)
			return
		}
		sum += w
	}
	if sum == 0 {
		c.fault(path, "leave them out to try the trunks in order", "none of them is above 0")
	}
}
