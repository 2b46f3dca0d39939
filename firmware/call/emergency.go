package call

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/event"
	"tollgate/firmware/numbering"
	"tollgate/firmware/policy"
	"tollgate/firmware/ua"
)

// An emergency call of the office passes in every state of the box, by any trunk that takes it:
//
//	extensions, session timers   what would be refused with 420 or 422 is passed over
//	admission                    never refuses it, nor the call back of the emergency service
//	trunks                       each is tried, whatever the one before has answered; one that says nothing but 100 is left
//	SRTP                         whoever declines it is offered clear audio, and the administrator is told
//	media ports                  when none are left, the ordinary call that began last makes room
//	CLIR                         the number is shown
//	stop                         the call goes on until it ends; ordinary ones are hung up
//
// It is not transferred (RFC 6881 §13). An ordinary call that a redirection or a transfer of the office leads to an emergency
// number is one from there on: by every trunk, in the clear if need be. What makes a call urgent stands in admission: the ticket says it.

const (
	// stallTimeout is how long a trunk may say nothing but 100 Trying to an emergency call while somebody else is left.
	stallTimeout = 10 * time.Second
	// roomTimeout is how long an emergency call waits for the ports of another one.
	roomTimeout = 2 * time.Second
)

// seeksHelp tells whether the office calls an emergency number.
func (s *Session) seeksHelp() bool {
	return s.peer.Side == policy.SideInside && s.to.Emergency()
}

// emergency tells whether the call was admitted as an emergency call: of the office, or led there by it.
func (s *Session) emergency() bool {
	return s.urgent && (s.peer.Side == policy.SideInside || s.to.Emergency())
}

// persists tells whether a call goes on to the next target whatever this one has said: an urgent one does as long as the
// caller waits and the box runs.
func (s *Session) persists(o outcome) bool {
	return s.urgent && !o.answered && !o.told && o.stopped == ""
}

// goesClear tells whether a target that has declined SRTP is asked again in the clear. An urgent call is offered in the
// clear whatever the answer was, because not every carrier says what it dislikes, unless the one called is the reason.
func (s *Session) goesClear(p *Party, o outcome) bool {
	if s.persists(o) && !o.elsewhere && !aboutCallee(o.status) {
		return true
	}
	return p.SRTP == policy.SRTPOptional && o.status == 488 && !o.told
}

// aboutCallee tells whether a failure is of the one who was called, and not of the trunk or the offer.
func aboutCallee(status int) bool {
	switch status {
	case 404, 408, 410, 480, 484, 486, 487, 600, 603, 604:
		return true
	}
	return false
}

// becomeUrgent has the call pass every limit from now on.
func (s *Session) becomeUrgent() {
	if s.urgent {
		return
	}
	s.mu.Lock()
	s.urgent = true
	s.mu.Unlock()
	s.desk.urgentCalls.Add(1)
	s.desk.ordinaryCalls.Done()
}

// passes tells that an urgent call passes against a rule.
func (s *Session) passes(rule, reason string) {
	s.log.Warn("emergency exception", "rule", rule, "reason", reason)
	s.desk.o.Sink.Tell(event.EmergencyException{At: time.Now(), Call: s.id, Rule: rule, Reason: reason})
}

// tellEmergency tells that an emergency number is called, and by whom.
func (s *Session) tellEmergency(to numbering.Number, by policy.Peer) {
	s.desk.o.Sink.Tell(event.EmergencyCalled{At: time.Now(), Call: s.id, From: s.from.String(), To: to.String(), Caller: by.Name})
}

// passesClear tells that audio is not encrypted though the policy wants it.
func (s *Session) passesClear(p *Party) {
	if p.SRTP == policy.SRTPRequired {
		s.passes(srtpRule(p.Peer), fmt.Sprintf("the audio of an emergency call to or from %s is not encrypted, although SRTP is required", p.Peer.Name))
	}
}

// passesCodecs has an emergency call speak codecs that the policy does not allow with a party, for want of others.
func (s *Session) passesCodecs(p *Party) {
	p.Codecs = nil
	s.passes(rule(p.Peer, "codecs"), "an emergency call to or from "+p.Peer.Name+" has no codec that is allowed with it")
}

// srtpRule is the key of the policy that decides about SRTP with a peer.
func srtpRule(p policy.Peer) string { return rule(p, "srtp") }

// rule is the path of a key of the policy that a peer has.
func rule(p policy.Peer, key string) string {
	if p.Side == policy.SideOutside {
		return "trunks." + key
	}
	return "pbx." + key
}

// expectCallBack has calls to the number that an emergency call shows admitted for a while.
func (s *Session) expectCallBack(p *Party, d ua.Draft, called numbering.Number) {
	var from sip.Uri
	if !called.Emergency() || p.Peer.Side != policy.SideOutside || sip.ParseUri(d.From, &from) != nil {
		return
	}
	if n, err := s.settings.Plan.ReadFrom(ua.UserOf(from), string(p.Format)); err == nil {
		s.presented = n
		s.desk.o.Gate.ExpectCallBack(n, time.Now())
	}
}

// makeRoom ends the ordinary call that began last and waits until its ports are free; false when there is none.
func (s *Session) makeRoom() bool {
	other, ending := s.desk.expendable()
	if other == nil {
		return false
	}
	if !ending {
		s.passes("network.media_ports", fmt.Sprintf("all media ports were in use: the call %s from %s was ended for an emergency call",
			other.id, other.peer.Name))
		other.inbox.Post(stop{reason: "its media ports were needed for an emergency call"})
	}
	select {
	case <-other.freed:
	case <-time.After(roomTimeout): // it is ringing, and its callee slow
	}
	return true
}

// expendable chooses the ordinary call whose ports an emergency call is to have: one that is ending anyway, else an
// answered one, because one that rings takes longer to end, the youngest of them. A call is chosen once.
func (d *Desk) expendable() (chosen *Session, ending bool) {
	d.mu.Lock()
	list := make([]*Session, 0, len(d.calls))
	for _, s := range d.calls {
		list = append(list, s)
	}
	d.mu.Unlock()
	best := math.MaxInt
	for _, s := range list {
		rank, ok := s.expendable()
		if ok && (rank < best || rank == best && s.started.After(chosen.started)) {
			chosen, best = s, rank
		}
	}
	if chosen == nil {
		return nil, false
	}
	chosen.mu.Lock()
	defer chosen.mu.Unlock()
	chosen.expended = true
	return chosen, chosen.state == Ending
}

// expendable tells whether an ordinary call has ports to give, and how soon: the lower, the sooner.
func (s *Session) expendable() (int, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rank := slices.Index([]State{Ending, Answered, Ringing}, s.state)
	return rank, rank >= 0 && !s.urgent && !s.expended && s.shown != nil
}
