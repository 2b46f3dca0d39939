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
	Emergency bool // it passes every limit: an emergency call, or the call back after one
	Started   time.Time
	Answered  time.Time // zero until then
	Caller    LegSnapshot
	Callee    LegSnapshot
}

// LegSnapshot describes one half of a call.
type LegSnapshot struct {
	Side  policy.Side
	Suite policy.Suite // "": clear, or not agreed on yet
	Media media.LegStats
}

// Encrypted tells whether the audio of the leg is.
func (l LegSnapshot) Encrypted() bool { return l.Media.Encrypted }

// snapshot describes the call; false while it is not admitted.
func (s *Session) snapshot() (Snapshot, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == Routing || s.state == Ending || s.shown == nil {
		return Snapshot{}, false
	}
	snap := Snapshot{
		ID: s.id, From: s.callerText(), To: s.to.String(), Outbound: s.in.Peer.Side == policy.SideInside, Trunk: s.trunk,
		State: s.state, Emergency: s.urgent, Started: s.started, Answered: s.answered,
		Caller: s.legShown(media.Caller), Callee: s.legShown(media.Callee),
	}
	return snap, true
}

// legShown describes a leg. s.mu is held.
func (s *Session) legShown(r media.Role) LegSnapshot {
	l := s.shown.Leg(r)
	stats := l.Stats()
	return LegSnapshot{Side: l.Side(), Suite: stats.Suite, Media: stats}
}

// showTarget tells which trunk carries the call now.
func (s *Session) showTarget(p *Party) {
	if p.Peer.Side == policy.SideOutside {
		s.mu.Lock()
		s.trunk = p.Peer.Name
		s.mu.Unlock()
	}
}
