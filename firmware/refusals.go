package main

import (
	"slices"
	"sync"
	"time"

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
		r.add(api.Refusal{At: e.At, From: e.From, To: e.To, Side: e.Side, Source: e.Caller, Rule: e.Rule, Reason: e.Reason, Status: e.Status, Count: 1})
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

func same(a, b api.Refusal) bool {
	a.At, a.Count = time.Time{}, 0
	b.At, b.Count = time.Time{}, 0
	return a == b
}

func (r *refusals) latest() []api.Refusal {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.list)
}
