package call

import (
	"errors"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/field"
	"tollgate/firmware/ua"
)

// talk follows an answered call to its end.
func (s *Session) talk() ending {
	s.listen()
	s.touch()
	for {
		if s.inbox.Idle() {
			s.rest()
			s.inbox.Wait()
		}
		if end, over := s.heed(); over {
			return end
		}
	}
}

// heed takes the next event of an answered call.
func (s *Session) heed() (ending, bool) {
	e, ok := s.event()
	switch {
	case !ok:
	case e.Note != nil:
		return s.note(e.Note)
	case e.Request != nil && e.Err != nil:
		if errors.Is(e.Err, ua.ErrNoAck) {
			return ending{reason: s.legOf(e.Request).Party.Peer.Name + " did not acknowledge the answer"}, true
		}
	case e.Request != nil:
		return s.request(e.Request)
	case e.Cancelled != nil:
		s.changeCancelled(e.Cancelled, e.Cancel)
	case e.Sent != nil:
		return s.response(e)
	}
	return ending{}, false
}

// request answers a request within an answered call.
func (s *Session) request(in *ua.Incoming) (ending, bool) {
	leg := s.legOf(in)
	if in.IsAck() {
		return s.acknowledged(leg, in)
	}
	if s.hasLeft(leg) {
		status := 481
		if in.Method == sip.BYE {
			status = 200
		}
		s.answer(in, ua.Reply{Status: status})
		return ending{}, false
	}
	if !leg.Dialog.InOrder(in.Request) {
		s.answer(in, ua.Reply{Status: 500}) // RFC 3261 §12.2.2
		return ending{}, false
	}
	if len(field.All(in, "Replaces")) > 0 {
		s.answer(in, ua.Reply{Status: 400}) // RFC 3891 §3: only an INVITE that begins a dialog may
		return ending{}, false
	}
	switch in.Method {
	case sip.BYE:
		return s.bye(in), true
	case sip.INVITE, sip.UPDATE:
		s.reinvite(leg, in)
	case sip.INFO:
		s.info(leg, in)
	case sip.MESSAGE:
		s.text(leg, in)
	case sip.REFER:
		return s.refer(leg, in)
	case sip.NOTIFY:
		s.passNotify(leg, in)
	case sip.OPTIONS:
		s.answer(in, ua.Reply{Status: 200})
	default:
		s.refuseOther(in)
	}
	return ending{}, false
}

// note takes what a timer or the desk has to say.
func (s *Session) note(note any) (ending, bool) {
	switch n := note.(type) {
	case stop:
		return ending{reason: n.reason, headers: n.headers}, true
	case moved:
		s.relocate()
	case probeDue:
		s.probe(n.leg)
	case heal:
		s.heal(n)
	case refreshDue:
		return s.refresh(n.leg)
	case handOver:
		return s.give(n)
	case takeOver:
		return s.takeOver(n)
	case silenceDue:
		return s.stillHeard(time.Now())
	case sessionExpired:
		return ending{reason: n.leg.Party.Peer.Name + " did not renew the session in time"}, true
	}
	return ending{}, false
}

// response takes the answer to a request of ours within an answered call. BYEs are sent at the end only.
func (s *Session) response(e ua.Event) (ending, bool) {
	if end, lost := s.probed(e); lost {
		return end, true
	}
	if s.passed(e) || s.change == nil || e.Sent != s.change.out {
		return ending{}, false
	}
	switch {
	case e.Err == nil && e.Response.IsProvisional():
		return ending{}, false
	case s.change.refresh:
		return s.refreshed(e)
	case e.Err != nil:
		return s.changeFailed(408, e.Err)
	case e.Response.IsSuccess():
		return s.changed(e.Response)
	default:
		return s.changeFailed(e.Response.StatusCode, nil, s.other(s.change.from).challenges(e.Response)...)
	}
}
