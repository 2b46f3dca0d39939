package main

import (
	"slices"
	"sync"

	"tollgate/firmware/api"
	"tollgate/firmware/event"
)

// refusalsKept is how many different refusals the page can show.
const refusalsKept = 50

// refusals remembers what was refused last. Equal ones are counted together.
type refusals struct {
	mu   sync.Mutex // guards everything below
	list []api.Refusal
}

func (r *refusals) note(e event.Event) {
	switch e := e.(type) {
	case event.CallRefused:
		r.add(api.Refusal{At: e.At, From: e.From, To: e.To, Side: e.Side, Source: e.Caller, Rule: e.Rule, Reason: e.Reason, Status: e.Status, Count: 1, Steps: refusedSteps(e.Steps)})
	case event.SourceRefused:
		r.add(api.Refusal{At: e.At, Side: e.Side, Source: e.Source.Addr().String(), Rule: e.Rule, Reason: e.Reason, Status: e.Status, Count: e.Count})
	}
}

func (r *refusals) add(n api.Refusal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := slices.IndexFunc(r.list, func(o api.Refusal) bool { return same(o, n) }); i >= 0 {
		n.Count += r.list[i].Count
		r.list = slices.Delete(r.list, i, i+1)
	}
	r.list = slices.Insert(r.list, 0, n)
	r.list = r.list[:min(len(r.list), refusalsKept)]
}

// same tells whether two are of one kind: all but when, how often, and how it came to that.
func same(a, b api.Refusal) bool {
	return a.Side == b.Side && a.Source == b.Source && a.From == b.From && a.To == b.To && a.Rule == b.Rule && a.Reason == b.Reason && a.Status == b.Status
}

func refusedSteps(told []event.Step) (steps []api.Step) {
	for _, s := range told {
		steps = append(steps, api.Step{Rule: s.Rule, Says: s.Says, Why: s.Why})
	}
	return steps
}

func (r *refusals) latest() []api.Refusal {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.list)
}
