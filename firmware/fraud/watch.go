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
	Shared bool // the caller's number stands for the whole office: it is not judged as one caller, and never blocked as one
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
	spending   spending
	rare       int64   // the day on which an alarm was told about money for what is not usual
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
	if !c.Shared {
		l := leveled{w.account(accountKey{ofCaller, c.Caller}, m, c.At), &w.config.Policy.Caller, "fraud.caller"}
		if no := w.overLevel(l, c, d, m); no != nil {
			return no
		}
	}
	return w.overLevel(leveled{w.account(accountKey{ofPrefix, d.Prefix}, m, c.At), &w.config.Policy.Prefix, "fraud.prefix"}, c, d, m)
}

// overLevel judges a watched call by the levels of one account.
func (w *Watch) overLevel(l leveled, c Call, d Destination, m moment) *Refusal {
	of := l.account.key
	over := l.account.levels.over(*l.levels, d.Prefix, m, c.At)
	if over == nil || of.scope == ofPrefix && over.what == "sequential" && w.lastPrefix != d.Prefix {
		return nil
	}
	return w.found(finding{
		rule: l.key + "." + string(m.period) + "." + over.what, of: of, action: w.action(of.scope), quiet: m.begun,
		reason: over.sentence(of.subject(d.Name)),
	}, c, d)
}

// found tells what was found out and does what the policy says about it. It returns why the call may not go, if so.
func (w *Watch) found(f finding, c Call, d Destination) *Refusal {
	acts := w.config.Policy.Mode == policy.FraudAct
	if c.Shared && f.action == policy.FraudBlockCaller { // the whole office would be blocked
		f.action = policy.FraudRefuse
		if d.Watched {
			f.action = policy.FraudBlockPrefix
		}
	}
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
	if when, told := w.told[k]; told && when == f.quiet || f.of.scope == ofUnusual && w.rare == f.quiet {
		return // the sum of what was told in parts is no news
	}
	if f.rare {
		w.rare = f.quiet
	}
	if len(w.told) >= mostTold {
		clear(w.told)
	}
	w.told[k] = f.quiet
	w.alarms = append(w.alarms, a)
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
