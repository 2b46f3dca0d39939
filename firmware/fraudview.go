package main

import (
	"fmt"
	"time"

	"tollgate/firmware/api"
	"tollgate/firmware/event"
	"tollgate/firmware/fraud"
	"tollgate/firmware/policy"
)

// Fraud shows what is blocked, what was found out and what was spent.
func (f *frauds) Fraud() api.FraudState {
	spent, _, _ := f.watch.Spent(time.Now())
	shown := api.FraudState{Mode: string(policy.FraudOff), Spent: cents(spent), Blocks: []api.FraudBlock{}}
	for _, b := range f.watch.Blocks() {
		shown.Blocks = append(shown.Blocks, shownBlock(b))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.policy != nil {
		shown.Mode, shown.Budget = string(f.policy.Fraud.Mode), 100*f.policy.Fraud.Budgets.Day
	}
	shown.Alarms = append([]api.FraudAlarm{}, f.alarms...)
	return shown
}

func cents(m fraud.Money) int { return int((m + fraud.Euro/100 - 1) / (fraud.Euro / 100)) }

func shownBlock(b fraud.Block) api.FraudBlock {
	return api.FraudBlock{Kind: string(b.Kind), Of: b.Of, Rule: b.Rule, Reason: b.Reason, Since: b.Since}
}

// Release ends a block.
func (f *frauds) Release(r api.ReleaseRequest, who string) (api.FraudBlock, error) {
	now := time.Now()
	b, found := f.watch.Release(fraud.Kind(r.Kind), r.Of, now)
	if !found {
		return api.FraudBlock{}, &api.Conflict{Detail: fmt.Sprintf("The %s %s is not blocked.", r.Kind, r.Of), Remedy: "Look at the list: a country may be blocked as a whole."}
	}
	f.sink.Tell(event.FraudReleased{At: now, Kind: r.Kind, Of: r.Of, Who: who})
	f.settle()
	return shownBlock(b), nil
}

// Rates shows the customer's own prices.
func (f *frauds) Rates() api.Rates {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.rates.shown()
}

func (r keptRates) shown() api.Rates {
	return api.Rates{Count: r.Count, Who: r.Who, At: moment(r.At), Text: r.Text}
}

// SetRates replaces the customer's own prices. Calls that run keep theirs.
func (f *frauds) SetRates(text, who string) (api.Rates, error) {
	defer f.settle() // unlocked again
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.policy == nil {
		return api.Rates{}, &api.Conflict{Detail: "There is no policy yet.", Remedy: "Import one first: its country says how short numbers are read."}
	}
	c, err := fraudConfig(f.policy, text)
	if err != nil {
		return api.Rates{}, &api.Conflict{Detail: fmt.Sprintf("The list has faults:\n%v.", err), Remedy: "Correct these lines; nothing was changed."}
	}
	next := keptRates{Text: text, Who: who, At: time.Now(), Count: c.Prices.Own()}
	if err := f.putErr(fraudRates, next); err != nil {
		return api.Rates{}, fmt.Errorf("keep the rates: %w", err)
	}
	f.rates = next
	f.watch.Set(c)
	return next.shown(), nil
}
