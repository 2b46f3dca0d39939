package main

import (
	"slices"
	"sync"
	"time"

	"tollgate/firmware/api"
	"tollgate/firmware/event"
)

// emergenciesKept is how many emergency calls the page can show, and exceptionsKept how much passed for one of them.
const (
	emergenciesKept = 20
	exceptionsKept  = 10
)

// emergencies remembers the latest calls for help, and what passed for them that the policy would have stopped.
type emergencies struct {
	mu   sync.Mutex // guards everything below
	list []api.Emergency
}

func (m *emergencies) note(e event.Event) {
	switch e := e.(type) {
	case event.EmergencyCalled:
		m.mu.Lock()
		defer m.mu.Unlock()
		m.add(api.Emergency{At: e.At, Call: e.Call, From: e.From, To: e.To, Source: e.Caller, Exceptions: []api.EmergencyException{}})
	case event.EmergencyException:
		m.except(e)
	}
}

// except puts an exception to its call. One that was made before there was a call stands alone.
func (m *emergencies) except(e event.EmergencyException) {
	m.mu.Lock()
	defer m.mu.Unlock()
	x := api.EmergencyException{At: e.At, Rule: e.Rule, Reason: e.Reason}
	i := slices.IndexFunc(m.list, func(o api.Emergency) bool { return e.Call != "" && o.Call == e.Call })
	if i < 0 {
		m.add(api.Emergency{At: e.At, Call: e.Call, Exceptions: []api.EmergencyException{x}})
		return
	}
	known := m.list[i].Exceptions
	if len(known) >= exceptionsKept || slices.ContainsFunc(known, func(o api.EmergencyException) bool { return o.Rule == x.Rule && o.Reason == x.Reason }) {
		return
	}
	m.list[i].Exceptions = append(slices.Clone(known), x) // what was shown stays as it was
	m.list[i].Seen = nil                                  // not this
}

// add is called with the lock held.
func (m *emergencies) add(n api.Emergency) {
	m.list = slices.Insert(m.list, 0, n)
	m.list = m.list[:min(len(m.list), emergenciesKept)]
}

func (m *emergencies) latest() []api.Emergency {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.list)
}

// Acknowledge notes that somebody has seen one of them. Seen twice, the first counts.
func (m *emergencies) Acknowledge(r api.AcknowledgeRequest, who string) (api.Emergency, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := slices.IndexFunc(m.list, func(o api.Emergency) bool { return o.Call == r.Call && o.At.Equal(r.At) })
	if i < 0 {
		return api.Emergency{}, &api.Conflict{Detail: "There is no such emergency.", Remedy: "Look at the overview."}
	}
	if m.list[i].Seen == nil {
		m.list[i].Seen = &api.Acknowledgement{At: time.Now(), Who: who}
	}
	return m.list[i], nil
}
