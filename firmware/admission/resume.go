package admission

import (
	"time"

	"tollgate/firmware/policy"
)

// TicketRecord is a ticket as plain data, for a process that takes its call up.
type TicketRecord struct {
	Caller  policy.Peer
	Trunk   string     `json:",omitempty"`
	Urgent  bool       `json:",omitempty"`
	Counted []meterKey `json:",omitempty"` // by what caps
	// Followed is of a call whose Follower is told how it goes.
	Followed *Followed `json:",omitempty"`
}

// Record describes a ticket; nil for none, or one that was given back.
func (t *Ticket) Record() *TicketRecord {
	if t == nil {
		return nil
	}
	t.gate.mu.Lock()
	defer t.gate.mu.Unlock()
	if t.released {
		return nil
	}
	return &TicketRecord{Caller: t.attempt.Caller, Trunk: t.trunk, Urgent: t.urgent, Counted: t.counted, Followed: t.followed()}
}

// Resume gives a call of an earlier process its ticket again, whatever the limits are by now: it was admitted. Without a
// record there is none.
func (g *Gate) Resume(r *TicketRecord) *Ticket {
	if r == nil {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	t := &Ticket{gate: g, attempt: Attempt{Caller: r.Caller}, trunk: r.Trunk, urgent: r.Urgent}
	if t.urgent {
		g.sos++
		return t
	}
	g.calls++
	for _, key := range r.Counted {
		g.meterOf(key, time.Time{}).calls++
		t.counted = append(t.counted, key)
	}
	if t.trunk != "" {
		g.trunks[t.trunk]++
	}
	t.follow(r.Followed)
	return t
}
