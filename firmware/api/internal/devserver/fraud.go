package main

import (
	"slices"
	"strings"
	"time"

	"tollgate/firmware/api"
)

// fraudState is what a box has found out.
func fraudState(born time.Time) api.FraudState {
	night, slow := born.Add(-9*time.Hour), born.Add(-50*time.Hour)
	const caller = "caller 214 has 11 calls that cost, at night at most 10 are allowed"
	const prefix = "calls to +252, where the office does not usually call, have used their 10 €"
	return api.FraudState{
		Mode: "act", Spent: 1437, Budget: 8000,
		Blocks: []api.FraudBlock{
			{Kind: "caller", Of: "214", Rule: "fraud.caller.night.calls", Reason: caller, Since: night},
			{Kind: "prefix", Of: "+252", Rule: "fraud.budgets.unfamiliar", Reason: prefix, Since: slow},
		},
		Alarms: []api.FraudAlarm{
			{At: night, Rule: "fraud.caller.night.calls", Of: "214", Caller: "214", To: "+2216123456789", Action: "block-caller", Reason: caller},
			{At: slow, Rule: "fraud.budgets.unfamiliar", Of: "+252", Caller: "208", To: "+252612345678", Action: "block-prefix", Reason: prefix},
		},
	}
}

// simulated is the same where nothing is done about it.
func simulated(s api.FraudState) api.FraudState {
	s.Mode, s.Blocks = "simulate", []api.FraudBlock{}
	for i := range s.Alarms {
		s.Alarms[i].Simulated = true
	}
	return s
}

// purse lets the page's tests release what is blocked, and bring rates.
type purse struct{ world *world }

// Fraud shows the invented state.
func (p *purse) Fraud() api.FraudState {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	return p.world.fraud
}

// Release forgets a block.
func (p *purse) Release(r api.ReleaseRequest, _ string) (api.FraudBlock, error) {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	blocks := p.world.fraud.Blocks
	i := slices.IndexFunc(blocks, func(b api.FraudBlock) bool { return b.Kind == r.Kind && b.Of == r.Of })
	if i < 0 {
		return api.FraudBlock{}, &api.Conflict{Detail: "The " + r.Kind + " " + r.Of + " is not blocked.", Remedy: "Look at the list."}
	}
	released := blocks[i]
	p.world.fraud.Blocks = slices.Delete(slices.Clone(blocks), i, i+1)
	return released, nil
}

// Rates shows what was brought.
func (p *purse) Rates() api.Rates {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	return p.world.rates
}

// SetRates keeps a list without reading it.
func (p *purse) SetRates(text, who string) (api.Rates, error) {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	now := p.world.now()
	p.world.rates = api.Rates{Count: max(strings.Count(text, "\n")-1, 0), Who: who, At: &now, Text: text}
	return p.world.rates, nil
}
