package call

import (
	"time"

	"tollgate/firmware/admission"
	"tollgate/firmware/event"
	"tollgate/firmware/media"
	"tollgate/firmware/numbering"
	"tollgate/firmware/policy"
	"tollgate/firmware/stir"
)

// Snapshot describes one call at one moment.
type Snapshot struct {
	ID        string
	From, To  string
	Trunk     string
	State     State
	Emergency bool // it passes every limit: an emergency call, or the call back after one
	Started   time.Time
	Answered  time.Time // zero until then
	Caller    LegSnapshot
	Callee    LegSnapshot
	Attempt   admission.Attempt  // as it was admitted, with the trunk; zero: it needed no leave
	Shown     numbering.Number   // to the trunk that carries it
	Diagnosis *Diagnosis         // why it is silent, or was last; nil: it never was
	Admitted  admission.Decision // by which rule it goes; zero: it needed none
	Signature stir.Verdict       // about who calls; zero: nobody looked
}

// LegSnapshot describes one half of a call.
type LegSnapshot struct {
	Peer  string // its name; "" before anybody was tried
	Side  policy.Side
	Suite policy.Suite // "": clear, or not agreed on yet
	Media media.LegStats
	Codec string // as SDP names it; "": not agreed on yet
}

// Encrypted tells whether the audio of the leg is.
func (l LegSnapshot) Encrypted() bool { return l.Media.Encrypted }

// snapshot describes the call; false while it is not admitted.
func (s *Session) snapshot() (Snapshot, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.counts() {
		return Snapshot{}, false
	}
	return s.describe(), true
}

// counts tells whether the call is one of those that are shown. s.mu is held.
func (s *Session) counts() bool { return s.state != Routing && s.state != Ending && s.shown != nil }

// describe is snapshot in every state. s.mu is held.
func (s *Session) describe() Snapshot {
	snap := Snapshot{
		ID: s.id, From: s.callerText(), To: s.to.String(), Trunk: s.trunk, State: s.state, Emergency: s.urgent, Started: s.started, Answered: s.answered,
		Diagnosis: s.health.shown(), Admitted: s.permit.Decision(), Signature: s.signature.verdict,
	}
	snap.Attempt, snap.Shown = s.permit.Attempt()
	if s.shown != nil {
		snap.Caller, snap.Callee = s.legShown(media.Caller), s.legShown(media.Callee)
	}
	return snap
}

// tellEnded hands over what is known of a call that is over.
func (s *Session) tellEnded(e event.CallEnded) {
	if s.desk.o.Ended == nil {
		return
	}
	s.mu.Lock()
	snap := s.describe()
	s.mu.Unlock()
	s.desk.o.Ended(snap, e)
}

// legShown describes a leg. s.mu is held.
func (s *Session) legShown(r media.Role) LegSnapshot {
	l := s.shown.Leg(r)
	stats := l.Stats()
	return LegSnapshot{Peer: s.peers[r], Side: l.Side(), Suite: stats.Suite, Media: stats, Codec: s.sound[r].codec}
}

// show tells who is on one leg now, and with that which trunk carries the call.
func (s *Session) show(r media.Role, p policy.Peer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.peers[r] = p.Name
	if p.Side == policy.SideOutside {
		s.trunk = p.Name
	}
}
