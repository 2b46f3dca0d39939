package call

import (
	"context"
	"fmt"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/header"
	"tollgate/firmware/media"
	"tollgate/firmware/ua"
)

// change is a re-INVITE or UPDATE on its way through the box (RFC 3261 §14, RFC 3311): in from one leg, out to the other.
type change struct {
	from    *Leg
	in      *ua.Incoming // nil: the box's own
	out     *ua.Outgoing
	told    bool          // the one who asked has its answer (it cancelled)
	refresh bool          // a session refresh of ours: no media changes
	heal    bool          // a refresh that nothing depends on
	place   bool          // it says where the box is now, and changes nothing else
	again   bool          // what the other leg answers is then told to this one
	before  *[2]agreement // by media.Role: what goes on when the change is refused; nil: what is said now
}

// reinvite takes a re-INVITE or an UPDATE within an answered call.
func (s *Session) reinvite(leg *Leg, in *ua.Incoming) {
	switch {
	case tooShort(in.Request):
		s.answer(in, ua.Reply{Status: 422, Headers: []sip.Header{sip.NewHeader("Min-SE", seconds(minSessionExpires))}})
		return
	case s.change != nil || s.promise != nil:
		s.answer(in, ua.Reply{Status: 491}) // RFC 3261 §14.2, RFC 6337: one offer at a time
		return
	}
	leg.Dialog.Retarget(in.Request)
	leg.learn(in)
	switch {
	case len(in.Body()) == 0 && in.Method == sip.UPDATE && s.passRefresh(leg, in):
	case len(in.Body()) == 0 && in.Method == sip.UPDATE:
		s.answer(in, ua.Reply{Status: 200, Contact: leg.Dialog.Contact, Headers: s.grantTimer(leg, in.Request)})
	case len(in.Body()) == 0:
		s.reofferTo(leg, in)
	case !in.HasBody(sdpType):
		s.answer(in, ua.Reply{Status: 415})
	case leg.sameOffer(in) && !s.other(leg).proves:
		s.answerAgain(leg, in)
	default:
		s.passChange(leg, in)
	}
}

// passChange passes a change of the media on to the other leg.
func (s *Session) passChange(leg *Leg, in *ua.Incoming) {
	before := s.agreed()
	if err := s.takeOffer(leg, in.Body()); err != nil {
		s.log.Info("change refused", "from", leg.Party.Peer.Name, "err", err)
		s.answer(in, ua.Reply{Status: 488})
		return
	}
	other := s.other(leg)
	offer, err := offerTo(other, leg, other.keys.encrypted())
	if err != nil {
		s.revert(before)
		s.answer(in, ua.Reply{Status: 488})
		return
	}
	if err := s.startChange(&change{from: leg, in: in, before: before}, offer); err != nil {
		s.revert(before)
		s.log.Info("change not passed on", "to", other.Party.Peer.Name, "err", err)
		s.answer(in, ua.Reply{Status: 503})
	}
}

// agreed remembers what both legs have agreed on, before an offer that may be refused (RFC 3261 §14.1).
func (s *Session) agreed() *[2]agreement {
	return &[2]agreement{s.caller.agreement, s.callee.agreement}
}

// revert goes back to what was agreed on before; nil changes nothing.
func (s *Session) revert(before *[2]agreement) {
	if before != nil {
		s.caller.agreement, s.callee.agreement = before[media.Caller], before[media.Callee]
	}
}

// startChange sends our offer to the other leg. A re-INVITE is what every peer takes, whatever the change came by.
func (s *Session) startChange(c *change, offer []byte) error {
	other := s.other(c.from)
	req := other.Dialog.RequestWith(sip.INVITE, offer, sdpType)
	for _, h := range other.timerHeaders() {
		req.AppendHeader(h)
	}
	if c.in != nil {
		for _, h := range append(header.Carry(c.in, header.Invite), other.proofs(c.in)...) {
			req.AppendHeader(h)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), connectTimeout)
	defer cancel()
	var err error
	if c.out, err = s.send(ctx, other, req); err == nil {
		s.change = c
	}
	return err
}

// changed acknowledges the other leg's 2xx and answers the one who asked.
func (s *Session) changed(res *sip.Response) (ending, bool) {
	c := s.change
	s.change = nil
	other := s.other(c.from)
	other.Dialog.Retarget(res)
	s.takeTimer(other, res)
	if ackErr := c.out.Ack(nil); ackErr != nil {
		s.log.Info("ACK not sent", "err", ackErr)
	}
	if c.in == nil {
		err := other.hear(res.Body())
		if err == nil {
			err = s.setMedia()
		}
		if err == nil && c.again {
			return s.tellChange(other)
		}
		return s.unusable(other, err)
	}
	body, err := s.takeAnswer(other, c.from, res.Body())
	if err != nil {
		// Both sides have been told different things; nothing but an end is honest.
		s.answer(c.in, ua.Reply{Status: 488})
		return s.unusable(other, err)
	}
	if !c.told {
		s.answerWith(c.from, c.in, body, header.Carry(res, header.Answer)...)
	}
	return ending{}, false
}

func (s *Session) unusable(l *Leg, err error) (ending, bool) {
	if err == nil {
		return ending{}, false
	}
	return ending{reason: fmt.Sprintf("%s answered a change in a way that cannot be used: %v", l.Party.Peer.Name, err)}, true
}

// changeFailed passes the refusal on; the call goes on as it was, unless the dialog is gone (RFC 3261 §12.2.1.2).
func (s *Session) changeFailed(status int, err error, challenges ...sip.Header) (ending, bool) {
	c := s.change
	s.change = nil
	other := s.other(c.from)
	if status == 488 && s.changeSwapped(c) {
		return ending{}, false
	}
	if c.in != nil {
		c.from.anew = true // asked once more, it is no refresh
	}
	switch {
	case c.in == nil || c.told:
	case len(challenges) > 0:
		s.answer(c.in, ua.Reply{Status: status, Headers: challenges})
	default:
		s.answer(c.in, ua.Reply{Status: passedChange(status)})
	}
	if status == 481 || status == 408 {
		other.gone = status == 481
		return ending{reason: fmt.Sprintf("%s has lost the call (%d %s)", other.Party.Peer.Name, status, ua.Phrase(status))}, true
	}
	s.revert(c.before)
	s.log.Info("change refused", "by", other.Party.Peer.Name, "status", status, "err", err)
	if c.place && status == 491 {
		other.stale = true
		s.later(moved{}, s.afterGlare(other))
	}
	return ending{}, false
}

// changeSwapped asks once more with the other encoding of G.711, when the peer has declined that of the one who asked, as
// for a new call; false when there is nothing else to ask with.
func (s *Session) changeSwapped(c *change) bool {
	other := s.other(c.from)
	if c.in == nil || c.told || other.converts || !swappable(c.from, other.Party) {
		return false
	}
	other.converts = true
	offer, err := offerTo(other, c.from, other.keys.encrypted())
	if err == nil {
		err = s.startChange(c, offer)
	}
	return err == nil
}

func passedChange(status int) int {
	if status == 491 || status == 488 {
		return status
	}
	return ua.PassedStatus(status)
}

// changeCancelled gives a re-INVITE up whose sender cancelled it.
func (s *Session) changeCancelled(in *ua.Incoming, cancel *sip.Request) {
	if s.change != nil && s.change.in == in {
		s.change.told = true
		s.other(s.change.from).cancel(s.change.out, header.Carry(cancel, header.Cancel))
	}
}
