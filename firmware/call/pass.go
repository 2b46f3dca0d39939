package call

import (
	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/header"
	"tollgate/firmware/policy"
	"tollgate/firmware/ua"
)

// Header fields that are no part of the dialog cross the border by package header, written afresh. The header rules of a
// peer act at its leg: on what it sends before anything is judged, on what is sent to it last of all.

// ruled applies the header rules on what a peer sends, and leaves of its body what a call carries. What is answered when its
// stream has ended is answered by another one of that peer's.
func (s *Session) ruled(e ua.Event) ua.Event {
	switch {
	case e.Request != nil && e.Err == nil:
		party := s.legOf(e.Request).Party
		e.Request.AnswerBy(party.Path)
		e.Request.Request = header.Rewrite(e.Request.Request, party.Headers, policy.DirectionFrom)
		s.unpackLater(e.Request)
	case e.Response != nil:
		if l := s.legAsked(e.Sent); l != nil && e.Sent.Is(sip.INVITE) {
			e.Response = header.RewriteResponse(sip.INVITE, e.Response, l.Party.Headers)
		}
		e.Response = unpacked(e.Response)
	case e.Cancelled != nil:
		e.Cancel = header.Rewrite(e.Cancel, s.legOf(e.Cancelled).Party.Headers, policy.DirectionFrom)
	}
	return e
}

// legAsked is the leg by which a request of ours went out; nil when it has left.
func (s *Session) legAsked(out *ua.Outgoing) *Leg {
	for _, l := range []*Leg{s.callee, s.caller, s.placed} {
		if l != nil && l.Dialog == out.Dialog {
			return l
		}
	}
	return nil
}

// ruledReply applies the header rules on what a peer is sent to what the box answers it.
func (s *Session) ruledReply(in *ua.Incoming, r ua.Reply) ua.Reply {
	if l := s.legOf(in); l != nil {
		r.Headers = header.RewriteReply(in.Method, r.Headers, l.Party.Headers)
		if l.Party.Peer.Phone() && in == s.invite && r.Contact != "" {
			r.Headers = append(r.Headers, l.Party.wayBack())
		}
	}
	return r
}

// cancel gives a leg's INVITE up, with these headers.
func (l *Leg) cancel(invite *ua.Outgoing, headers []sip.Header) {
	invite.Cancel(header.RewriteFields(sip.CANCEL, headers, l.Party.Headers)...)
}
