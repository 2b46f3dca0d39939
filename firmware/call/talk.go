package call

import (
	"errors"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/ua"
)

// talk follows an answered call to its end.
func (s *Session) talk() ending {
	for {
		e := s.next()
		switch {
		case e.Note != nil:
			if n, ok := e.Note.(stop); ok {
				return ending{reason: n.reason}
			}
		case e.Request != nil && e.Err != nil:
			if errors.Is(e.Err, ua.ErrNoAck) {
				return ending{reason: s.legOf(e.Request).Party.Peer.Name + " did not acknowledge the answer"}
			}
		case e.Request != nil:
			if end, over := s.request(e.Request); over {
				return end
			}
		case e.Cancelled != nil:
			s.changeCancelled(e.Cancelled)
		case e.Sent != nil:
			if end, over := s.response(e); over {
				return end
			}
		}
	}
}

// request answers a request within an answered call.
func (s *Session) request(in *ua.Incoming) (ending, bool) {
	leg := s.legOf(in)
	if in.IsAck() {
		return ending{}, false
	}
	if !leg.Dialog.InOrder(in.Request) {
		s.answer(in, ua.Reply{Status: 500}) // RFC 3261 §12.2.2
		return ending{}, false
	}
	switch in.Method {
	case sip.BYE:
		return s.bye(in), true
	case sip.INVITE:
		s.reinvite(leg, in)
	case sip.OPTIONS:
		s.answer(in, ua.Reply{Status: 200})
	default:
		s.answer(in, ua.Reply{Status: 405})
	}
	return ending{}, false
}

// response takes the answer to a request of ours within an answered call: a re-INVITE, since BYEs are sent at the end only.
func (s *Session) response(e ua.Event) (ending, bool) {
	if s.change == nil || e.Sent != s.change.out {
		return ending{}, false
	}
	if e.Err != nil {
		return s.changeFailed(408, e.Err)
	}
	switch {
	case e.Response.IsProvisional():
		return ending{}, false
	case e.Response.IsSuccess():
		return s.changed(e.Response)
	default:
		return s.changeFailed(e.Response.StatusCode, nil)
	}
}
