package fraud

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Ledger is the money and the calls of today as plain data: what a restart must not forget. Calls that run are not in it:
// whoever takes them up begins and answers them again, with the time at which they were answered.
type Ledger struct {
	Since    time.Time        `json:"since"` // the first call that was seen
	Accounts []AccountRecord  `json:"accounts,omitempty"`
	Spending spending         `json:"spending"`
	Lands    map[string]*land `json:"lands,omitempty"`
	Blocks   []Block          `json:"blocks,omitempty"`
}

// AccountRecord is one account with something on it.
type AccountRecord struct {
	Scope   uint8         `json:"s"`
	Name    string        `json:"n,omitempty"`
	Day     int64         `json:"d,omitempty"`
	Night   int64         `json:"o,omitempty"`
	Spent   Money         `json:"e,omitempty"`
	Granted Money         `json:"g,omitempty"`
	Period  Period        `json:"p,omitempty"`
	Begun   int64         `json:"b,omitempty"`
	Calls   int           `json:"c,omitempty"`
	Talked  time.Duration `json:"t,omitempty"`
	Usual   bool          `json:"u,omitempty"`
	Over    bool          `json:"v,omitempty"`
}

// Habits is what was learned of the hours of the week, as plain data.
type Habits struct {
	Hours []usual  `json:"hours"`
	Known []string `json:"known"`
}

// Changes counts what would be lost by a restart: it is another number when money was spent or something was blocked.
func (w *Watch) Changes() (money, blocks uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.changes, w.revision
}

// Ledger returns what is to be kept. What has been charged for calls that run is not in it.
func (w *Watch) Ledger(now time.Time) Ledger {
	w.mu.Lock()
	defer w.mu.Unlock()
	l := Ledger{Since: w.since, Lands: map[string]*land{}, Blocks: w.list(), Spending: w.spending}
	for name, seen := range w.lands {
		copied := *seen
		l.Lands[name] = &copied
	}
	running, m := w.running(now), w.clock.at(now)
	for k, a := range w.accounts {
		if a.old(m) {
			continue
		}
		a.settle(now)
		t := a.levels
		r := AccountRecord{
			Scope: uint8(k.scope), Name: k.name, Day: a.day, Night: a.night, Spent: a.spent - running[a], Granted: a.granted,
			Period: t.period, Begun: t.begun, Calls: t.calls, Talked: t.talked, Usual: a.usual, Over: a.over,
		}
		if r.Spent > 0 || r.Granted > 0 || r.Calls > 0 {
			l.Accounts = append(l.Accounts, r)
		}
	}
	slices.SortFunc(l.Accounts, func(a, b AccountRecord) int {
		return cmp.Or(cmp.Compare(a.Scope, b.Scope), strings.Compare(a.Name, b.Name))
	})
	return l
}

// running is what was charged on each account for calls that run.
func (w *Watch) running(now time.Time) map[*account]Money {
	out := map[*account]Money{}
	for _, r := range w.runs {
		if r.answered.IsZero() || r.accounts[ofDay] == nil {
			continue
		}
		for _, a := range r.accounts {
			if a != nil {
				a.settle(now)
				out[a] += min(a.spent, r.to.Rate.Cost(now.Sub(r.answered)))
			}
		}
	}
	return out
}

// Restore takes up what an earlier process has kept. It comes before any call.
func (w *Watch) Restore(l Ledger, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.since = l.Since
	if w.since.After(now) { // the clock was wrong then, or is now
		w.since = now
	}
	for name, seen := range l.Lands {
		if seen != nil && len(w.lands) < mostLands {
			w.lands[name] = seen
		}
	}
	for i, m := range l.Spending {
		w.spending[i] = max(m, 0)
	}
	for _, b := range l.Blocks {
		w.block(b)
	}
	for _, r := range l.Accounts {
		if r.Scope >= uint8(scopes) || len(w.accounts) >= mostAccounts {
			continue
		}
		k := accountKey{scope(r.Scope), r.Name}
		w.accounts[k] = &account{
			key: k, day: r.Day, night: r.Night, spent: max(r.Spent, 0), granted: max(r.Granted, 0), at: now, usual: r.Usual, over: r.Over,
			levels: tally{period: r.Period, begun: r.Begun, calls: max(r.Calls, 0), talked: r.Talked},
		}
	}
}

// Resume puts a call that an earlier process had on its accounts again. It was answered at a time; zero: it rings.
func (w *Watch) Resume(c Call, answered time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := &run{call: c, to: w.config.Prices.Of(c.Number), answered: answered}
	w.runs[c.ID] = r
	m := w.clock.at(c.At)
	r.caller = w.account(accountKey{ofCaller, c.Caller}, m, c.At)
	if !r.costs() {
		return
	}
	w.enter(r, m, c.At)
	if r.to.Watched {
		r.caller.levels.running++
		r.accounts[ofPrefix].levels.running++
	}
	if answered.IsZero() {
		return
	}
	w.ring(r, false)
	for _, a := range r.accounts {
		if a != nil {
			a.resume(c.ID, r.to.Rate, answered, c.At)
		}
	}
	if r.to.Watched {
		r.caller.levels.answer(answered)
		r.accounts[ofPrefix].levels.answer(answered)
	}
	w.watchNext(r, c.At, false)
}

// resume charges a call that was answered a while ago.
func (a *account) resume(id uint64, r Rate, answered, now time.Time) {
	a.settle(now)
	a.spent += r.Cost(now.Sub(answered))
	if from := answered.Add(r.runsAfter()); from.After(now) {
		a.later = append(a.later, later{id, from, r.Minute})
	} else {
		a.burn += r.Minute
	}
}

// Habits returns what was learned.
func (w *Watch) Habits() Habits {
	w.mu.Lock()
	defer w.mu.Unlock()
	h := Habits{Hours: slices.Clone(w.base.hours[:])}
	for name := range w.base.known {
		h.Known = append(h.Known, name)
	}
	slices.Sort(h.Known)
	return h
}

// Learn takes up what an earlier process has learned.
func (w *Watch) Learn(h Habits) {
	w.mu.Lock()
	defer w.mu.Unlock()
	copy(w.base.hours[:], h.Hours)
	w.base.known = map[string]bool{}
	for _, name := range h.Known[:min(len(h.Known), mostCalled)] {
		w.base.known[name] = true
	}
}
