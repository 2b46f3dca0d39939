package call

import (
	"context"
	"fmt"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/ua"
)

// change is a re-INVITE on its way through the box (RFC 3261 §14): in from one leg, out to the other.
type change struct {
	from *Leg
	in   *ua.Incoming
	out  *ua.Outgoing
	told bool // the one who asked has its answer (it cancelled)
}

// reinvite passes a change of the media on to the other leg.
func (s *Session) reinvite(leg *Leg, in *ua.Incoming) {
	if s.change != nil {
		s.answer(in, ua.Reply{Status: 491}) // RFC 3261 §14.2, RFC 6337: one offer at a time
		return
	}
	leg.Dialog.Retarget(in.Request)
	if !in.HasBody(sdpType) {
		s.answer(in, ua.Reply{Status: 488})
		return
	}
	if err := s.takeOffer(leg, in.Body()); err != nil {
		s.log.Info("re-INVITE refused", "from", leg.Party.Peer.Name, "err", err)
		s.answer(in, ua.Reply{Status: 488})
		return
	}
	other := s.other(leg)
	offer, err := s.offerTo(other, leg, other.ours != nil)
	if err != nil {
		s.answer(in, ua.Reply{Status: 488})
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), connectTimeout)
	defer cancel()
	req := other.Dialog.RequestWith(sip.INVITE, offer, sdpType)
	out, err := s.inbox.Send(ctx, req, other.Party.Peer, other.Party.Path, other.Dialog, other.credentials())
	if err != nil {
		s.log.Info("re-INVITE not passed on", "to", other.Party.Peer.Name, "err", err)
		s.answer(in, ua.Reply{Status: 503})
		return
	}
	s.change = &change{from: leg, in: in, out: out}
}

// changed acknowledges the other leg's 2xx and answers the one who asked.
func (s *Session) changed(res *sip.Response) (ending, bool) {
	c := s.change
	s.change = nil
	other := s.other(c.from)
	other.Dialog.Retarget(res)
	body, err := s.takeAnswer(other, c.from, res.Body())
	if ackErr := c.out.Ack(nil); ackErr != nil {
		s.log.Info("ACK not sent", "err", ackErr)
	}
	if err != nil {
		// Both sides have been told different things; nothing but an end is honest.
		s.answer(c.in, ua.Reply{Status: 488})
		return ending{reason: fmt.Sprintf("%s answered a change in a way that cannot be used: %v", other.Party.Peer.Name, err)}, true
	}
	if !c.told {
		s.answer(c.in, ua.Reply{Status: 200, Contact: c.from.Dialog.Contact, Body: body, ContentType: sdpType})
	}
	return ending{}, false
}

// changeFailed passes the refusal on; the call goes on as it was, unless the dialog is gone (RFC 3261 §12.2.1.2).
func (s *Session) changeFailed(status int, err error) (ending, bool) {
	c := s.change
	s.change = nil
	other := s.other(c.from)
	if !c.told {
		s.answer(c.in, ua.Reply{Status: passedChange(status)})
	}
	if status == 481 || status == 408 {
		other.gone = status == 481
		return ending{reason: fmt.Sprintf("%s has lost the call (%d %s)", other.Party.Peer.Name, status, ua.Phrase(status))}, true
	}
	s.log.Info("change refused", "by", other.Party.Peer.Name, "status", status, "err", err)
	return ending{}, false
}

func passedChange(status int) int {
	if status == 491 || status == 488 {
		return status
	}
	return passedStatus(status)
}

// changeCancelled gives a re-INVITE up whose sender cancelled it.
func (s *Session) changeCancelled(in *ua.Incoming) {
	if s.change != nil && s.change.in == in {
		s.change.told = true
		s.change.out.Cancel()
	}
}
