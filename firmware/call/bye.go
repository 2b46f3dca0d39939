package call

import (
	"context"
	"slices"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/header"
	"tollgate/firmware/ua"
)

// byeTimeout bounds how long a call waits for the answers to its BYEs.
const byeTimeout = 3 * time.Second

// bye answers a BYE and says how the call ended.
func (s *Session) bye(in *ua.Incoming) ending {
	leg := s.legOf(in)
	leg.gone = true
	if s.leaver = in; !s.leavesByPBX(leg) {
		s.releaseLeaver()
	}
	return ending{reason: "hung up by " + leg.Party.Peer.Name, headers: header.Carry(in, header.Bye)}
}

// ackTimeout bounds how long a leg waits for the ACK that has to come before our BYE; a 200 is given up sooner (64*T1).
const ackTimeout = 33 * time.Second

// hangUp ends each confirmed dialog that has not ended and waits a little for the answers. A leg that has not acknowledged
// our 200 yet gets its BYE when it has, or when its time for that is over (RFC 3261 §15).
func (s *Session) hangUp(headers []sip.Header) {
	defer s.releaseLeaver()
	s.leaveChange()
	var due []*Leg
	for _, leg := range []*Leg{s.caller, s.callee} {
		if leg != nil && leg.confirmed && !leg.gone {
			due = append(due, leg)
		}
	}
	open := 0
	bye := func(leg *Leg) bool {
		if !leg.gone && s.inbox.Unacknowledged(leg.Dialog.LocalTag) {
			return false
		}
		if !leg.gone && s.sendBye(leg, headers) {
			open++
		}
		return true
	}
	if due = slices.DeleteFunc(due, bye); len(due) > 0 {
		answered := s.awaitAck(due, bye) // it may open some
		open -= answered
	}
	s.await(open)
}

// awaitAck waits until nothing is due any more; it tells how many BYEs of ours were answered meanwhile.
func (s *Session) awaitAck(due []*Leg, bye func(*Leg) bool) (answered int) {
	ctx, cancel := context.WithTimeout(context.Background(), ackTimeout)
	defer cancel()
	for len(due) > 0 {
		e, err := s.inbox.Next(ctx)
		if err != nil {
			break
		}
		answered += s.settle(e)
		due = slices.DeleteFunc(due, bye)
	}
	return answered
}

// sendBye ends a leg, with these headers; it tells whether an answer is to come.
func (s *Session) sendBye(leg *Leg, headers []sip.Header) bool {
	leg.gone = true
	ctx, cancel := context.WithTimeout(context.Background(), byeTimeout)
	defer cancel()
	req := leg.Dialog.Request(sip.BYE)
	for _, h := range headers {
		req.AppendHeader(h)
	}
	if s.leaver != nil {
		for _, h := range leg.proofs(s.leaver) {
			req.AppendHeader(h)
		}
	}
	_, err := s.send(ctx, leg, req)
	if err != nil {
		s.log.Info("BYE not sent", "to", leg.Party.Peer.Name, "err", err)
	}
	return err == nil
}

// await waits for the final responses to open BYEs of ours, and to a re-INVITE that the end has overtaken.
func (s *Session) await(open int) {
	if open == 0 && s.change == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), byeTimeout)
	defer cancel()
	for open > 0 || s.change != nil {
		e, err := s.inbox.Next(ctx)
		if err != nil {
			return
		}
		open -= s.settle(e)
	}
}

// settle takes what still comes in when a call is over: 1 when it answers a BYE of ours.
func (s *Session) settle(e ua.Event) int {
	switch {
	case isTakeOver(e.Note):
		e.Note.(takeOver).to <- 603
	case e.Sent != nil && e.Sent.Is(sip.BYE) && (e.Err != nil || !e.Response.IsProvisional()):
		if s.askLeaver(e) {
			return 0 // another one follows
		}
		s.releaseLeaver()
		return 1
	case s.change != nil && e.Sent == s.change.out && (e.Err != nil || !e.Response.IsProvisional()):
		s.endChange(e)
	case e.Request != nil && e.Err == nil && e.Request.Method == sip.BYE:
		if !s.leaveAgain(e.Request) {
			s.legOf(e.Request).gone = true // both hung up at once
			s.answer(e.Request, ua.Reply{Status: 200})
		}
	case e.Request != nil && e.Err == nil && !e.Request.IsAck():
		s.answer(e.Request, ua.Reply{Status: 481})
	}
	return 0
}

// credentials answer a challenge on this leg and on no other.
func (l *Leg) credentials() *ua.Credentials {
	if l.Party.Credentials == nil {
		return nil
	}
	return l.Party.Credentials(l.account)
}
