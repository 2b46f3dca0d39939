package call

import (
	"fmt"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/field"
	"tollgate/firmware/sdp"
	"tollgate/firmware/ua"
)

// An INVITE without an offer leaves the offer to the one who answers it (RFC 3261 §13.2.1). The callee always gets an
// offer, the box's own; the caller gets one with its 200, and answers in its ACK.

// promise is an offer of ours that waits for its answer in an ACK.
type promise struct {
	leg *Leg
	// before is the direction of the leg until now, when a change has to be told to the other side.
	before sdp.Direction
	tell   bool // the other side knows nothing of the leg yet
}

// offerCaller writes the offer that goes with the 200 of a call that began without one.
func (s *Session) offerCaller() ([]byte, error) {
	body, err := offerTo(s.caller, s.callee, s.caller.Party.offersKeys())
	if err == nil {
		s.promise = &promise{leg: s.caller}
	}
	return body, err
}

// reofferTo answers a re-INVITE without an offer: with ours, from what the other leg has agreed on.
func (s *Session) reofferTo(l *Leg, in *ua.Incoming) {
	audio, _ := l.remote().Audio()
	body, err := offerTo(l, s.other(l), l.keys.encrypted())
	if err != nil {
		s.answer(in, ua.Reply{Status: 488})
		return
	}
	s.promise = &promise{leg: l, before: audio.Direction}
	s.answer(in, ua.Reply{Status: 200, Contact: l.Dialog.Contact, Body: body, ContentType: sdpType, Headers: s.grantTimer(l, in.Request)})
}

// acknowledged takes the answer to a promised offer out of an ACK.
func (s *Session) acknowledged(l *Leg, ack *ua.Incoming) (ending, bool) {
	p := s.promise
	if p == nil || p.leg != l {
		return ending{}, false
	}
	s.promise = nil
	err := l.hear(ack.Body())
	if err == nil {
		err = s.setMedia()
	}
	if err != nil {
		return ending{reason: fmt.Sprintf("the answer of %s cannot be used: %v", l.Party.Peer.Name, err)}, true
	}
	if p.tell {
		return s.tellNewcomer(l)
	}
	if audio, _ := l.remote().Audio(); p.before != "" && audio.Direction != p.before {
		return s.tellChange(l)
	}
	return ending{}, false
}

// tellChange passes a change on that the box has accepted already.
func (s *Session) tellChange(from *Leg) (ending, bool) {
	offer, err := offerTo(s.other(from), from, s.other(from).keys.encrypted())
	if err == nil {
		err = s.startChange(&change{from: from}, offer)
	}
	if err != nil {
		s.log.Info("change not passed on", "from", from.Party.Peer.Name, "err", err)
	}
	return ending{}, false
}

// answerWith answers an INVITE or UPDATE of a leg with a description of ours and these headers.
func (s *Session) answerWith(l *Leg, in *ua.Incoming, body []byte, headers ...sip.Header) {
	headers = append(s.grantTimer(l, in.Request), headers...)
	s.answer(in, ua.Reply{Status: 200, Contact: l.Dialog.Contact, Body: body, ContentType: sdpType, Headers: headers})
}

// sameOffer tells whether an offer is what the peer has said before: a session refresh (RFC 4028 §7.4).
func (l *Leg) sameOffer(in *ua.Incoming) bool { return !l.anew && string(in.Body()) == l.heard }

// answerAgain answers a session refresh without troubling the other leg.
func (s *Session) answerAgain(l *Leg, in *ua.Incoming) {
	err := s.takeOffer(l, in.Body())
	var body []byte
	if err == nil {
		body, err = answerTo(l, s.other(l))
	}
	if err == nil {
		err = s.setMedia()
	}
	if err != nil {
		s.answer(in, ua.Reply{Status: 488})
		return
	}
	s.answerWith(l, in, body)
}

// learn notes what a peer says it takes: methods and extensions.
func (l *Leg) learn(m field.Message) {
	if h := field.All(m, "Allow"); len(h) > 0 {
		l.allow = h
	}
}

func (l *Leg) allows(method sip.RequestMethod) bool { return ua.Lists(l.allow, string(method)) }
