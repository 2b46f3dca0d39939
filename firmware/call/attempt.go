package call

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/admission"
	"tollgate/firmware/event"
	"tollgate/firmware/header"
	"tollgate/firmware/media"
	"tollgate/firmware/policy"
	"tollgate/firmware/route"
	"tollgate/firmware/sdp"
	"tollgate/firmware/ua"
)

// outcome is how one attempt to reach a target ended.
type outcome struct {
	answered bool
	told     bool // the caller knows already
	tryNext  bool // another target may do better
	// elsewhere tells that another server of the same target may do better.
	elsewhere bool
	avoid     time.Duration // how long this server is to be tried last
	stopped   string        // why the whole call ends, "" when only this attempt does
	status    int
	rule      string // of the admission that refused it, "" when the peer was asked
	reason    string
	steps     []admission.Step // what admission has considered
	contacts  []string         // whom a redirection names
	headers   []sip.Header     // what goes across with it: in the answer to the caller, or in the CANCEL to the callee
	atLeast   time.Duration    // the callee wants a session timer of at least this (422)
}

// tryTarget calls one target. others tells that another one remains.
func (s *Session) tryTarget(t route.Target, others bool) outcome {
	party, ok := s.partyAt(t)
	if !ok {
		return outcome{tryNext: true, status: 503, reason: t.Peer.Name + " is not configured any more"}
	}
	if party.Away != "" {
		rule := "pbx.reached_by"
		if t.Phone != "" {
			rule = "phones"
		}
		return outcome{tryNext: true, status: 480, rule: rule, reason: party.Away}
	}
	return s.tryMembers(party, others)
}

// tryParty calls one server. It is asked with SRTP first and, where that may be, in the clear when it declines.
func (s *Session) tryParty(party *Party) outcome {
	encrypt := party.SRTP != policy.SRTPOff
	o := s.ask(party, encrypt)
	if encrypt && s.goesClear(party, o) {
		s.passesClear(party)
		o = s.ask(party, false)
	}
	return o
}

// ask calls one server, once more with the other encoding of G.711 when it declines those of the caller. An urgent call that
// is encrypted is not tried with it: it goes clear next, and is not kept waiting.
func (s *Session) ask(party *Party, encrypt bool) outcome {
	b := bid{encrypt: encrypt}
	o := s.attempt(party, b)
	if o.atLeast > 0 { // the same call once more, not another (RFC 4028 §7.3, RFC 3261 §8.1.3.5)
		again := *s.callee.Dialog
		again.LocalSeq++
		s.before = &again
		b.timer = o.atLeast
		o = s.attempt(party, b)
	}
	if o.status == 488 && !o.told && !(encrypt && s.urgent) && swappable(s.caller, party) {
		b.swap = true
		o = s.attempt(party, b)
	}
	return o
}

// bid is what varies between attempts at the same server.
type bid struct {
	encrypt bool
	swap    bool          // the other encoding of G.711 is offered in the place of the caller's
	timer   time.Duration // the least session timer that the callee accepts, 0 when it has not said
}

// swappable tells whether a peer's offer can be put to a party with the other encoding of G.711.
func swappable(from *Leg, party *Party) bool {
	if from.remote() == nil {
		return false
	}
	audio, ok := from.remote().Audio()
	return ok && audio.Swappable(sdp.Anchor{Codecs: party.codecs()})
}

// partyAt is who a target stands for.
func (s *Session) partyAt(t route.Target) (*Party, bool) {
	if t.Phone == "" {
		return s.party(t.Peer)
	}
	phone, ok := s.desk.o.Phones.At(t.Phone)
	phone.Party.token = t.Phone
	return &phone.Party, ok
}

// party is a peer as it is now. A Party is large, and passed on by its address: the stacks of calls stay small.
func (s *Session) party(peer policy.Peer) (*Party, bool) {
	var p Party
	var ok bool
	switch {
	case peer.Phone(): // its address alone does not tell which one it is
	case peer.Side == policy.SideInside:
		p, ok = s.desk.o.Parties.PBX()
	default:
		p, ok = s.desk.o.Parties.Trunk(peer.Name)
	}
	return &p, ok
}

// attempt sends one INVITE and follows it to its final response.
func (s *Session) attempt(party *Party, b bid) outcome {
	if l := s.callee; l != nil && l.confirmed && !l.gone { // its answer could not be used
		s.former = append(s.former, l)
		s.release(l)
	}
	callee := &Leg{Party: new(Party), agreement: agreement{converts: b.swap}}
	*callee.Party = *party
	s.callee = callee
	s.show(media.Callee, party.Peer)
	if err := s.openMedia(callee); err != nil {
		return outcome{status: 503, rule: "network.media_ports", reason: err.Error()}
	}
	offer, err := offerTo(callee, s.caller, b.encrypt)
	if err != nil && s.urgent && len(callee.Party.Codecs) > 0 {
		s.passesCodecs(callee.Party)
		offer, err = offerTo(callee, s.caller, b.encrypt)
	}
	if err != nil {
		return outcome{tryNext: true, status: 488, rule: rule(party.Peer, "codecs"), reason: err.Error()}
	}
	draft, no := s.draft(callee, s.to, s.onwardClaim(), offer)
	if no != nil {
		return outcome{tryNext: true, status: no.status, rule: no.rule, reason: no.reason}
	}
	draft.Headers = append(draft.Headers, party.sessionHeaders(b.timer)...)
	draft.Headers = append(draft.Headers, header.Carry(s.in(), header.Invite)...)
	draft.Headers = append(draft.Headers, s.replacesAcross(party.Peer)...)
	s.repeat(&draft)
	ctx, cancel := context.WithTimeout(context.WithValue(context.Background(), settingUp{}, true), s.patience())
	defer cancel()
	if o, sent := s.place(ctx, callee, draft); !sent {
		return o
	}
	s.expectCallBack(party, draft, s.to)
	defer s.watchSilence(s.callee.invite, s.hurry, s.emergency())()
	return s.ring()
}

// place sends a leg's INVITE; the outcome says why that could not be done.
func (s *Session) place(ctx context.Context, l *Leg, draft ua.Draft) (o outcome, sent bool) {
	req, err := draft.Request()
	if err != nil {
		return outcome{status: 404, reason: fmt.Sprintf("the number cannot be written as a URI: %v", err)}, false
	}
	l.Dialog, s.placed = draft.Begin(), l
	s.inbox.Attach(draft.CallID, draft.FromTag, l.Party.Peer)
	s.touch()
	if l.invite, err = s.send(ctx, l, req); err != nil {
		return outcome{
			tryNext: true, elsewhere: true, avoid: avoidFailed, status: 503,
			reason: fmt.Sprintf("%s cannot be reached: %s", l.Party.Peer.Name, ua.Explain(err)),
		}, false
	}
	return outcome{}, true
}

// connectTimeout bounds how long a caller waits for a connection to a peer that does not answer.
const connectTimeout = 10 * time.Second

// giveUp remembers why the callee was cancelled.
type giveUp struct {
	outcome
	asked bool
}

// ring follows the callee's INVITE until it is answered, refused or given up.
func (s *Session) ring() outcome {
	var quit giveUp
	abandon := func(o outcome) {
		if !quit.asked {
			quit = giveUp{o, true}
			s.callee.cancel(s.callee.invite, o.headers)
		}
	}
	for {
		e := s.next()
		switch {
		case e.Sent != nil && e.Sent == s.callee.invite && e.Err != nil:
			return s.failedAttempt(quit, e.Err)
		case e.Sent != nil && e.Sent == s.callee.invite && e.Response.IsProvisional():
			if !quit.asked {
				s.progress(e.Response)
			}
		case e.Sent != nil && e.Sent == s.callee.invite && e.Response.IsSuccess():
			return s.connect(quit, e.Response)
		case e.Sent != nil && e.Sent == s.callee.invite:
			return s.declined(quit, e.Response)
		case e.Cancelled != nil:
			s.caller.gone = true
			abandon(outcome{told: true, status: 487, reason: "the caller hung up before the answer", headers: header.Carry(e.Cancel, header.Cancel)})
		case e.Request != nil && e.Err != nil: // no PRACK came (RFC 3262 §3)
			abandon(outcome{status: 504, reason: s.caller.Party.Peer.Name + " did not acknowledge the ringing"})
		case e.Request != nil:
			if o, over := s.earlyRequest(e.Request); over {
				abandon(o)
			}
		case e.Note == moved{}:
			s.later(e.Note, placeRetry) // the INVITE has to be answered first
		case isSilence(e.Note):
			if s.callee.isSilent(e.Note) {
				return s.callee.leave(quit)
			}
		case isTakeOver(e.Note):
			if o, taken := s.pickUp(e.Note.(takeOver), quit); taken {
				return o
			}
		case e.Note != nil:
			abandon(s.interrupted(e.Note))
		}
	}
}

func (s *Session) interrupted(note any) outcome {
	if n, ok := note.(stop); ok {
		return outcome{status: cmp.Or(n.status, 503), reason: n.reason, stopped: n.reason, headers: n.headers}
	}
	return outcome{status: 408, reason: "nobody answered for " + timerC.String()}
}

// earlyRequest answers a request in a dialog that is not confirmed yet; over when it ends the call.
func (s *Session) earlyRequest(in *ua.Incoming) (outcome, bool) {
	switch {
	case in.IsAck():
		return outcome{}, false
	case in.Method == sip.BYE && s.legOf(in) == s.caller:
		// RFC 3261 §15: a caller may end an early dialog with BYE.
		s.answer(in, ua.Reply{Status: 200})
		s.answer(s.in(), ua.Reply{Status: 487})
		s.caller.gone = true
		return outcome{told: true, status: 487, reason: "the caller hung up before the answer", headers: header.Carry(in, header.Cancel)}, true
	case in.Method == sip.OPTIONS:
		s.answer(in, ua.Reply{Status: 200})
	case in.IsInvite() || in.Method == sip.UPDATE && len(in.Body()) > 0:
		s.answer(in, ua.Reply{Status: 491}) // the first offer is still open
	case in.Method == sip.UPDATE:
		s.answer(in, ua.Reply{Status: 200, Contact: s.legOf(in).Dialog.Contact})
	case in.Method == sip.PRACK:
		s.answer(in, ua.Reply{Status: 488}) // it brings another offer
	default:
		s.refuseOther(in)
	}
	return outcome{}, false
}

// progress passes ringing and early media on (RFC 3261 §13.2.2.1, RFC 3960).
func (s *Session) progress(res *sip.Response) {
	if !s.newProgress(s.callee, res) {
		return
	}
	s.callee.rang = true
	s.callee.learn(res)
	if _, ok := res.To().Params.Get("tag"); ok {
		s.callee.Dialog.Established(res)
		s.publish()
	}
	reply := ua.Reply{Status: res.StatusCode, Contact: s.caller.Dialog.Contact, Headers: header.Carry(res, header.Ringing)}
	if len(res.Body()) > 0 && s.caller.remote() != nil {
		body, err := s.takeAnswer(s.callee, s.caller, res.Body())
		if err != nil {
			s.log.Info("early media not used", "err", err)
		} else {
			reply.Body, reply.ContentType = body, sdpType
		}
	}
	s.tellProgress(reply)
}

// connect acknowledges the callee's 2xx and answers the caller.
func (s *Session) connect(quit giveUp, res *sip.Response) outcome {
	s.callee.Dialog.Established(res)
	s.callee.confirmed = true
	s.heardTrunk(s.callee, res)
	s.heardPBX(s.callee)
	s.callee.learn(res)
	s.takeTimer(s.callee, res)
	body, err := s.takeAnswer(s.callee, s.caller, res.Body())
	if ackErr := s.callee.invite.Ack(nil); ackErr != nil {
		s.log.Info("ACK not sent", "err", ackErr)
	}
	switch {
	case quit.asked: // the 2xx crossed our CANCEL (RFC 3261 §9.1): the callee is hung up in finish
		return quit.outcome
	case err != nil:
		return outcome{status: 488, reason: fmt.Sprintf("the answer of %s cannot be used: %v", s.callee.Party.Peer.Name, err)}
	}
	s.connected(body, header.Carry(res, header.Answer)...)
	return outcome{answered: true}
}

// connected answers the caller, with these headers: somebody has taken the call.
func (s *Session) connected(body []byte, headers ...sip.Header) {
	s.caller.confirmed = true
	now := time.Now()
	s.mu.Lock()
	s.state, s.answered = Answered, now
	s.mu.Unlock()
	s.publish()
	s.answerWith(s.caller, s.in(), body, headers...)
	s.desk.o.Sink.Tell(event.CallAnswered{At: now, Call: s.id})
	s.log.Debug("call answered", "by", s.callee.Party.Peer.Name, "after", now.Sub(s.started).Round(time.Millisecond))
}

func (s *Session) declined(quit giveUp, res *sip.Response) outcome {
	s.callee.gone = true
	if quit.asked {
		return quit.outcome
	}
	s.heardTrunk(s.callee, res)
	if s.callee.Party.Verbatim {
		return s.declinedVerbatim(res)
	}
	name := s.callee.Party.Peer.Name
	o := outcome{
		elsewhere: res.StatusCode == 503, avoid: retryAfter(res),
		atLeast: tooShortFor(res), status: ua.PassedStatus(res.StatusCode), tryNext: ua.AnotherMayDoBetter(res.StatusCode),
		reason: fmt.Sprintf("%s answered %d %s", name, res.StatusCode, ua.Phrase(res.StatusCode)),
	}
	if res.StatusCode == 401 || res.StatusCode == 407 || res.StatusCode == 403 && s.callee.side() == policy.SideOutside {
		o.reason += ": it does not accept the trunk's credentials or the number presented"
	}
	o.headers = header.Carry(res, header.Failure)
	if o.contacts = contactUsers(res); len(o.contacts) > 0 {
		o.tryNext = false // it says itself who may do better
	}
	return o
}

func (s *Session) failedAttempt(quit giveUp, err error) outcome {
	s.callee.gone = true
	if quit.asked {
		return quit.outcome
	}
	name := s.callee.Party.Peer.Name
	if errors.Is(err, sip.ErrTransactionTimeout) {
		return outcome{tryNext: true, elsewhere: true, avoid: avoidFailed, status: 504, reason: name + " does not answer"}
	}
	return outcome{tryNext: true, elsewhere: true, avoid: avoidFailed, status: 503, reason: fmt.Sprintf("%s cannot be reached: %s", name, ua.Explain(err))}
}

// answer responds within the call; an answer that cannot be sent is the transaction's to report.
func (s *Session) answer(in *ua.Incoming, r ua.Reply) {
	if err := in.Respond(s.inbox, s.ruledReply(in, r)); err != nil {
		s.log.Debug("answer not sent", "method", in.Method, "status", r.Status, "err", err)
	}
}
