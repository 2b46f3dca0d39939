package admission

import "time"

// Follower is told how the calls go that were admitted, but not of those that pass every limit, and not of messages. A call
// of an earlier process begins again, with the time at which it was answered.
type Follower interface {
	// Begin tells of a call that was admitted; id tells it from every other. It comes with the gate locked, before anybody
	// else is admitted, so that what it counts is exact: it asks the gate nothing. answered is zero while nobody has answered.
	Begin(id uint64, a Attempt, answered time.Time)
	// Carry tells which trunk the call goes to now, with the gate locked as well.
	Carry(id uint64, trunk string)
	// Heard tells with which final status that trunk has answered; 200: somebody is there.
	Heard(id uint64, status int)
	// End tells that the call is over, or was never answered.
	End(id uint64)
}

// SetFollower has f told from now on, of calls to come; nil: nobody.
func (g *Gate) SetFollower(f Follower) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.follower = f
}

// began gives a ticket its number and tells of the call; g.mu is held.
func (g *Gate) began(t *Ticket) {
	if g.follower == nil || t.attempt.Call == "" || !t.attempt.Outward() || t.attempt.Number.Class == "" {
		return
	}
	if g.last == 0 {
		g.last = uint64(t.attempt.At.UnixNano()) // beyond all that calls of an earlier process have
	}
	g.last++
	t.id, t.follower = g.last, g.follower
	t.follower.Begin(t.id, t.attempt, time.Time{})
}

// carried tells of the trunk; gate.mu is held.
func (t *Ticket) carried(trunk string) {
	if t.follower != nil {
		t.follower.Carry(t.id, trunk)
	}
}

// ID tells the ticket from every other whose call is followed; 0: it is not.
func (t *Ticket) ID() uint64 {
	if t == nil {
		return 0
	}
	return t.id
}

// Heard tells with which final status the trunk has answered at a time.
func (t *Ticket) Heard(status int, at time.Time) {
	if t == nil || t.follower == nil {
		return
	}
	if status/100 == 2 {
		t.gate.mu.Lock()
		t.answered = at
		t.gate.mu.Unlock()
	}
	t.follower.Heard(t.id, status)
}

// Followed is what a call that is followed is known by, as plain data.
type Followed struct {
	ID       uint64
	Attempt  Attempt
	Answered time.Time `json:",omitzero"`
}

// followed describes the call; nil when it is not followed. gate.mu is held.
func (t *Ticket) followed() *Followed {
	if t.follower == nil {
		return nil
	}
	a := t.attempt
	a.Trunk = t.trunk
	return &Followed{t.id, a, t.answered}
}

// follow takes a call of an earlier process up; gate.mu is held.
func (t *Ticket) follow(r *Followed) {
	if r == nil || t.gate.follower == nil {
		return
	}
	t.id, t.attempt, t.answered, t.follower = r.ID, r.Attempt, r.Answered, t.gate.follower
	t.follower.Begin(r.ID, r.Attempt, r.Answered)
}
