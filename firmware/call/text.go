package call

import (
	"strings"
	"unicode/utf8"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/eventbody"
	"tollgate/firmware/ua"
)

// maxText is the longest message within a call, in bytes (RFC 3428 §8).
const maxText = 1300

// text passes a MESSAGE within a call on to the other leg (RFC 3428 §4), when its peer takes them: plain text in UTF-8.
func (s *Session) text(leg *Leg, in *ua.Incoming) {
	other := s.other(leg)
	switch {
	case !in.HasBody("text/plain") || !utf8.Valid(in.Body()):
		s.answer(in, ua.Reply{Status: 415, Headers: []sip.Header{sip.NewHeader("Accept", "text/plain")}})
	case len(in.Body()) > maxText:
		s.answer(in, ua.Reply{Status: 413})
	case !other.allows(sip.MESSAGE):
		s.answer(in, ua.Reply{Status: 405})
	case len(s.passing) >= infoWindow:
		s.answer(in, ua.Reply{Status: 500, Headers: []sip.Header{sip.NewHeader("Retry-After", "1")}})
	default:
		s.pass(other, in, "text/plain;charset=UTF-8")
	}
}

// refuseOther answers a request within a call that has no place there. Subscriptions have dialogs of their own (RFC 6665
// §4.5.2), and the only one of a call is the box's own, of a transfer.
func (s *Session) refuseOther(in *ua.Incoming) {
	status := 405
	switch in.Method {
	case sip.SUBSCRIBE:
		status = 403
	case sip.NOTIFY:
		status = 481
	}
	s.answer(in, ua.Reply{Status: status})
}

// eventsTaken tells which event packages pass (RFC 6665 §8.2.2).
func eventsTaken() sip.Header {
	return sip.NewHeader("Allow-Events", strings.Join(eventbody.Packages(), ", "))
}
