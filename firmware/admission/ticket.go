package admission

import (
	"time"

	"tollgate/firmware/numbering"
)

// Ticket is the right to one call, until Release. It is safe for concurrent use.
type Ticket struct {
	gate    *Gate
	attempt Attempt
	urgent  bool // it was given against every limit

	id       uint64   // of a call that is followed
	follower Follower // nil: it is not

	// What follows is guarded by gate.mu.
	book     *book // that it was given by
	trunk    string
	shown    numbering.Number // on that trunk
	counted  []meterKey
	try      *try // of the number that is shown; nil: it is not paced
	answered time.Time
	released bool
}

// Move passes the ticket to a trunk at the moment now, the first or, when that one fails, the next: the call keeps its place
// in the box and takes one on the trunk, where the number shown is presented. On a refusal the ticket stays as it was.
func (t *Ticket) Move(trunk string, shown numbering.Number, now time.Time) *Refusal {
	g := t.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	if t.released || t.urgent || trunk == t.trunk {
		return nil
	}
	a := t.attempt
	a.Trunk, a.At = trunk, now
	if r := g.onTrunk(t, &a, shown, nil); r != nil {
		tr := &trace{}
		g.onTrunk(t, &a, shown, tr)
		with := *r
		with.Steps = tr.steps
		return &with
	}
	g.leave(t.trunk)
	g.enter(trunk, now)
	g.begin(t, &a, shown)
	t.trunk, t.shown = trunk, shown
	t.carried(trunk)
	return nil
}

// onTrunk asks what could only be asked once the trunk was known; g.mu is held.
func (g *Gate) onTrunk(t *Ticket, a *Attempt, shown numbering.Number, tr *trace) *Refusal {
	b := t.book
	if b == nil { // a call of an earlier process
		b = g.book
	}
	if v := b.judge(a, tr); v.denied {
		return b.refusal(a, v)
	}
	if r := g.watched(a); r != nil {
		return tr.refused(r)
	}
	if r := g.paced(t, a, shown, tr); r != nil {
		return r
	}
	return g.full(a.Caller, a.Trunk, a.At, tr)
}

// Decision tells by which rule the ticket was given, and what else was considered. A nil ticket was given by nobody.
func (t *Ticket) Decision() (d Decision) {
	if t == nil {
		return d
	}
	t.gate.mu.Lock()
	a, b := t.attempt, t.book
	a.Trunk = t.trunk
	t.gate.mu.Unlock()
	tr := &trace{}
	switch {
	case t.urgent:
		tr.add("emergency", Allows, "an emergency call, or a call back after one, passes every limit")
	case b == nil:
		tr.add("taken up", Allows, "it was admitted before the restart")
	default:
		b.judge(&a, tr)
	}
	return Decision{Rule: tr.decided, Steps: tr.steps}
}

// Attempt returns what the ticket was given for, with the trunk that it is on, and the number that this is shown; zero for a
// nil ticket.
func (t *Ticket) Attempt() (a Attempt, shown numbering.Number) {
	if t == nil {
		return a, shown
	}
	t.gate.mu.Lock()
	defer t.gate.mu.Unlock()
	a = t.attempt
	a.Trunk = t.trunk
	return a, t.shown
}

// Ended tells how the call went, before Release: whether somebody answered, and for how long they spoke.
func (t *Ticket) Ended(answered bool, spoken time.Duration) {
	if t == nil {
		return
	}
	t.gate.mu.Lock()
	defer t.gate.mu.Unlock()
	if t.try != nil {
		t.try.end(answered, spoken, t.gate.book.pacing)
	}
}

// Release gives the ticket back. Only the first time counts; a nil ticket has nothing to give back.
func (t *Ticket) Release() {
	if t == nil {
		return
	}
	g := t.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	if t.released {
		return
	}
	t.released = true
	if t.urgent {
		g.sos--
		return
	}
	g.calls--
	g.countOut(t)
	g.leave(t.trunk)
	if t.follower != nil {
		t.follower.End(t.id)
	}
}
