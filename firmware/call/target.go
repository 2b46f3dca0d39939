package call

import (
	"context"
	"fmt"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/media"
	"tollgate/firmware/policy"
	"tollgate/firmware/sdp"
	"tollgate/firmware/ua"
)

// reachTarget calls the target of a transfer, in the clear after all where that leads to an emergency service.
func (s *Session) reachTarget(r *referral, party *Party) (*Leg, outcome) {
	encrypt := party.SRTP != policy.SRTPOff
	leg, o := s.callTarget(r, party, encrypt)
	if leg == nil && encrypt && s.insists(r, o) && !o.elsewhere && !aboutCallee(o.status) {
		s.passesClear(party)
		return s.callTarget(r, party, false)
	}
	return leg, o
}

// insists tells whether a transfer goes on whatever the target has said: one to an emergency service does.
func (s *Session) insists(r *referral, o outcome) bool {
	return r.ticket.Urgent() && o.stopped == "" && !r.stay.gone
}

// callTarget calls the target of a transfer while the other two go on. It returns the target's leg when it has answered.
func (s *Session) callTarget(r *referral, party *Party, encrypt bool) (*Leg, outcome) {
	target := &Leg{Party: party}
	if err := s.openTransfer(r, target); err != nil {
		return nil, outcome{status: 503, reason: err.Error()}
	}
	offer, err := offerWith(target, r.stay, encrypt, sdp.SendRecv) // the one who stays may be on hold
	if err != nil {
		return nil, outcome{status: 488, reason: err.Error()}
	}
	draft, no := s.draft(target, r.number, s.onwardClaim(), offer)
	if no != nil {
		return nil, outcome{tryNext: true, status: no.status, rule: no.rule, reason: no.reason}
	}
	draft.Headers = append(draft.Headers, party.sessionHeaders(0)...)
	ctx, cancel := context.WithTimeout(context.Background(), connectTimeout)
	defer cancel()
	if o, sent := s.place(ctx, target, draft); !sent {
		return nil, o
	}
	s.expectCallBack(party, draft, r.number)
	return s.followTarget(r, target)
}

// openTransfer takes ports for the call to be.
func (s *Session) openTransfer(r *referral, target *Leg) (err error) {
	if r.relay == nil || r.relay.Leg(media.Callee).Side() != target.side() {
		if r.relay != nil {
			r.relay.Close()
		}
		if r.relay, err = s.desk.o.Relay.Open(s.id, r.stay.side(), target.side()); err != nil {
			return err
		}
	}
	target.media = r.relay.Leg(media.Callee)
	return nil
}

// followTarget follows the target's INVITE to its end and keeps the call between the others alive meanwhile.
func (s *Session) followTarget(r *referral, target *Leg) (*Leg, outcome) {
	late := time.AfterFunc(referTimeout, func() { s.inbox.Post(ringTimeout{}) })
	defer late.Stop()
	if r.ticket.Urgent() {
		late.Stop() // an emergency service answers when it can
	}
	defer s.watchSilence(target.invite, r.others, r.ticket.Urgent())()
	var quit giveUp
	abandon := func(o outcome) {
		if !quit.asked {
			quit = giveUp{o, true}
			target.cancel(target.invite, o.headers)
		}
	}
	for {
		e := s.next()
		switch {
		case e.Sent == target.invite && e.Sent != nil:
			if leg, o, done := s.heardTarget(r, target, e, quit); done {
				return leg, o
			}
		case isSilence(e.Note):
			if target.isSilent(e.Note) {
				return nil, target.leave(quit)
			}
		case e.Note != nil:
			if o, over := s.transferNote(e.Note); over {
				abandon(o)
			}
		case e.Request != nil && e.Err == nil:
			if s.duringTransfer(r, e.Request) {
				abandon(outcome{status: 487, reason: "the one who stays has hung up"})
			}
		case e.Sent != nil:
			s.passed(e)
		}
	}
}

// heardTarget takes a response of the target; done when it is the last one.
func (s *Session) heardTarget(r *referral, target *Leg, e ua.Event, quit giveUp) (*Leg, outcome, bool) {
	switch {
	case e.Err != nil:
		return nil, outcome{tryNext: !quit.asked, elsewhere: true, status: 504, reason: target.Party.Peer.Name + " does not answer", stopped: quit.stopped}, true
	case e.Response.IsProvisional():
		target.rang = s.newProgress(target, e.Response) || target.rang
		if !r.rang && !quit.asked {
			r.rang = true
			s.notify(r.by, 180, false)
		}
		return nil, outcome{}, false
	case !e.Response.IsSuccess():
		if quit.asked {
			return nil, quit.outcome, true
		}
		s.heardTrunk(target, e.Response)
		return nil, outcome{
			tryNext: ua.AnotherMayDoBetter(e.Response.StatusCode), status: ua.PassedStatus(e.Response.StatusCode),
			reason: fmt.Sprintf("%s answered %d", target.Party.Peer.Name, e.Response.StatusCode),
		}, true
	}
	leg, o := s.targetAnswered(target, e.Response, quit)
	return leg, o, true
}

// targetAnswered acknowledges the target's 2xx. One that cannot be used is hung up.
func (s *Session) targetAnswered(target *Leg, res *sip.Response, quit giveUp) (*Leg, outcome) {
	target.Dialog.Established(res)
	target.confirmed = true
	s.heardTrunk(target, res)
	target.learn(res)
	s.takeTimer(target, res)
	err := target.hear(res.Body())
	if ackErr := target.invite.Ack(nil); ackErr != nil {
		s.log.Info("ACK not sent", "err", ackErr)
	}
	if err == nil && !quit.asked {
		return target, outcome{}
	}
	s.former = append(s.former, target)
	s.release(target)
	if quit.asked {
		return nil, quit.outcome
	}
	return nil, outcome{status: 488, reason: fmt.Sprintf("the answer of %s cannot be used: %v", target.Party.Peer.Name, err)}
}

// transferNote takes a note that comes while a target rings.
func (s *Session) transferNote(note any) (outcome, bool) {
	switch n := note.(type) {
	case stop:
		return outcome{status: 503, stopped: n.reason, headers: n.headers}, true
	case sessionExpired:
		return outcome{status: 503, stopped: n.leg.Party.Peer.Name + " did not renew the session in time"}, true
	case handOver:
		n.to <- handed{} // one transfer at a time
	case takeOver:
		n.to <- 491
	case refreshDue:
		n.leg.timer.timer = time.AfterFunc(refreshRetry, func() { s.inbox.Post(n) })
	case moved:
		s.later(n, placeRetry)
	case ringTimeout:
		return outcome{status: 408, reason: "nobody answered for " + referTimeout.String()}, true
	}
	return outcome{}, false
}

// duringTransfer answers what the two who talk want meanwhile; it tells whether the one who stays has left.
func (s *Session) duringTransfer(r *referral, in *ua.Incoming) bool {
	leg := s.legOf(in)
	switch {
	case in.IsAck():
	case in.Method == sip.BYE:
		leg.gone = true
		s.answer(in, ua.Reply{Status: 200})
		return leg == r.stay
	case in.Method == sip.OPTIONS:
		s.answer(in, ua.Reply{Status: 200})
	case in.Method == sip.INFO && leg != r.by:
		s.info(leg, in)
	default:
		s.answer(in, ua.Reply{Status: 491})
	}
	return false
}
