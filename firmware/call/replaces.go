package call

import (
	"errors"
	"strings"
	"time"

	"tollgate/firmware/event"
	"tollgate/firmware/field"
	"tollgate/firmware/header"
	"tollgate/firmware/media"
	"tollgate/firmware/policy"
	"tollgate/firmware/sdp"
	"tollgate/firmware/ua"
)

// An INVITE with Replaces takes the place of a leg (RFC 3891): the same peer picks a call up, parks it, or completes a
// transfer of its own. The dialog it names is one between that peer and the box, so the INVITE ends at the box: the
// newcomer gets the leg's place, the one across hears of it by re-INVITE, and the leg is hung up or cancelled.
//
//	an answered call     newcomer --INVITE Replaces--> box: 200, re-INVITE to the one across, BYE to the leg
//	a call that rings    newcomer --INVITE Replaces--> box: 200, CANCEL to the leg, 200 to the caller

// takeOver is a note: an INVITE wants the place of a leg of this call.
type takeOver struct {
	in     *ua.Incoming
	dialog dialogID
	to     chan<- int // has room for one: 0 when the INVITE has been answered with 200, else what to refuse it with
}

func isTakeOver(note any) bool { _, ok := note.(takeOver); return ok }

// errReplaces says that a Replaces header field cannot be followed (RFC 3891 §3).
var errReplaces = errors.New("the INVITE has several Replaces, one that cannot be read, or Join with it")

// readReplaces reads the one Replaces header field of an INVITE.
func readReplaces(in *ua.Incoming) (id dialogID, earlyOnly bool, err error) {
	fields := field.All(in, "Replaces")
	if len(fields) != 1 || len(field.All(in, "Join")) > 0 || strings.Contains(fields[0].Value(), ",") {
		return dialogID{}, false, errReplaces
	}
	value := fields[0].Value()
	id, ok := replaced(value)
	if !ok {
		return dialogID{}, false, errReplaces
	}
	_, params, _ := strings.Cut(value, ";")
	for _, p := range strings.Split(params, ";") {
		earlyOnly = earlyOnly || strings.EqualFold(strings.TrimSpace(p), "early-only")
	}
	return id, earlyOnly, nil
}

// replaces answers an INVITE with Replaces. It tells false when the INVITE is to be set up like any other: because the
// dialog is one across the border, or because the number is an emergency number. Such a call is not lost by a header field,
// and who makes it may not have proven who he is.
func (d *Desk) replaces(in *ua.Incoming) bool {
	if d.urgent(in) || d.isAcross(in) {
		return false
	}
	no := d.tryReplace(in)
	if no == nil {
		in.Inbox.Close()
		return true
	}
	d.o.Log.Info("replacement refused", "by", in.Peer.Name, "reason", no.reason, "status", no.status)
	d.o.Sink.Tell(event.CallRefused{
		At: time.Now(), From: event.Printable(ua.UserOf(in.From().Address)), To: event.Printable(ua.UserOf(in.Recipient)), Caller: in.Peer.Name,
		Status: no.status, Rule: no.rule, Reason: no.reason,
	})
	in.Refuse(ua.Reply{Status: no.status, Headers: no.headers})
	in.Inbox.Close()
	return true
}

// urgent tells whether an INVITE of the office is for an emergency number.
func (d *Desk) urgent(in *ua.Incoming) bool {
	d.mu.Lock()
	s := d.settings
	d.mu.Unlock()
	if s == nil || in.Peer.Side != policy.SideInside {
		return false
	}
	prefix := s.OutsidePrefix
	if in.Peer.Phone() {
		prefix = s.Phones.OutsidePrefix
	}
	n, err := s.Plan.Read(ua.UserOf(in.Recipient), prefix)
	return err == nil && n.Emergency()
}

// tryReplace finds the call that has the dialog and asks it to take the newcomer in; nil when it has.
func (d *Desk) tryReplace(in *ua.Incoming) *refusal {
	refuse := func(status int, reason string) *refusal {
		return &refusal{status: status, rule: "replaces", reason: reason}
	}
	id, earlyOnly, err := readReplaces(in)
	if err != nil {
		return refuse(400, err.Error())
	}
	if no := requirements(in); no != nil {
		return no
	}
	s, found := d.find(id, in.Peer)
	switch {
	case s == nil:
		return refuse(481, in.Peer.Name+" wants to replace a call that the box does not have with it")
	case found.state == Ending:
		return refuse(603, in.Peer.Name+" wants to replace a call that has ended")
	case found.state == Answered && earlyOnly:
		return refuse(486, in.Peer.Name+" wants to pick a call up that has been answered")
	case found.state != Answered && found.role == media.Caller:
		return refuse(481, in.Peer.Name+" wants to replace its own call before it is answered") // RFC 3891 §3: not begun by us
	}
	reply := make(chan int, 1)
	if !s.inbox.Post(takeOver{in: in, dialog: id, to: reply}) {
		return refuse(603, "the call to replace has ended")
	}
	select {
	case status := <-reply:
		if status == 0 {
			return nil
		}
		return refuse(status, "the call to replace cannot be had like this now")
	case <-s.over:
		return refuse(603, "the call to replace has ended")
	case <-time.After(2 * connectTimeout):
		return refuse(480, "the call to replace is busy with something else")
	}
}

// newcomer makes the leg of an INVITE that takes a place, as far as its offer; status says why it cannot be used.
func (s *Session) newcomer(in *ua.Incoming, held *Leg) (leg *Leg, status int) {
	party, ok := s.partyOf(in)
	if !ok {
		return nil, 503
	}
	party.Path = ua.Back(in, party.Path)
	leg = &Leg{Party: party, account: held.account, Dialog: ua.Accept(in, party.Local, held.Dialog.Contact), confirmed: true}
	leg.learn(in)
	s.unpackLater(in)
	switch {
	case len(in.Body()) == 0:
		return leg, 0
	case !in.HasBody(sdpType):
		return nil, 415
	}
	if err := s.takeOffer(leg, in.Body()); err != nil {
		s.log.Info("replacement refused", "by", in.Peer.Name, "err", err)
		if errors.Is(err, errSRTP) {
			return nil, 488
		}
		return nil, sdp.Status(err)
	}
	return leg, 0
}

// welcome answers the INVITE of a newcomer. Requests of its dialog come to this call from now on.
func (s *Session) welcome(leg *Leg, in *ua.Incoming, body []byte) error {
	s.inbox.Attach(leg.Dialog.CallID, leg.Dialog.LocalTag, leg.Party.Peer)
	headers := header.RewriteReply(in.Method, s.grantTimer(leg, in.Request), leg.Party.Headers)
	return in.Respond(s.inbox, ua.Reply{Status: 200, Contact: leg.Dialog.Contact, Body: body, ContentType: sdpType, Headers: headers})
}

// takeOver gives the place of a leg of an answered call to a newcomer.
func (s *Session) takeOver(n takeOver) (ending, bool) {
	held := s.legWith(n.dialog)
	switch {
	case held == nil:
		n.to <- 481
		return ending{}, false
	case s.change != nil || s.promise != nil:
		n.to <- 491
		return ending{}, false
	}
	leg, status := s.newcomer(n.in, held)
	if status == 0 {
		status = s.changeSeats(n.in, held, leg)
	}
	n.to <- status
	if status != 0 {
		return ending{}, false
	}
	if s.promise != nil {
		return ending{}, false // its answer comes with the ACK
	}
	return s.tellNewcomer(leg)
}

// changeSeats answers the newcomer and puts it into the place of held; nothing has changed when it returns a status.
func (s *Session) changeSeats(in *ua.Incoming, held, leg *Leg) int {
	stay := s.other(held)
	relay, err := s.desk.o.Relay.Open(s.id, stay.side(), leg.side())
	if err != nil {
		return 503
	}
	defer relay.Close() // with the ports of the one who has left, in the end
	leg.media = relay.Leg(media.Callee)
	var body []byte
	if leg.remote() == nil {
		body, err = offerWith(leg, stay, leg.Party.offersKeys(), sdp.SendRecv)
	} else {
		body, err = answerWithDirection(leg, stay, sdp.SendRecv)
	}
	if err != nil {
		s.log.Info("replacement refused", "by", in.Peer.Name, "err", err)
		return 488
	}
	if err := s.desk.o.Relay.Exchange(s.relay, s.role(held), relay, media.Callee); err != nil {
		return 500
	}
	if err := s.welcome(leg, in, body); err != nil { // it has cancelled
		if err := s.desk.o.Relay.Exchange(s.relay, s.role(held), relay, media.Callee); err != nil {
			s.log.Info("media not given back", "err", err)
		}
		return 487
	}
	s.seat(held, leg)
	if leg.remote() == nil {
		s.promise = &promise{leg: leg, tell: true}
	} else if err := s.setMedia(); err != nil {
		s.log.Info("media of the replaced leg", "err", err)
	}
	s.release(held)
	s.desk.o.Sink.Tell(event.CallTransferred{
		At: time.Now(), Call: s.id, By: leg.Party.Peer.Name, To: event.Printable(ua.UserOf(in.From().Address)),
	})
	s.log.Info("leg replaced", "by", leg.Party.Peer.Name)
	return 0
}

// tellNewcomer tells the one across what the newcomer can do. One that was on hold is asked back, and what it answers is
// told to the newcomer.
func (s *Session) tellNewcomer(leg *Leg) (ending, bool) {
	stay := s.other(leg)
	if audio, _ := stay.remote().Audio(); audio.Direction == sdp.SendRecv {
		return s.tellChange(leg)
	}
	offer, err := offerWith(stay, leg, stay.keys.encrypted(), sdp.SendRecv)
	if err == nil {
		err = s.startChange(&change{from: leg, again: true}, offer)
	}
	if err != nil {
		s.log.Info("change not passed on", "from", leg.Party.Peer.Name, "err", err)
	}
	return ending{}, false
}

// pickUp gives a call that rings to a newcomer; false when the INVITE was refused and the ringing goes on.
func (s *Session) pickUp(n takeOver, quit giveUp) (outcome, bool) {
	old := s.callee
	switch {
	case quit.asked:
		n.to <- 603
		return outcome{}, false
	case old.Dialog == nil || old.Dialog.CallID != n.dialog.callID || old.Dialog.LocalTag != n.dialog.local:
		n.to <- 481 // another target rings now
		return outcome{}, false
	}
	leg, status := s.newcomer(n.in, old)
	var answer []byte
	if status == 0 {
		answer, status = s.meet(n.in, leg)
	}
	n.to <- status
	if status != 0 {
		return outcome{}, false
	}
	s.callee = leg
	old.gone = true
	old.invite.Abandon()
	s.former = append(s.former, old)
	if err := s.setMedia(); err != nil {
		s.log.Info("media of the call picked up", "err", err)
	}
	s.connected(answer)
	return outcome{answered: true}, true
}

// meet answers two offers with one another: the newcomer's with the caller's, by 200, and the caller's with the newcomer's,
// which it returns. Without both there is nothing to answer with.
func (s *Session) meet(in *ua.Incoming, leg *Leg) (answer []byte, status int) {
	if leg.remote() == nil || s.caller.remote() == nil {
		return nil, 488
	}
	leg.media = s.callee.media
	body, err := answerTo(leg, s.caller)
	if err == nil {
		answer, err = answerTo(s.caller, leg)
	}
	if err != nil {
		s.log.Info("replacement refused", "by", in.Peer.Name, "err", err)
		return nil, 488
	}
	if err := s.welcome(leg, in, body); err != nil {
		return nil, 487
	}
	return answer, 0
}
