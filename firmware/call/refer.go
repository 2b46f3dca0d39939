package call

import (
	"context"
	"fmt"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/admission"
	"tollgate/firmware/event"
	"tollgate/firmware/field"
	"tollgate/firmware/media"
	"tollgate/firmware/numbering"
	"tollgate/firmware/policy"
	"tollgate/firmware/route"
	"tollgate/firmware/ua"
)

// A transfer ends at the box (RFC 5853 §3.2.1): REFER never crosses it. The box calls the target itself, judged like any
// other call of the office, and joins it with the one who stays.
//
//	transferor --REFER--> box: number, route, admission
//	transferor <--NOTIFY-- 100, 180 ...        box --INVITE--> target, offered what the one who stays can do
//	transferor <--NOTIFY-- 200, BYE            box --re-INVITE--> the one who stays, offered what the target answered
//
// Until the target answers, the two go on talking; when it does not, they still can.

// referTimeout is how long a target may ring.
const referTimeout = 90 * time.Second

// referral is a REFER that was accepted.
type referral struct {
	by, stay *Leg
	number   numbering.Number
	targets  []route.Target
	ticket   *admission.Ticket
	with     *dialogID      // of the call to join with; nil: the number is to be called
	relay    *media.Session // holds the target's ports until it answers
	rang     bool           // the transferor was told
	others   bool           // who could take the call are left
}

// refer takes a REFER within an answered call (RFC 3515). Only the office may transfer: a carrier that could would place
// calls at the office's expense.
func (s *Session) refer(by *Leg, in *ua.Incoming) (ending, bool) {
	if s.withItsPBX(by) {
		s.passRefer(by, in)
		return ending{}, false
	}
	if s.change != nil || s.promise != nil {
		s.answer(in, ua.Reply{Status: 491})
		return ending{}, false
	}
	r, no := s.readReferral(by, in)
	if no == nil && r.with == nil {
		no = s.admitReferral(r)
	}
	if no != nil {
		s.answer(in, ua.Reply{Status: no.status})
		s.tellTransferRefused(r, *no)
		return ending{}, false
	}
	s.answer(in, ua.Reply{Status: 202, Contact: by.Dialog.Contact})
	s.notify(by, 100, false)
	if r.with != nil {
		return s.attended(r, *r.with)
	}
	return s.transfer(r)
}

// readReferral reads whom the transferor wants, and where that is.
func (s *Session) readReferral(by *Leg, in *ua.Incoming) (*referral, *refusal) {
	r := &referral{by: by, stay: s.other(by)}
	if s.emergency() { // RFC 6881 §13; and nobody may have proven who he is
		return r, &refusal{status: 403, rule: "emergency", reason: "an emergency call is not transferred"}
	}
	headers := field.All(in, "Refer-To")
	if len(headers) != 1 {
		return r, &refusal{status: 400, rule: "sip", reason: "a REFER has exactly one Refer-To"}
	}
	var uri sip.Uri
	params := sip.NewParams()
	if _, err := sip.ParseAddressValue(headers[0].Value(), &uri, &params); err != nil || uri.Host == "" && uri.Raw() == "" {
		return r, &refusal{status: 400, rule: "sip", reason: "its Refer-To cannot be read"}
	}
	switch {
	case by.side() != policy.SideInside:
		return r, &refusal{status: 403, rule: "transfer", reason: by.Party.Peer.Name + " wants to transfer a call; only the office may"}
	}
	if id, attended := replacesOf(uri); attended {
		if s.desk.holding(id, by.Party.Peer, s) == nil {
			return r, &refusal{status: 481, rule: "transfer", reason: by.Party.Peer.Name + " wants to join a call that the box does not have"}
		}
		r.with = &id
		return r, nil
	}
	return r, s.findReferral(r, ua.UserOf(uri))
}

// findReferral finds the target: one of our own numbers is the PBX's, any other goes out by the routes.
func (s *Session) findReferral(r *referral, user string) *refusal {
	if r.by.Party.Peer.Phone() {
		return s.findPhoneReferral(r, user)
	}
	number, err := s.settings.Plan.Read(user, s.settings.OutsidePrefix)
	if err != nil {
		return &refusal{status: 484, rule: "site.country", reason: err.Error()}
	}
	r.number = number
	if r.targets = s.targetsOf(number); len(r.targets) == 0 {
		return &refusal{status: 404, rule: "routes", reason: fmt.Sprintf("no route leads to %s", number)}
	}
	return nil
}

// admitReferral judges the transfer as the new call that it is.
func (s *Session) admitReferral(r *referral) *refusal {
	ticket, no := s.admitOnward(r.targets[0], r.number, admission.Transferred)
	if no != nil {
		return refusedBy(no)
	}
	r.ticket = ticket
	return nil
}

func (s *Session) tellTransferRefused(r *referral, no refusal) {
	s.log.Info("transfer refused", "by", r.by.Party.Peer.Name, "to", r.number.String(), "rule", no.rule, "reason", no.reason, "status", no.status)
	s.desk.o.Sink.Tell(event.CallRefused{
		At: time.Now(), From: s.callerText(), To: r.number.String(), Side: string(r.by.side()), Caller: r.by.Party.Peer.Name, Status: no.status, Rule: no.rule,
		Reason: "transfer: " + no.reason, Steps: toldSteps(no.steps),
	})
}

// notify tells the transferor how the transfer stands (RFC 3515 §2.4.4); over ends the subscription.
func (s *Session) notify(by *Leg, status int, over bool) {
	if by.gone {
		return
	}
	state := "active;expires=" + seconds(referTimeout)
	if over {
		state = "terminated;reason=noresource"
	}
	req := by.Dialog.RequestWith(sip.NOTIFY, fmt.Appendf(nil, "SIP/2.0 %d %s\r\n", status, ua.Phrase(status)), "message/sipfrag;version=2.0")
	req.AppendHeader(sip.NewHeader("Event", "refer"))
	req.AppendHeader(sip.NewHeader("Subscription-State", state))
	req.AppendHeader(sip.NewHeader("Contact", "<"+by.Dialog.Contact+">"))
	ctx, cancel := context.WithTimeout(context.Background(), connectTimeout)
	defer cancel()
	if _, err := s.send(ctx, by, req); err != nil {
		s.log.Info("transferor not told", "err", err)
	}
}

// transfer calls the targets in turn and joins the first that answers with the one who stays.
func (s *Session) transfer(r *referral) (ending, bool) {
	s.log.Info("transfer", "by", r.by.Party.Peer.Name, "to", r.number.String())
	if r.ticket.Urgent() {
		s.tellEmergency(r.number, r.by.Party.Peer)
	}
	last := outcome{status: 503}
	s.asks = r.ticket
	for i, t := range r.targets {
		r.others = i+1 < len(r.targets)
		if t.Peer.Side == policy.SideOutside {
			if no := s.move(r.ticket, t.Peer.Name); no != nil {
				last = outcome{status: no.Status, rule: no.Rule, reason: no.Reason, steps: no.Steps}
				continue
			}
		}
		party, ok := s.partyAt(t)
		if !ok || party.Away != "" {
			last = outcome{status: 480, reason: party.Away}
			continue
		}
		leg, o := s.reachTarget(r, party)
		if leg != nil {
			return s.join(r, leg)
		}
		if last = o; r.stay.gone || !o.tryNext && !s.insists(r, o) {
			break
		}
	}
	return s.transferFailed(r, last)
}

// transferFailed leaves the call as it was, unless somebody has left it meanwhile.
func (s *Session) transferFailed(r *referral, o outcome) (ending, bool) {
	r.ticket.Ended(false, 0)
	r.ticket.Release()
	if r.relay != nil {
		r.relay.Close()
	}
	s.notify(r.by, max(o.status, 400), true)
	s.log.Info("transfer failed", "to", r.number.String(), "status", o.status, "reason", o.reason)
	switch {
	case r.stay.gone || r.by.gone:
		return ending{reason: "the transfer failed, and one side has hung up"}, true
	case o.stopped != "":
		return ending{reason: o.stopped, headers: o.headers}, true
	}
	return ending{}, false
}

// join puts the target into the transferor's place, lets that one go, and tells the one who stays what it can do.
func (s *Session) join(r *referral, target *Leg) (ending, bool) {
	if err := s.desk.o.Relay.Exchange(s.relay, s.role(r.by), r.relay, media.Callee); err != nil {
		s.former = append(s.former, target)
		s.release(target)
		return s.transferFailed(r, outcome{status: 500, reason: err.Error()})
	}
	r.relay.Close() // with the transferor's ports
	s.notify(r.by, 200, true)
	s.replace(r, target)
	return s.tellChange(target)
}

// replace has the target talk to the one who stays.
func (s *Session) replace(r *referral, target *Leg) {
	s.extra = append(s.extra, r.ticket)
	s.mu.Lock()
	s.to = r.number
	if r.ticket != nil {
		s.permit = r.ticket
	}
	s.mu.Unlock()
	if r.ticket.Urgent() {
		s.becomeUrgent()
	}
	s.seat(r.by, target)
	if err := s.setMedia(); err != nil {
		s.log.Info("media of the joined call", "err", err)
	}
	s.release(r.by)
	s.desk.o.Sink.Tell(event.CallTransferred{At: time.Now(), Call: s.id, By: r.by.Party.Peer.Name, To: r.number.String()})
}

// seat puts a leg into the place of another, which has left.
func (s *Session) seat(left, target *Leg) {
	role := media.Callee
	if s.caller == left {
		role, s.caller = media.Caller, target
	} else {
		s.callee = target
	}
	s.former = append(s.former, left)
	s.show(role, target.Party.Peer)
	s.publish()
}

// release hangs a transferor up. Its answer is waited for by nobody.
func (s *Session) release(l *Leg) {
	s.arm(l, 0, false)
	if l.gone {
		return
	}
	l.gone = true
	ctx, cancel := context.WithTimeout(context.Background(), connectTimeout)
	defer cancel()
	if _, err := s.send(ctx, l, l.Dialog.Request(sip.BYE)); err != nil {
		s.log.Info("transferor not hung up", "err", err)
	}
}

// hasLeft tells whether a leg was a transferor's.
func (s *Session) hasLeft(l *Leg) bool {
	for _, f := range s.former {
		if f == l {
			return true
		}
	}
	return false
}
