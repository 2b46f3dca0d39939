package fraud

import (
	"cmp"
	"sync"
	"time"

	"tollgate/firmware/calendar"
	"tollgate/firmware/numbering"
	"tollgate/firmware/policy"
)

// What is kept at most. When there is no room for another caller or prefix, all further ones are judged as one.
const (
	mostAccounts = 8000
	mostLands    = 500
	mostTold     = 4000
	sweepEvery   = time.Minute
)

// Config is what a policy says about fraud, and what calls cost.
type Config struct {
	Policy   policy.Fraud
	Prices   *Prices
	Zone     *time.Location // where the box stands
	Holidays calendar.Holidays
}

// Call is one call out of the office.
type Call struct {
	ID     uint64 // tells it from every other that runs
	Caller string // the extension or number that calls; "" when it is not known
	Trunk  string // "" while that is not decided
	Number numbering.Number
	At     time.Time
}

// Watch judges calls. It is safe for concurrent use. All its times are the caller's.
type Watch struct {
	mu         sync.Mutex // guards everything below
	config     Config
	clock      clock
	accounts   map[accountKey]*account
	runs       map[uint64]*run
	lands      map[string]*land
	blocks     map[blockKey]*Block
	told       map[toldKey]int64 // for which day something was told
	base       baseline
	alarms     []Alarm // not yet taken
	next       time.Time
	since      time.Time // the first call that was seen
	lastPrefix string
	lastTrunk  string
	swept      time.Time
	revision   uint64 // of blocks
	changes    uint64 // of money
}

type toldKey struct {
	rule string
	of   accountKey
}

// run is a call that holds a ticket.
type run struct {
	call     Call
	to       Destination
	answered time.Time
	ringing  bool             // its accounts hold what it costs when it is answered
	accounts [scopes]*account // nil: it is not on that one
	cut      time.Time        // when it was last told to end
}

// costs tells whether the call is judged: it costs something, or is watched.
func (r *run) costs() bool { return r.to.Watched || !r.to.Rate.Free() }

// New makes a Watch that has seen nothing.
func New(c Config) *Watch {
	w := &Watch{
		accounts: map[accountKey]*account{}, runs: map[uint64]*run{}, lands: map[string]*land{}, blocks: map[blockKey]*Block{},
		told: map[toldKey]int64{},
	}
	w.Set(c)
	return w
}

// Set puts a policy into force for calls to come, and for the budgets of those that run. They keep their prices.
func (w *Watch) Set(c Config) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.config, w.clock = c, newClock(c.Policy, c.Zone, c.Holidays)
	w.next = time.Time{}
	for _, r := range w.runs {
		w.watchNext(r, r.call.At, false) // sooner than needed: Due reckons again
	}
}

// Refuse says why a call may not go, nil when it may. It is asked before Begin, without a trunk, and then for each trunk that
// is to carry the call, which counts by now: only what concerns the trunk is judged then. It counts nothing itself.
func (w *Watch) Refuse(c Call) *Refusal {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.config.Policy.Mode == policy.FraudOff {
		return nil
	}
	d := w.config.Prices.Of(c.Number)
	if b := w.blocked(c.Caller, c.Trunk, d); b != nil && w.config.Policy.Mode == policy.FraudAct {
		return &Refusal{"fraud.blocked." + string(b.Kind), blockedSentence(*b)}
	}
	if !d.Watched && d.Rate.Free() {
		return nil
	}
	m := w.clock.at(c.At)
	if d.Watched && c.Trunk == "" {
		if no := w.overLevels(c, d, m); no != nil {
			return no
		}
	}
	return w.overBudgets(c, d, m)
}

func blockedSentence(b Block) string {
	what := map[Kind]string{BlockCaller: "caller ", BlockPrefix: "calls to ", BlockTrunk: "trunk "}[b.Kind] + b.Of
	return what + " blocked until somebody releases it: " + b.Reason
}

// overLevels judges a watched call by the levels of its caller and prefix.
func (w *Watch) overLevels(c Call, d Destination, m moment) *Refusal {
	p := w.config.Policy
	for _, by := range []struct {
		key    accountKey
		levels policy.FraudLevels
		action policy.FraudAction
		name   string
	}{
		{accountKey{ofCaller, c.Caller}, p.Caller, p.Actions.Caller, "caller"},
		{accountKey{ofPrefix, d.Prefix}, p.Prefix, p.Actions.Prefix, "prefix"},
	} {
		a := w.account(by.key, m, c.At)
		over := a.levels.over(by.levels, d.Prefix, m, c.At)
		if by.key.scope == ofPrefix && over != nil && over.what == "sequential" && w.lastPrefix != d.Prefix {
			continue
		}
		if over == nil {
			continue
		}
		f := finding{
			rule: "fraud." + by.name + "." + string(m.period) + "." + over.what, of: by.key, action: by.action, quiet: m.begun,
			reason: over.sentence(by.key.subject(d.Name)),
		}
		if no := w.found(f, c, d); no != nil {
			return no
		}
	}
	return nil
}

// found tells what was found out and does what the policy says about it. It returns why the call may not go, if so.
func (w *Watch) found(f finding, c Call, d Destination) *Refusal {
	acts := w.config.Policy.Mode == policy.FraudAct
	w.tell(f, Alarm{
		At: c.At, Rule: f.rule, Of: f.of.name, Caller: c.Caller, Number: c.Number.String(), Action: f.action, Simulated: !acts, Reason: f.reason,
	})
	if !acts || f.action == policy.FraudAlarm {
		return nil
	}
	b := Block{Rule: f.rule, Reason: f.reason, Since: c.At}
	switch f.action {
	case policy.FraudBlockCaller:
		b.Kind, b.Of = BlockCaller, c.Caller
	case policy.FraudBlockPrefix:
		b.Kind, b.Of = BlockPrefix, d.Prefix
		if f.of.scope == ofLand {
			b.Of = d.Land
		}
	case policy.FraudCutTrunk:
		b.Kind, b.Of = BlockTrunk, cmp.Or(c.Trunk, w.lastTrunk) // before it is known: the one that took the last call that costs
	}
	if b.Kind != "" && w.block(b) {
		w.next = c.At // what runs ends too
	}
	return &Refusal{f.rule, f.reason}
}

// tell notes an alarm, once for each period.
func (w *Watch) tell(f finding, a Alarm) {
	k := toldKey{f.rule, f.of}
	if when, told := w.told[k]; told && when == f.quiet {
		return
	}
	if len(w.told) >= mostTold {
		clear(w.told)
	}
	w.told[k] = f.quiet
	w.alarms = append(w.alarms, a)
}

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
	caller := w.account(accountKey{ofCaller, c.Caller}, m, c.At)
	r.accounts[ofCaller] = caller
	caller.levels.tick(c.At)
	caller.levels.all++
	w.note(w.base.begin(m, c, r.to, !w.young(c.At)), c, r.to)
	if w.config.Policy.Mode == policy.FraudOff || !r.costs() {
		return
	}
	w.enter(r, m, c.At)
	if r.to.Watched {
		w.lastPrefix = r.to.Prefix
		r.accounts[ofCaller].levels.begin(r.to.Prefix, m, c.At)
		r.accounts[ofPrefix].levels.begin(r.to.Prefix, m, c.At)
	}
}

// enter puts a call on its accounts.
func (w *Watch) enter(r *run, m moment, now time.Time) {
	r.accounts[ofDay] = w.account(accountKey{ofDay, ""}, m, now)
	if m.period != Day {
		r.accounts[ofNight] = w.account(accountKey{ofNight, ""}, m, now)
	}
	if r.to.Watched {
		r.accounts[ofPrefix] = w.account(accountKey{ofPrefix, r.to.Prefix}, m, now)
		if r.to.Prefix != Surcharged && !w.familiar(r.to.Land, now) {
			r.accounts[ofLand] = w.account(accountKey{ofLand, r.to.Land}, m, now)
		}
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
		r.accounts[ofCaller].levels.answer(now)
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
	t := &r.accounts[ofCaller].levels
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
		r.accounts[ofCaller].levels.end(r.answered, now)
		r.accounts[ofPrefix].levels.end(r.answered, now)
	}
}

// Pending tells whether there are alarms to take, and what Next does, for whoever asks after each call.
func (w *Watch) Pending() (alarms bool, next time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.alarms) > 0, w.next
}

// Alarms returns what was found out since it was last asked.
func (w *Watch) Alarms() []Alarm {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := w.alarms
	w.alarms = nil
	return list
}
