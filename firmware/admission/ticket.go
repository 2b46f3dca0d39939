package admission

// Ticket is the right to one call, until Release. It is safe for concurrent use.
type Ticket struct {
	gate    *Gate
	attempt Attempt
	urgent  bool // it was given against every limit

	trunk    string // guarded by gate.mu, as is released
	released bool
}

// Move passes the ticket to a trunk, the first or, when that one fails, the next: the call keeps its place in the box and
// takes one on the trunk. On a refusal the ticket stays as it was.
func (t *Ticket) Move(trunk string) *Refusal {
	g := t.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	if t.released || t.urgent || trunk == t.trunk {
		return nil
	}
	a := t.attempt
	a.Trunk = trunk
	if r := g.watched(a); r != nil {
		return r
	}
	if r := g.full(a.Caller, trunk); r != nil {
		return r
	}
	g.leave(t.trunk)
	g.enter(trunk)
	t.trunk = trunk
	return nil
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
	g.leave(t.trunk)
}
