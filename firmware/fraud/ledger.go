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
	euros := [scopes]int{
		ofCaller: b.Caller, ofCallerUsual: b.Caller, ofPrefix: b.Prefix, ofLand: b.Unfamiliar, ofUnusual: b.Unusual, ofTrunk: b.Trunk,
		ofDay: b.Day, ofNight: b.Night, ofNightUsual: b.Night,
	}[a.key.scope]
	if euros == 0 || a.key.scope == ofLand && w.familiar(a.key.name, now) {
		return 0
	}
	return w.spending.budget(a, euros) + a.granted
}

// action is what becomes of calls when the money of an account is gone.
func (w *Watch) action(s scope) policy.FraudAction {
	switch a := w.config.Policy.Actions; s {
	case ofCaller, ofCallerUsual:
		return a.Caller
	case ofPrefix, ofLand:
		return a.Prefix
	default:
		return a.Total
	}
}

// overBudgets judges a call that costs something by the money that is left.
func (w *Watch) overBudgets(c Call, d Destination, m moment) *Refusal {
	if c.Trunk != "" { // all else was asked before
		return w.overBudget(w.account(accountKey{ofTrunk, c.Trunk}, m, c.At), c, d, m)
	}
	for _, a := range w.payers(c, d, m) {
		if no := w.overBudget(a, c, d, m); no != nil {
			return no
		}
	}
	return nil
}

// payers are the accounts that a call is paid from, but for that of its trunk. A caller that stands for the whole office has
// none of its own.
func (w *Watch) payers(c Call, d Destination, m moment) (list []*account) {
	usual := !d.Watched || !d.Dear && w.familiar(d.Land, c.At)
	pay := func(s scope, name string) {
		a := w.account(accountKey{s, name}, m, c.At)
		a.usual = usual
		list = append(list, a)
	}
	caller, night := ofCaller, ofNight
	if usual {
		caller, night = ofCallerUsual, ofNightUsual
	}
	if !c.Shared {
		pay(caller, c.Caller)
	}
	pay(ofDay, "")
	if m.period != Day {
		pay(night, "")
	}
	if d.Watched {
		pay(ofPrefix, d.Prefix)
	}
	if d.Watched && d.Prefix != Surcharged && !w.familiar(d.Land, c.At) {
		pay(ofLand, d.Land)
	}
	if !usual {
		pay(ofUnusual, "")
	}
	return list
}

// overBudget judges a call by the money that is left on one account.
func (w *Watch) overBudget(a *account, c Call, d Destination, m moment) *Refusal {
	limit := w.limit(a, c.At)
	a.settle(c.At)
	if limit == 0 || a.spent+a.ringing+max(d.Rate.begins(), d.Rate.Cost(leastCall)) <= limit {
		return nil
	}
	if m.period != Day {
		a.knocks++
	}
	return w.found(w.gone(a, limit, d, m), c, d)
}

// gone is the finding that the money of an account is.
func (w *Watch) gone(a *account, limit Money, d Destination, m moment) finding {
	a.over = true
	f := finding{
		rule: a.key.scope.budgetKey(), of: a.key, action: w.action(a.key.scope), quiet: a.day, rare: !a.habitual(), reason: a.key.gone(d.Name, limit, d.Rate.Minute),
	}
	switch a.key.scope {
	case ofLand:
		f.quiet = m.day
	case ofUnusual:
		if f.action == policy.FraudRefuse && w.drains(d, limit) {
			f.action = w.action(ofPrefix)
		}
	}
	return f
}

// drains tells whether the greater part of a budget went to one prefix today: it would again with each day's money, until
// somebody has looked at it.
func (w *Watch) drains(d Destination, limit Money) bool {
	a := w.accounts[accountKey{ofPrefix, d.Prefix}]
	return d.Watched && a != nil && 2*a.spent >= limit
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
	}
	for _, l := range w.leveled(r) {
		look(l.account.levels.minutesLast(*l.levels, now))
	}
}

// leveled is an account that counts calls, and its levels.
type leveled struct {
	account *account
	levels  *policy.FraudLevels
	key     string // of the levels in the policy
}

// leveled are the accounts that count a call: that of its caller, unless it stands for the whole office, and of its prefix.
func (w *Watch) leveled(r *run) (list []leveled) {
	if !r.to.Watched {
		return nil
	}
	if !r.call.Shared {
		list = append(list, leveled{r.caller, &w.config.Policy.Caller, "fraud.caller"})
	}
	return append(list, leveled{r.accounts[ofPrefix], &w.config.Policy.Prefix, "fraud.prefix"})
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
		for _, l := range w.leveled(r) {
			if no := w.talkedOut(l, c, r.to, m); no != nil {
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

// exhausted judges a running call by the money of one of its accounts.
func (w *Watch) exhausted(a *account, c Call, d Destination, m moment) *Refusal {
	a.settle(c.At)
	d.Rate = Rate{} // what another one would cost is not the question
	if limit := w.limit(a, c.At); limit > 0 && a.spent >= limit {
		return w.found(w.gone(a, limit, d, m), c, d)
	}
	return nil
}

// talkedOut judges a running call by the minutes of one of its accounts.
func (w *Watch) talkedOut(l leveled, c Call, d Destination, m moment) *Refusal {
	a := l.account
	a.levels.roll(m, c.At)
	until := a.levels.minutesLast(*l.levels, c.At)
	if until.IsZero() || until.After(c.At) {
		return nil
	}
	level := levelOf(*l.levels, m.period).Minutes
	f := finding{
		rule: l.key + "." + string(m.period) + ".minutes", of: a.key, action: w.action(a.key.scope), quiet: m.begun,
		reason: excess{"minutes", level, level, m.period}.sentence(a.key.subject(d.Name)),
	}
	if no := w.found(f, c, d); no != nil && f.action != policy.FraudRefuse {
		return no // to refuse is for calls to come; only money that is gone ends others
	}
	return nil
}
