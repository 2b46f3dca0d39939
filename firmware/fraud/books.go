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
	switch k.scope {
	case ofLand:
	case ofNight:
		a.roll(m.off, now)
	case ofCaller, ofPrefix:
		if w.outlasts(a, m, now) {
			a.day = m.day
		}
		if m.period != Day {
			a.night = m.off
		}
		a.roll(m.day, now)
	default:
		a.roll(m.day, now)
	}
	return a
}

// outlasts tells whether what an account has spent counts for another day: the money of the night in which that day has begun
// is gone, and calls of the account were among those of the night. Who had all of it does not begin anew in the morning.
func (w *Watch) outlasts(a *account, m moment, now time.Time) bool {
	night := w.accounts[accountKey{ofNight, ""}]
	if a.day == m.day || night == nil || night.day != m.before || a.night != m.before {
		return false
	}
	limit := w.limit(night, now)
	return limit > 0 && night.spent >= limit
}

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
