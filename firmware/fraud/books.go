package fraud

import "time"

// account finds or makes an account, as it is at a moment.
func (w *Watch) account(k accountKey, m moment, now time.Time) *account {
	a := w.accounts[k]
	if a == nil {
		if len(w.accounts) >= mostAccounts && now.Sub(w.swept) > sweepEvery {
			w.sweep(m, now)
		}
		if len(w.accounts) >= mostAccounts {
			k.name = ""
		}
		if a = w.accounts[k]; a == nil {
			a = &account{key: k, at: now}
			w.accounts[k] = a
		}
	}
	day := m.day
	switch k.scope {
	case ofLand:
		return a
	case ofNight, ofNightUsual:
		day = m.off
	case ofCaller, ofCallerUsual, ofPrefix, ofUnusual:
		if k.scope == ofUnusual {
			day = m.off // from one working day to the next, so that nobody has it twice in a night or weekend
		}
		if a.day != day && w.outlasts(a, m, now) {
			a.day, a.knocks = day, 0
		}
		if m.period != Day {
			a.night = m.off
		}
	}
	if a.day != day {
		w.spending.learn(a, now)
	}
	a.roll(day, now)
	return a
}

// outlasts tells whether what an account has spent counts for another day: the money of the night in which that day has begun
// is gone, and calls of the account were among those of the night. Who had all of it does not begin anew in the morning. Nor does
// what is not usual, when its own money was gone and some of it went in the night, or somebody kept trying all night.
func (w *Watch) outlasts(a *account, m moment, now time.Time) bool {
	if a.night != m.before {
		return false
	}
	for _, s := range []scope{ofNight, ofNightUsual} {
		night := w.accounts[accountKey{s, ""}]
		if night == nil || night.day != m.before {
			continue
		}
		if limit := w.limit(night, now); limit > 0 && night.spent >= limit || s == ofNight && a.key.scope == ofUnusual && a.over && night.spent > 0 {
			return true
		}
	}
	return a.key.scope == ofUnusual && a.knocks >= mostKnocks
}

// mostKnocks is how many calls in a night that the money for what is not usual was gone for may be somebody of the office.
const mostKnocks = 5

// sweep forgets accounts of other days on which nothing runs.
func (w *Watch) sweep(m moment, now time.Time) {
	w.swept = now
	for k, a := range w.accounts {
		if a.old(m) && a.idle() {
			delete(w.accounts, k)
		}
	}
	for k, a := range w.accounts { // still too many: whoever has spent nothing
		if len(w.accounts) < mostAccounts/2 {
			return
		}
		if a.idle() && a.spent == 0 && k.scope != ofDay {
			delete(w.accounts, k)
		}
	}
}
