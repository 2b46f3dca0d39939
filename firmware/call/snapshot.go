package call

import (
	"time"

	"tollgate/firmware/media"
	"tollgate/firmware/policy"
)

// Snapshot describes one call at one moment.
type Snapshot struct {
	ID        string
	From, To  string
	Outbound  bool // from the office to the carrier
	Trunk     string
	State     State
	Emergency bool
	Started   time.Time
	Answered  time.Time // zero until then
	Legs      map[policy.Side]LegSnapshot
}

// LegSnapshot describes one side of a call.
type LegSnapshot struct {
	Encrypted bool
	Suite     policy.Suite
	Media     media.LegStats
}

// legView is what of a leg is shown while the call goes on.
type legView struct {
	suite policy.Suite // "": clear
}

// snapshot describes the call; false while it is not admitted.
func (s *Session) snapshot() (Snapshot, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == Routing || s.state == Ending || s.shown == nil {
		return Snapshot{}, false
	}
	snap := Snapshot{
		ID: s.id, From: s.callerText(), To: s.to.String(), Outbound: s.in.Peer.Side == policy.SideInside, Trunk: s.trunk,
		State: s.state, Emergency: s.to.Emergency(), Started: s.started, Answered: s.answered,
		Legs: map[policy.Side]LegSnapshot{},
	}
	for side, stats := range s.shown.Stats() {
		v := s.legs[side]
		snap.Legs[side] = LegSnapshot{Encrypted: v.suite != "", Suite: v.suite, Media: stats}
	}
	return snap, true
}

// showLeg tells how a leg is encrypted now.
func (s *Session) showLeg(l *Leg) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.legs == nil {
		s.legs = map[policy.Side]legView{}
	}
	v := legView{}
	if l.ours != nil {
		v.suite = l.ours.Suite
	}
	s.legs[l.side()] = v
}

// showTarget tells which trunk carries the call now.
func (s *Session) showTarget(p Party) {
	if p.Peer.Side == policy.SideOutside {
		s.mu.Lock()
		s.trunk = p.Peer.Name
		s.mu.Unlock()
	}
}
