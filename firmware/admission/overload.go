package admission

import "time"

// Overload is why the box takes no more calls for a while. The whole box is meant: a PBX and a carrier hear 503 alike, and
// may go elsewhere (RFC 3261 §21.5.4).
type Overload struct {
	Rule, Reason string
	RetryAfter   time.Duration
}

// SetOverload has the gate refuse all calls but urgent ones from now on; nil: not any more. Calls with a ticket keep it.
func (g *Gate) SetOverload(o *Overload) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.overload = o
}
