package fraud

import (
	"slices"
	"time"

	"tollgate/firmware/policy"
)

// leastCall is what a call must have money for to be begun at all: it would be cut the moment it is answered otherwise.
const leastCall = 5 * time.Second

// cutAgain is how long a call that was told to end has for it.
const cutAgain = 5 * time.Second

// limit is what an account may spend; 0: it has no budget.
func (w *Watch) limit(a *account, now time.Time) Money {
	b := w.config.Policy.Budgets
	euros := [scopes]int{b.Caller, b.Prefix, b.Unfamiliar, b.Trunk, b.Day, b.Night}[a.key.scope]
	if a.key == (accountKey{ofPrefix, Surcharged}) && b.Unfamiliar > 0 {
		euros = b.Unfamiliar // premium numbers are never usual
	}
	if euros == 0 || a.key.scope == ofLand && w.familiar(a.key.name, now) {
		return 0
	}
	return Euros(euros) + a.granted
}

// action is what becomes of calls when the money of an account is gone.
func (w *Watch) action(s scope) policy.FraudAction {
	switch a := w.config.Policy.Actions; s {
	case ofCaller:
		return a.Caller
	case ofPrefix, ofLand:
		return a.Prefix
	default:
		return a.Total
	}
}

// overBudgets judges a call that costs something by the money that is left.
func (w *Watch) overBudgets(c Call, d Destination, m moment) *Refusal {
	for _, k := range asked(c, d, m) {
		if no := w.overBudget(w.account(k, m, c.At), c, d, m); no != nil {
			return no
		}
	}
	return nil
}

// asked are the accounts that a call is to be paid from: those of its trunk once that is known, all others before.
func asked(c Call, d Destination, m moment) []accountKey {
	if c.Trunk != "" {
		return []accountKey{{ofTrunk, c.Trunk}}
	}
	keys := []accountKey{{ofCaller, c.Caller}, {ofDay, ""}}
	if m.period != Day {
		keys = append(keys, accountKey{ofNight, ""})
	}
	if d.Watched {
		keys = append(keys, accountKey{ofPrefix, d.Prefix})
	}
	if d.Watched && d.Prefix != Surcharged {
		keys = append(keys, accountKey{ofLand, d.Land})
	}
	return keys
}

// overBudget judges a call by the money that is left on one account.
func (w *Watch) overBudget(a *account, c Call, d Destination, m moment) *Refusal {
	limit := w.limit(a, c.At)
	a.settle(c.At)
	if limit == 0 || a.spent+a.ringing+max(d.Rate.begins(), d.Rate.Cost(leastCall)) <= limit {
		return nil
	}
	return w.found(w.gone(a, limit, d, m), c, d)
}

// gone is the finding that the money of an account is.
func (w *Watch) gone(a *account, limit Money, d Destination, m moment) finding {
	f := finding{
		rule: a.key.scope.budgetKey(), of: a.key, action: w.action(a.key.scope), quiet: a.day, reason: a.key.gone(d.Name, limit, d.Rate.Minute),
	}
	if a.key.scope == ofLand {
		f.quiet = m.day
	}
	return f
}

// watchNext makes sure that Next is no later than the money and the minutes of a call's accounts last. After the call was
// judged, what is used up already is of no interest: it may go on all the same.
func (w *Watch) watchNext(r *run, now time.Time, judged bool) {
	if r.answered.IsZero() {
		return
	}
	look := func(until time.Time) {
		if !judged || until.After(now) {
			w.next = earlier(w.next, until)
		}
	}
	for _, a := range r.accounts {
		if a == nil {
			continue
		}
		if limit := w.limit(a, now); limit > 0 {
			look(a.lasts(limit, now))
		}
		if l := w.levelsOf(a.key.scope); l != nil && r.to.Watched {
			look(a.levels.minutesLast(*l, now))
		}
	}
}

// levelsOf are the levels that accounts of a scope have; nil: none.
func (w *Watch) levelsOf(s scope) *policy.FraudLevels {
	switch s {
	case ofCaller:
		return &w.config.Policy.Caller
	case ofPrefix:
		return &w.config.Policy.Prefix
	}
	return nil
}

// Next says when Due has to be asked at the latest; zero: not before another call is answered. It may be sooner than
// anything is due.
func (w *Watch) Next() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.next
}

// Due says which calls have to end now: the money of one of their accounts is gone, or a block has come into force that they
// fall under. A call that was named and has not ended is named again.
func (w *Watch) Due(now time.Time) (cuts []Cut) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.next = time.Time{}
	if w.config.Policy.Mode == policy.FraudOff {
		return nil
	}
	m := w.clock.at(now)
	for id, r := range w.runs {
		if r.answered.IsZero() && len(w.blocks) == 0 || !r.costs() || r.accounts[ofDay] == nil {
			continue
		}
		if no := w.ends(r, m, now); no == nil {
			w.watchNext(r, now, true)
		} else if w.next = earlier(w.next, now.Add(cutAgain)); now.Sub(r.cut) >= cutAgain {
			r.cut = now
			cuts = append(cuts, Cut{id, no.Rule, no.Reason})
		}
	}
	slices.SortFunc(cuts, func(a, b Cut) int { return int(min(max(int64(a.ID)-int64(b.ID), -1), 1)) })
	return cuts
}

// ends says why a running call has to end, nil when it may go on.
func (w *Watch) ends(r *run, m moment, now time.Time) *Refusal {
	c := r.call
	c.At = now
	if !r.answered.IsZero() {
		for _, a := range r.accounts {
			if a == nil {
				continue
			}
			if no := w.exhausted(a, c, r.to, m); no != nil {
				return no
			}
		}
	}
	if w.config.Policy.Mode != policy.FraudAct {
		return nil
	}
	if b := w.blocked(c.Caller, c.Trunk, r.to); b != nil {
		return &Refusal{"fraud.blocked." + string(b.Kind), blockedSentence(*b)}
	}
	return nil
}

// exhausted judges a running call by one of its accounts.
func (w *Watch) exhausted(a *account, c Call, d Destination, m moment) *Refusal {
	a.settle(c.At)
	d.Rate = Rate{} // what another one would cost is not the question
	if limit := w.limit(a, c.At); limit > 0 && a.spent >= limit {
		return w.found(w.gone(a, limit, d, m), c, d)
	}
	l := w.levelsOf(a.key.scope)
	if l == nil || !d.Watched {
		return nil
	}
	a.levels.roll(m, c.At)
	until := a.levels.minutesLast(*l, c.At)
	if until.IsZero() || until.After(c.At) {
		return nil
	}
	level := levelOf(*l, m.period).Minutes
	f := finding{
		rule: "fraud." + [scopes]string{ofCaller: "caller", ofPrefix: "prefix"}[a.key.scope] + "." + string(m.period) + ".minutes",
		of:   a.key, action: w.action(a.key.scope), quiet: m.begun,
		reason: excess{"minutes", level, level, m.period}.sentence(a.key.subject(d.Name)),
	}
	if no := w.found(f, c, d); no != nil && f.action != policy.FraudRefuse {
		return no // to refuse is for calls to come; only money that is gone ends others
	}
	return nil
}
