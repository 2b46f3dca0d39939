package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"tollgate/firmware/admission"
	"tollgate/firmware/api"
	"tollgate/firmware/calendar"
	"tollgate/firmware/event"
	"tollgate/firmware/fraud"
	"tollgate/firmware/numbering"
	"tollgate/firmware/policy"
	"tollgate/firmware/store"
)

// The records of the judgement of fraud, and how soon they are written: what was blocked at once, money after a minute, what
// was learned once an hour. A power cut costs a minute of the ledger, a memory card little.
const (
	fraudKind   = "fraud"
	fraudLedger = "ledger"
	fraudHabits = "habits"
	fraudRates  = "rates"

	fraudSaveBlocks = time.Second
	fraudSaveMoney  = time.Minute
	fraudSaveHabits = time.Hour
)

// fraudAlarmsKept is how many alarms the page can show.
const fraudAlarmsKept = 50

// frauds lets the judgement of fraud see the calls, and does what it has judged: it tells, ends calls, and keeps its state
// over a restart.
type frauds struct {
	watch *fraud.Watch
	store *store.Store
	sink  event.Sink
	log   *slog.Logger
	cut   func(ticket uint64, reason string)

	writing sync.Mutex // held while records are written

	mu     sync.Mutex  // guards everything below
	due    *time.Timer // when Due is to be asked; nil: nothing is
	dueAt  time.Time
	saving *time.Timer // nil: nothing has changed
	saveAt time.Time
	money  uint64 // what is written
	blocks uint64
	habits time.Time // when they were written
	policy *policy.Policy
	shared map[string]bool // numbers that stand for the whole office; it does not change
	rates  keptRates
	alarms []api.FraudAlarm // newest first
	closed bool
}

// keptRates are the customer's own prices as they were brought.
type keptRates struct {
	Text  string    `json:"text"`
	Who   string    `json:"who"`
	At    time.Time `json:"at"`
	Count int       `json:"count"`
}

// newFrauds takes up what an earlier run has kept. A record that cannot be read is told and left aside. It judges nothing
// before there is a policy.
func newFrauds(s *store.Store, sink event.Sink, log *slog.Logger, cut func(uint64, string)) (*frauds, error) {
	f := &frauds{store: s, sink: sink, log: log, cut: cut, habits: time.Now()}
	prices, err := fraud.NewPrices(nil)
	if err != nil {
		return nil, err
	}
	f.watch = fraud.New(fraud.Config{Policy: policy.Fraud{Mode: policy.FraudOff}, Prices: prices, Zone: time.UTC})
	var ledger fraud.Ledger
	var habits fraud.Habits
	for key, into := range map[string]any{fraudLedger: &ledger, fraudHabits: &habits, fraudRates: &f.rates} {
		value, found, err := s.Get(fraudKind, key)
		if err != nil {
			return nil, fmt.Errorf("read what was judged of fraud: %w", err)
		}
		if found {
			if err := json.Unmarshal(value, into); err != nil {
				log.Error("what was judged of fraud cannot be read", "record", key, "err", err)
			}
		}
	}
	f.watch.Restore(ledger, time.Now())
	f.watch.Learn(habits)
	f.money, f.blocks = f.watch.Changes()
	return f, nil
}

// set puts a policy into force.
func (f *frauds) set(p *policy.Policy) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, err := fraudConfig(p, f.rates.Text)
	var bad *badRates
	if errors.As(err, &bad) { // the country is another one now
		f.log.Error("the carrier's rates are left aside", "err", bad)
		c, err = fraudConfig(p, "")
	}
	if err != nil {
		return err
	}
	f.policy, f.shared, f.rates.Count = p, officeNumbers(p), c.Prices.Own()
	f.watch.Set(c)
	return nil
}

// officeNumbers are the first numbers of the trunks' accounts: a PBX that shows one number for everybody shows such a one.
func officeNumbers(p *policy.Policy) map[string]bool {
	set := map[string]bool{}
	for _, t := range p.Trunks {
		for _, a := range t.Accounts {
			if len(a.Numbers) > 0 {
				set[a.Numbers[0]] = true
			}
		}
	}
	return set
}

// badRates are rates that cannot be read.
type badRates struct{ error }

// fraudConfig is what a policy and a list of rates say.
func fraudConfig(p *policy.Policy, rates string) (c fraud.Config, err error) {
	c.Policy = p.Fraud
	if c.Zone, err = zoneOf(p); err != nil {
		return c, err
	}
	if c.Holidays, err = calendar.New(p.Site.Country, p.Site.Holidays); err != nil {
		return c, fmt.Errorf("site.holidays: %w", err)
	}
	plan, err := numbering.For(p.Site.Country)
	if err != nil {
		return c, err
	}
	var own map[string]fraud.Rate
	if rates != "" {
		if own, err = fraud.ReadRates(rates, plan); err != nil {
			return c, &badRates{err}
		}
	}
	c.Prices, err = fraud.NewPrices(own)
	return c, err
}

// Refuse says why a call may not go.
func (f *frauds) Refuse(a admission.Attempt) *admission.Refusal {
	if !a.Outward() || a.Number.Class == "" {
		return nil
	}
	no := f.watch.Refuse(f.call(0, a))
	if no == nil {
		return nil
	}
	f.settle()
	return &admission.Refusal{Status: 403, Rule: no.Rule, Reason: no.Reason}
}

// call is an attempt as the judgement of fraud sees it: by the extension that calls, or else by the number. Who cannot be told
// from the others of the office, by its number or without any, is judged by what is called.
func (f *frauds) call(id uint64, a admission.Attempt) fraud.Call {
	f.mu.Lock()
	shared := f.shared[a.From.E164]
	f.mu.Unlock()
	caller := cmp.Or(a.User, a.From.String())
	return fraud.Call{ID: id, Caller: caller, Trunk: a.Trunk, Number: a.Number, At: a.At, Shared: caller == "" || shared && !a.Caller.Phone()}
}

// Begin counts a call.
func (f *frauds) Begin(id uint64, a admission.Attempt, answered time.Time) {
	if answered.IsZero() {
		f.watch.Begin(f.call(id, a))
	} else {
		a.At = time.Now()
		f.watch.Resume(f.call(id, a), answered)
	}
	f.settle()
}

// Carry notes the trunk of a call.
func (f *frauds) Carry(id uint64, trunk string) { f.watch.Carry(id, trunk, time.Now()) }

// Heard notes what a trunk has answered.
func (f *frauds) Heard(id uint64, status int) {
	if status/100 == 2 {
		f.watch.Answer(id, time.Now())
	} else {
		f.watch.Decline(id, status, time.Now())
	}
	f.settle()
}

// End notes that a call is over.
func (f *frauds) End(id uint64) {
	f.watch.End(id, time.Now())
	f.settle()
}

// settle tells what was found out, and has what comes next done in time. It may be called with the gate locked.
func (f *frauds) settle() {
	alarms, next := f.watch.Pending()
	if alarms {
		for _, a := range f.watch.Alarms() {
			f.tell(a)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return
	}
	if !next.IsZero() && (f.due == nil || next.Before(f.dueAt)) {
		if f.due != nil {
			f.due.Stop()
		}
		f.dueAt, f.due = next, time.AfterFunc(time.Until(next), f.end)
	}
	f.changed()
}

// changed has the records written soon if they are not what is written; f.mu is held.
func (f *frauds) changed() {
	money, blocks := f.watch.Changes()
	if money == f.money && blocks == f.blocks {
		return
	}
	wait := fraudSaveMoney
	if blocks != f.blocks {
		wait = fraudSaveBlocks
	}
	at := time.Now().Add(wait)
	if f.saving != nil && !at.Before(f.saveAt) {
		return
	}
	if f.saving != nil {
		f.saving.Stop()
	}
	f.saveAt, f.saving = at, time.AfterFunc(wait, f.save)
}

// end ends the calls that are due.
func (f *frauds) end() {
	f.mu.Lock()
	f.due = nil
	f.mu.Unlock()
	for _, c := range f.watch.Due(time.Now()) {
		f.log.Warn("call cut off", "rule", c.Rule, "reason", c.Reason)
		f.cut(c.ID, c.Reason)
	}
	f.settle()
}

func (f *frauds) tell(a fraud.Alarm) {
	f.log.Warn("fraud suspected", "rule", a.Rule, "of", a.Of, "caller", a.Caller, "to", a.Number, "action", a.Action, "simulated", a.Simulated, "reason", a.Reason)
	f.sink.Tell(event.FraudFound{
		At: a.At, Rule: a.Rule, Of: a.Of, Caller: a.Caller, To: a.Number, Action: string(a.Action), Simulated: a.Simulated, Reason: a.Reason,
	})
	f.mu.Lock()
	defer f.mu.Unlock()
	f.alarms = slices.Insert(f.alarms, 0, api.FraudAlarm{
		At: a.At, Rule: a.Rule, Of: a.Of, Caller: a.Caller, To: a.Number, Action: string(a.Action), Simulated: a.Simulated, Reason: a.Reason,
	})
	f.alarms = f.alarms[:min(len(f.alarms), fraudAlarmsKept)]
}

// save writes what has changed.
func (f *frauds) save() {
	f.writing.Lock()
	defer f.writing.Unlock()
	now := time.Now()
	f.mu.Lock()
	f.saving = nil
	hourly := now.Sub(f.habits) >= fraudSaveHabits
	f.money, f.blocks = f.watch.Changes()
	f.mu.Unlock()
	f.put(fraudLedger, f.watch.Ledger(now))
	if hourly {
		f.saveHabits(now)
	}
}

func (f *frauds) saveHabits(now time.Time) {
	f.put(fraudHabits, f.watch.Habits())
	f.mu.Lock()
	defer f.mu.Unlock()
	f.habits = now
}

func (f *frauds) put(key string, record any) {
	if err := f.putErr(key, record); err != nil {
		f.log.Error("what was judged of fraud is not kept over a restart", "record", key, "err", err)
	}
}

func (f *frauds) putErr(key string, record any) error {
	value, err := json.Marshal(record)
	if err != nil {
		return err
	}
	return f.store.Put(fraudKind, key, value)
}

// close keeps everything and ends what runs.
func (f *frauds) close() {
	f.mu.Lock()
	f.closed = true
	for _, t := range []*time.Timer{f.due, f.saving} {
		if t != nil {
			t.Stop()
		}
	}
	f.mu.Unlock()
	f.save()
	f.saveHabits(time.Now())
}
