package call

import (
	"fmt"
	"time"

	"tollgate/firmware/sdp"
)

// A peer that loses power or its network says no BYE, and not every peer has session timers. So a call ends, too, when its
// audio has stopped for good. Any packet that the relay has taken counts, RTCP as well as RTP:
//
//	both peers send and receive   each of them has to be heard of
//	a hold, in either direction   one of them has to be heard of, within a longer time: music comes from one side alone
//
// An urgent call is always given the longer time: nobody is to be cut off from help because a microphone is mute.

// Patience is how long the audio of answered calls may be silent; 0: for ever.
type Patience struct{ Active, Held time.Duration }

// silenceDue is a note: it is time to see whether the call is still heard of.
type silenceDue struct{}

// lull is what a call's patience is measured by.
type lull struct {
	timer *time.Timer
	held  bool
	since time.Time // silence counts from here at the earliest
}

// listen begins to watch an answered call, or watches it anew because what its peers have agreed on has changed. A call that
// stays on hold is not given more time by that.
func (s *Session) listen() {
	held := s.held()
	if l := &s.lull; !l.held || !held || l.since.IsZero() {
		l.held, l.since = held, time.Now()
	}
	if limit := s.settings.Patience.limit(s.either()); limit > 0 {
		s.listenFor(max(limit-time.Since(s.lull.since), time.Millisecond)) // 0 would be no time-out
	}
}

// listenFor has the call look again after a while; 0: never.
func (s *Session) listenFor(wait time.Duration) {
	if s.lull.timer != nil {
		s.lull.timer.Stop()
	}
	if wait > 0 {
		s.lull.timer = time.AfterFunc(wait, func() { s.inbox.Post(silenceDue{}) })
	}
}

// held tells whether one of the peers does not send, or does not want to hear, as far as it has said so yet.
func (s *Session) held() bool {
	for _, l := range []*Leg{s.caller, s.callee} {
		if l.remote() == nil {
			continue // its answer to our offer comes with the ACK
		}
		if audio, ok := l.remote().Audio(); !ok || audio.Held || audio.Direction != sdp.SendRecv {
			return true
		}
	}
	return false
}

// either tells whether it is enough that one of the peers is heard of.
func (s *Session) either() bool { return s.lull.held || s.urgent }

// limit is how long a call may be silent.
func (p Patience) limit(either bool) time.Duration {
	if either {
		return p.Held
	}
	return p.Active
}

// left is how long a call may go on being silent whose two peers have sent nothing for so long; nothing is left when it is
// over.
func (p Patience) left(either bool, one, other time.Duration) time.Duration {
	if either {
		return p.Held - min(one, other)
	}
	return p.Active - max(one, other)
}

// silent is for how long nothing has come from a leg.
func (s *Session) silent(l *Leg, now time.Time) time.Duration {
	heard := l.media.Stats().LastHeard
	if heard.Before(s.lull.since) {
		heard = s.lull.since
	}
	return now.Sub(heard)
}

// stillHeard ends a call that has been silent for too long, and otherwise looks again when it may have been.
func (s *Session) stillHeard(now time.Time) (ending, bool) {
	patience, either := s.settings.Patience, s.either()
	caller, callee := s.silent(s.caller, now), s.silent(s.callee, now)
	if left := patience.left(either, caller, callee); left > 0 || patience.limit(either) == 0 {
		s.listenFor(left)
		return ending{}, false
	}
	if either {
		return ending{reason: fmt.Sprintf("nobody has sent any audio for %v", patience.Held)}, true
	}
	quieter := s.caller
	if callee > caller {
		quieter = s.callee
	}
	return ending{reason: fmt.Sprintf("%s has sent no audio for %v", quieter.Party.Peer.Name, patience.Active)}, true
}
