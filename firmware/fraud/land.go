package fraud

import "time"

// learning is how long the box has to have seen calls before it says of a country that the office does not usually call it.
const learning = 14 * 24 * time.Hour

// When a country is one that the office usually calls: several people have called it on several days, or one has for weeks.
const (
	severalDays   = 4
	severalSpan   = 7
	manyDays      = 6
	manySpan      = 21
	severalPeople = 2
)

// land is what is known of calls to a country or range of surcharged numbers.
type land struct {
	Days    int       `json:"days"` // on which it was called
	First   int64     `json:"first"`
	Last    int64     `json:"last"`
	Callers [2]string `json:"callers"` // two different ones
	Known   bool      `json:"known,omitempty"`
}

// visit notes a call.
func (w *Watch) visit(name, caller string, m moment) {
	l := w.lands[name]
	if l == nil {
		if len(w.lands) >= mostLands {
			w.forgetLand()
		}
		l = &land{First: m.day}
		w.lands[name] = l
	}
	if l.Days == 0 || l.Last != m.day {
		l.Days++
		l.Last = m.day
	}
	switch {
	case l.Callers[0] == "" || l.Callers[0] == caller:
		l.Callers[0] = caller
	case l.Callers[1] == "":
		l.Callers[1] = caller
	}
}

// forgetLand makes room: the one that was not called for the longest time goes.
func (w *Watch) forgetLand() {
	oldest := ""
	for name, l := range w.lands {
		if oldest == "" || l.Last < w.lands[oldest].Last {
			oldest = name
		}
	}
	delete(w.lands, oldest)
	delete(w.accounts, accountKey{ofLand, oldest})
}

// young tells whether the box still learns.
func (w *Watch) young(now time.Time) bool { return w.since.IsZero() || now.Sub(w.since) < learning }

// familiar tells whether the office usually calls a country. While the box learns, all are.
func (w *Watch) familiar(name string, now time.Time) bool {
	l := w.lands[name]
	if w.young(now) || l == nil {
		return w.young(now)
	}
	span := int(l.Last - l.First)
	people := 1
	if l.Callers[1] != "" {
		people = severalPeople
	}
	return l.Known || l.Days >= severalDays && span >= severalSpan && people >= severalPeople || l.Days >= manyDays && span >= manySpan
}
