package call

import (
	"context"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/ua"
)

// passable are the bodies of INFO that cross the border: key presses.
func passable(contentType string) bool {
	return contentType == relayType || contentType == "application/dtmf"
}

// infoWindow is how many key presses of one side may be on their way at once. More wait here, in order: a peer that takes
// its time must not find two thousand messages before it.
const infoWindow = 16

// info passes key presses on to the other leg (RFC 6086, legacy usage).
func (s *Session) info(leg *Leg, in *ua.Incoming) {
	other := s.other(leg)
	kind := in.BodyType()
	switch {
	case kind == "":
		s.answer(in, ua.Reply{Status: 200}) // an empty INFO asks whether the dialog is alive
		return
	case !passable(kind) || len(in.Body()) > 256:
		s.answer(in, ua.Reply{Status: 415})
		return
	case s.pressesKey(leg, other, in):
		return
	case !other.allows(sip.INFO):
		s.answer(in, ua.Reply{Status: 405})
		return
	}
	s.presses = append(s.presses, press{other, in})
	s.passPresses()
}

// press is a key press that waits for its turn.
type press struct {
	to *Leg
	in *ua.Incoming
}

// passPresses sends what may go.
func (s *Session) passPresses() {
	for len(s.presses) > 0 && len(s.passing) < infoWindow {
		next := s.presses[0]
		s.presses = s.presses[1:]
		s.pass(next.to, next.in, next.in.BodyType())
	}
}

// pass sends a request of one leg to the other as a new one.
func (s *Session) pass(other *Leg, in *ua.Incoming, contentType string) {
	s.passAs(other, in, other.Dialog.RequestWith(in.Method, in.Body(), contentType))
}

// passAs sends req to a leg, in the place of a request of the other, with what proves its sender.
func (s *Session) passAs(other *Leg, in *ua.Incoming, req *sip.Request) {
	for _, h := range other.proofs(in) {
		req.AppendHeader(h)
	}
	ctx, cancel := context.WithTimeout(context.Background(), connectTimeout)
	defer cancel()
	out, err := s.send(ctx, other, req)
	if err != nil {
		s.answer(in, ua.Reply{Status: 503})
		return
	}
	s.awaits(out, in)
}

// awaits remembers whose request waits for an answer; nil: the box's own, whose answer does not matter.
func (s *Session) awaits(out *ua.Outgoing, in *ua.Incoming) {
	if s.passing == nil {
		s.passing = map[*ua.Outgoing]*ua.Incoming{}
	}
	s.passing[out] = in
}

// passed answers what was passed on with what came back; false when it was nothing of that kind.
func (s *Session) passed(e ua.Event) bool {
	in, ok := s.passing[e.Sent]
	if !ok {
		return false
	}
	if e.Err == nil && e.Response.IsProvisional() {
		return true
	}
	delete(s.passing, e.Sent)
	if in == nil {
		s.passPresses()
		return true
	}
	reply := ua.Reply{Status: 408}
	if e.Err == nil {
		reply = s.passedReply(in, e.Response)
	}
	s.answer(in, reply)
	s.passPresses()
	return true
}
