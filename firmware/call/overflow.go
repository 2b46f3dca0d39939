package call

import (
	"fmt"
	"time"

	"tollgate/firmware/admission"
	"tollgate/firmware/event"
	"tollgate/firmware/policy"
)

// overflows tells whether a carrier's call goes out again because the PBX could not be reached: it is away, it cannot be
// connected to, it stays silent, or it says itself that it is out of service (503). A caller who has heard something of
// the PBX stays with it, because our answer to him is given.
func (s *Session) overflows(o outcome) bool {
	return s.peer.Side == policy.SideOutside && !s.caller.Party.Verbatim && unreachable(o) && s.settings.Overflow.String() != "" && s.caller.body == nil
}

// unreachable tells whether an attempt has ended without anybody there who could have answered.
func unreachable(o outcome) bool {
	return o.tryNext && (o.status == 480 || o.status == 503 || o.status == 504)
}

// mayOverflow tells whether somebody else can take a call when this target stays silent.
func (s *Session) mayOverflow(to policy.Peer) bool {
	return to.Side == policy.SideInside && s.settings.Overflow.String() != ""
}

// overflow sends the call out to the overflow number. It is a call of the office from here on: routed, admitted and
// presented like one, and one hop fewer than it came with, so that a loop dies.
func (s *Session) overflow(failed outcome) outcome {
	number := s.settings.Overflow
	targets, rule := s.outbound(number)
	if len(targets) == 0 {
		return s.noOverflow(failed, "routes", fmt.Sprintf("no route leads to %s", number))
	}
	if !policy.Overflowable(number) { // the policy was checked for it; numbers change their class with a release
		return s.noOverflow(failed, "pbx.overflow", fmt.Sprintf("%s is a number of class %s", number, number.Class))
	}
	ticket, no := s.admitOnward(targets[0], number, admission.Overflowed)
	if no != nil {
		return s.noOverflow(failed, no.Rule, no.Reason, no.Steps...)
	}
	s.onward, s.because = ticket, "unavailable"
	s.mu.Lock()
	s.to, s.permit = number, ticket
	s.mu.Unlock()
	s.timer.Reset(timerC)
	s.desk.o.Sink.Tell(event.CallOverflowed{At: time.Now(), Call: s.id, From: s.callerText(), Called: s.called.String(), To: number.String(), Reason: failed.reason})
	s.log.Info("call overflows", "called", s.called.String(), "to", number.String(), "route", rule, "reason", failed.reason)
	o := s.tryAll(targets, ticket)
	if o.rule != "" { // nobody was called
		return s.noOverflow(failed, o.rule, o.reason, o.steps...)
	}
	return o
}

// noOverflow says to the caller what he would hear without an overflow number, and to the administrator why it was of
// no use.
func (s *Session) noOverflow(failed outcome, rule, reason string, steps ...admission.Step) outcome {
	return outcome{status: failed.status, rule: rule, steps: steps, reason: fmt.Sprintf("%s; the call could not overflow: %s", failed.reason, reason)}
}
