package main

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"tollgate/firmware/access"
	"tollgate/firmware/delivery"
	"tollgate/firmware/fraud"
	"tollgate/firmware/numbering"
	"tollgate/firmware/policy"
)

// lists are what is brought beside the policy.
func (b *box) lists() map[string]delivery.List {
	return map[string]delivery.List{delivery.BlockListFile: blockedList{b}, delivery.RatesFile: rateList{b}, delivery.RecordsFile: remembered{b}}
}

// blockedList is the list of sources to keep away.
type blockedList struct{ *box }

func (b blockedList) Check(text string, _ *policy.Policy) (int, error) {
	list, err := access.ReadBlockList(text)
	return len(list), err
}

func (b blockedList) Put(text, who string) (func(), error) {
	before := b.blockList.shown()
	if _, err := b.blockList.set(text, who); err != nil {
		return nil, err
	}
	return func() {
		if _, err := b.blockList.set(before.Text, before.Who); err != nil {
			b.log.Error("block list not put back", "err", err)
		}
	}, nil
}

// rateList is the list of the customer's own prices.
type rateList struct{ *box }

func (b rateList) Check(text string, p *policy.Policy) (int, error) {
	if p = cmp.Or(p, b.policy()); p == nil {
		return 0, errors.New("there is no policy, whose country says how short numbers are read: bring one with it")
	}
	plan, err := numbering.For(p.Site.Country)
	if err != nil {
		return 0, err
	}
	rates, err := fraud.ReadRates(text, plan)
	return len(rates), err
}

func (b rateList) Put(text, who string) (func(), error) {
	return b.frauds.bring(text, who)
}

// bring has prices count from the next policy on, which follows when it comes with them, else at once. undo brings those before
// back.
func (f *frauds) bring(text, who string) (undo func(), err error) {
	f.mu.Lock()
	before, p := f.rates, f.policy
	f.mu.Unlock()
	if err := f.keepRates(keptRates{Text: text, Who: who, At: time.Now()}); err != nil {
		return nil, err
	}
	back := func() {
		err := f.keepRates(before)
		if err == nil && p != nil {
			err = f.set(p)
		}
		if err != nil {
			f.log.Error("the rates before are not put back", "err", err)
		}
	}
	if p == nil {
		return back, nil
	}
	if err := f.set(p); err != nil {
		back()
		return nil, err
	}
	return back, nil
}

// keepRates keeps prices without their counting yet.
func (f *frauds) keepRates(r keptRates) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.putErr(fraudRates, r); err != nil {
		return fmt.Errorf("keep the rates: %w", err)
	}
	f.rates = r
	return nil
}
