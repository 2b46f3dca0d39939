package admission

// Watch has a say in each call that the policy lets through, such as by what it has learned of fraud.
type Watch interface {
	// Refuse says why a call may not go, nil when it may. It is asked when a call is to be admitted and again for each trunk
	// that is to carry it, so that it counts nothing; about emergency calls, and calls back after one, never. It is asked
	// with the gate locked: it answers at once, asks the gate nothing, and is safe for concurrent use.
	Refuse(Attempt) *Refusal
}

// SetWatch has w asked from now on; nil: nobody.
func (g *Gate) SetWatch(w Watch) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.watch = w
}

// watched asks who watches; g.mu is held.
func (g *Gate) watched(a *Attempt) *Refusal {
	if g.watch == nil {
		return nil
	}
	return g.watch.Refuse(*a)
}
