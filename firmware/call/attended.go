package call

import (
	"net/url"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/admission"
	"tollgate/firmware/media"
	"tollgate/firmware/numbering"
	"tollgate/firmware/sdp"
)

// An attended transfer joins the far ends of two calls that the same party of the office holds (RFC 5589 §7). Both run
// through the box, so that nothing is called: the second call hands its far end over to the first.

// replaced is the dialog that a Replaces header names (RFC 3891 §3).
func replaced(value string) (dialogID, bool) {
	callID, params, _ := strings.Cut(value, ";")
	id := dialogID{callID: strings.TrimSpace(callID)}
	for _, p := range strings.Split(params, ";") {
		switch name, v, _ := strings.Cut(strings.TrimSpace(p), "="); strings.ToLower(name) {
		case "to-tag":
			id.local = v
		case "from-tag":
			id.remote = v
		}
	}
	return id, id.callID != "" && id.local != "" && id.remote != ""
}

// replacesOf reads the Replaces header out of a Refer-To; false when there is none.
func replacesOf(uri sip.Uri) (dialogID, bool) {
	for _, h := range uri.Headers {
		if strings.EqualFold(h.K, "Replaces") {
			v, err := url.QueryUnescape(strings.ReplaceAll(h.V, "+", "%2B"))
			if err != nil {
				return dialogID{}, false
			}
			return replaced(v)
		}
	}
	return dialogID{}, false
}

// handOver is a note: give the far end of this dialog to another call, whose goroutine waits for it.
type handOver struct {
	dialog dialogID
	relay  *media.Session // of the call that takes it
	role   media.Role     // whose place it takes there
	to     chan<- handed  // has room for one
}

// handed is a leg on its way from one call to another; without a leg it cannot be had now.
type handed struct {
	leg     *Leg
	timer   legTimer
	tickets []*admission.Ticket
	number  numbering.Number // whom the leg is
}

// give hands the far end over and ends this call for the one who held both.
func (s *Session) give(n handOver) (ending, bool) {
	held := s.caller
	if s.callee.Dialog.CallID == n.dialog.callID {
		held = s.callee
	}
	far := s.other(held)
	busy := s.change != nil || s.promise != nil || s.emergency()
	if busy || s.desk.o.Relay.Exchange(s.relay, s.role(far), n.relay, n.role) != nil {
		n.to <- handed{}
		return ending{}, false
	}
	h := handed{leg: far, timer: far.timer, tickets: append([]*admission.Ticket{s.ticket, s.onward}, s.extra...), number: s.to}
	left := &Leg{Party: far.Party, Dialog: far.Dialog, media: s.relay.Leg(s.role(far)), gone: true}
	if far == s.caller {
		h.number, s.caller = s.from, left
	} else {
		s.callee = left
	}
	s.arm(far, 0, false)
	s.ticket, s.onward, s.extra, s.given = nil, nil, nil, true
	n.to <- h
	return ending{reason: "joined with another call by " + held.Party.Peer.Name}, true
}

// attended transfers to a call that is under way.
func (s *Session) attended(r *referral, id dialogID) (ending, bool) {
	h := s.fetch(r, id)
	if h.leg == nil {
		return s.transferFailed(r, outcome{status: 480, reason: "the call to join with cannot be had now"})
	}
	s.inbox.Attach(h.leg.Dialog.CallID, h.leg.Dialog.LocalTag, h.leg.Party.Peer)
	s.extra = append(s.extra, h.tickets...)
	s.arm(h.leg, h.timer.interval, h.timer.ours)
	r.number = h.number
	s.notify(r.by, 200, true)
	s.replace(r, h.leg)
	// Neither side knows what the other can do: first the one who came is told, then, by its answer, the one who stays.
	offer, err := offerWith(h.leg, r.stay, h.leg.keys.encrypted(), sdp.SendRecv)
	if err == nil {
		err = s.startChange(&change{from: r.stay, again: true}, offer)
	}
	if err != nil {
		s.log.Info("the joined call is not renegotiated", "err", err)
	}
	return ending{}, false
}

// fetch asks the other call for its far end.
func (s *Session) fetch(r *referral, id dialogID) handed {
	other := s.desk.holding(id, r.by.Party.Peer, s)
	if other == nil {
		return handed{}
	}
	reply := make(chan handed, 1)
	if !other.inbox.Post(handOver{dialog: id, relay: s.relay, role: s.role(r.by), to: reply}) {
		return handed{}
	}
	// Longer than the other call can be busy with a connection. Two calls that ask for one another wait in vain, and go on.
	select {
	case h := <-reply:
		return h
	case <-time.After(2 * connectTimeout):
		return handed{}
	}
}
