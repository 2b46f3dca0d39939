package cli

import (
	"fmt"
	"sync"
	"time"

	"tollgate/firmware/api"
	"tollgate/firmware/fraud"
	"tollgate/firmware/numbering"
)

// purse is a box that has found something out, and reads rates.
type purse struct {
	mu       sync.Mutex // guards everything below
	released bool
	rates    api.Rates
}

// Fraud shows one block and one alarm.
func (p *purse) Fraud() api.FraudState {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := time.Date(2026, 9, 7, 23, 10, 0, 0, time.UTC)
	s := api.FraudState{Mode: "act", Spent: 1204, Budget: 8000}
	if !p.released {
		s.Blocks = []api.FraudBlock{{Kind: "prefix", Of: "+252", Rule: "fraud.budgets.unfamiliar", Reason: "calls to +252 have used their 10 €", Since: at}}
		s.Alarms = []api.FraudAlarm{{At: at, Rule: "fraud.budgets.unfamiliar", Of: "+252", Caller: "12", To: "+252612345678", Action: "block-prefix", Reason: "calls to +252 have used their 10 €"}}
	}
	return s
}

// Release releases it.
func (p *purse) Release(r api.ReleaseRequest, _ string) (api.FraudBlock, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.Kind != "prefix" || r.Of != "+252" || p.released {
		return api.FraudBlock{}, &api.Conflict{Detail: fmt.Sprintf("The %s %s is not blocked.", r.Kind, r.Of), Remedy: "Look at the list."}
	}
	p.released = true
	return api.FraudBlock{Kind: r.Kind, Of: r.Of}, nil
}

// Rates shows what was brought.
func (p *purse) Rates() api.Rates {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.rates
}

// SetRates reads rates as the box does.
func (p *purse) SetRates(text, _ string) (api.Rates, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	plan, err := numbering.For("FR")
	if err != nil {
		return api.Rates{}, err
	}
	rates, err := fraud.ReadRates(text, plan)
	if err != nil {
		return api.Rates{}, &api.Conflict{Detail: fmt.Sprintf("The list has faults:\n%v.", err), Remedy: "Correct these lines; nothing was changed."}
	}
	p.rates = api.Rates{Count: len(rates), Text: text}
	return p.rates, nil
}
