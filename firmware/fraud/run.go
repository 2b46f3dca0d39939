package fraud

import (
	"time"

	"tollgate/firmware/policy"
)

// run is a call that holds a ticket.
type run struct {
	call     Call
	to       Destination
	answered time.Time
	ringing  bool             // its accounts hold what it costs when it is answered
	caller   *account         // counts its calls
	accounts [scopes]*account // that pay for it; nil: not that one
	cut      time.Time        // when it was last told to end
}

// costs tells whether the call is judged: it costs something, or is watched.
func (r *run) costs() bool { return r.to.Watched || !r.to.Rate.Free() }

// Begin counts a call that was admitted.
func (w *Watch) Begin(c Call) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.since.IsZero() {
		w.since = c.At
	}
	r := &run{call: c, to: w.config.Prices.Of(c.Number)}
	w.runs[c.ID] = r
	m := w.clock.at(c.At)
	r.caller = w.account(accountKey{ofCaller, c.Caller}, m, c.At)
	r.caller.levels.tick(c.At)
	r.caller.levels.all++
	w.note(w.base.begin(m, c, r.to, !w.young(c.At)), c, r.to)
	if w.config.Policy.Mode == policy.FraudOff || !r.costs() {
		return
	}
	w.enter(r, m, c.At)
	if r.to.Watched {
		w.lastPrefix = r.to.Prefix
		r.caller.levels.begin(r.to.Prefix, m, c.At)
		r.accounts[ofPrefix].levels.begin(r.to.Prefix, m, c.At)
	}
}

// enter puts a call on its accounts.
func (w *Watch) enter(r *run, m moment, now time.Time) {
	for _, a := range w.payers(r.call, r.to, m) {
		r.accounts[a.key.scope] = a
	}
	if r.call.Trunk != "" {
		r.accounts[ofTrunk] = w.account(accountKey{ofTrunk, r.call.Trunk}, m, now)
	}
	w.ring(r, true)
}

// ring has the accounts of a call hold what it costs when it is answered, or no more.
func (w *Watch) ring(r *run, on bool) {
	if r.ringing == on || r.accounts[ofDay] == nil {
		return
	}
	r.ringing = on
	money := r.to.Rate.begins()
	if !on {
		money = -money
	}
	for _, a := range r.accounts {
		if a != nil {
			a.ringing += money
		}
	}
}

// Carry puts a call that rings on another trunk.
func (w *Watch) Carry(id uint64, trunk string, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := w.runs[id]
	if r == nil || !r.answered.IsZero() {
		return
	}
	r.call.Trunk = trunk
	w.ring(r, false)
	if r.accounts[ofDay] != nil {
		w.lastTrunk = trunk
		r.accounts[ofTrunk] = w.account(accountKey{ofTrunk, trunk}, w.clock.at(now), now)
	}
	w.ring(r, true)
}

// Answer begins to charge a call.
func (w *Watch) Answer(id uint64, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := w.runs[id]
	if r == nil || !r.answered.IsZero() {
		return
	}
	r.answered = now
	w.ring(r, false)
	if r.accounts[ofDay] != nil {
		w.charge(r, now)
	}
}

// charge has a call cost something from now on.
func (w *Watch) charge(r *run, now time.Time) {
	for _, a := range r.accounts {
		if a != nil {
			a.answer(r.call.ID, r.to.Rate, now)
		}
	}
	if r.to.Watched {
		r.caller.levels.answer(now)
		r.accounts[ofPrefix].levels.answer(now)
		w.visit(r.to.Land, r.call.Caller, w.clock.at(now))
	}
	w.changes++
	w.watchNext(r, now, false)
}

// Decline notes with which SIP status a carrier did not take a call.
func (w *Watch) Decline(id uint64, status int, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := w.runs[id]
	if r == nil || w.config.Policy.Mode == policy.FraudOff {
		return
	}
	w.ring(r, false)
	m := w.clock.at(now)
	w.note(w.base.decline(m, status, !w.young(now)), r.call, r.to)
	if status == 401 || status == 403 || status == 407 {
		w.unresolved(r, m, now)
	}
}

// How many calls of a caller within a minute the carrier may not accept, at least and as a share of all.
const (
	mostUnresolved  = 8
	shareUnresolved = 2 // one in so many
)

// unresolved judges a caller by how many of his calls the carrier did not accept.
func (w *Watch) unresolved(r *run, m moment, now time.Time) {
	t := &r.caller.levels
	t.tick(now)
	t.declined++
	bad, all := t.lastMinute(now, t.declined, t.before), t.lastMinute(now, t.all, t.allBefore)
	if bad < mostUnresolved || bad*shareUnresolved < all {
		return
	}
	c := r.call
	c.At = now
	f := finding{
		rule: "fraud.unresolved", of: accountKey{ofCaller, c.Caller}, quiet: m.day, action: w.config.Policy.Actions.Unresolved,
		reason: unresolvedSentence(c.Caller, bad, all),
	}
	_ = w.found(f, c, r.to) // this call has ended already
}

// End forgets a call that is over.
func (w *Watch) End(id uint64, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := w.runs[id]
	if r == nil {
		return
	}
	delete(w.runs, id)
	if !r.answered.IsZero() {
		m := w.clock.at(now)
		w.note(w.base.end(m, now.Sub(r.answered), r.to, !w.young(now)), r.call, r.to)
	}
	if r.accounts[ofDay] == nil {
		return
	}
	w.changes++
	w.ring(r, false)
	for _, a := range r.accounts {
		if a != nil && !r.answered.IsZero() {
			a.end(id, r.to.Rate, now)
		}
	}
	if r.to.Watched {
		r.caller.levels.end(r.answered, now)
		r.accounts[ofPrefix].levels.end(r.answered, now)
	}
}
