package call

import (
	"net/url"
	"strings"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/event"
	"tollgate/firmware/field"
	"tollgate/firmware/ua"
)

// A phone that has its PBX on the other leg transfers there: only the PBX knows its users, and it asks the phone for proof.
// So REFER passes, with the dialog it names in the PBX's terms, and the NOTIFYs about it pass back. With anybody else on the
// other leg, as in survival, the box ends the transfer like any other.

// passRefer passes a phone's REFER on to its PBX.
func (s *Session) passRefer(by *Leg, in *ua.Incoming) {
	other := s.other(by)
	target, no := s.referTo(by, other, in)
	if no != nil {
		s.answer(in, ua.Reply{Status: no.status})
		s.tellTransferRefused(&referral{by: by}, *no)
		return
	}
	req := other.Dialog.RequestWith(sip.REFER, nil, "")
	req.AppendHeader(sip.NewHeader("Refer-To", target))
	req.AppendHeader(sip.NewHeader("Referred-By", "<"+other.Dialog.LocalURI+">"))
	req.AppendHeader(sip.NewHeader("Contact", "<"+other.Dialog.Contact+">"))
	s.passAs(other, in, req)
}

// referTo writes whom a phone wants to transfer to: a user of its PBX's, with the dialog that it wants replaced.
func (s *Session) referTo(by, other *Leg, in *ua.Incoming) (string, *refusal) {
	headers := field.All(in, "Refer-To")
	var uri sip.Uri
	params := sip.NewParams()
	if len(headers) != 1 {
		return "", &refusal{status: 400, rule: "sip", reason: "a REFER has exactly one Refer-To"}
	}
	if _, err := sip.ParseAddressValue(headers[0].Value(), &uri, &params); err != nil || uri.User == "" {
		return "", &refusal{status: 400, rule: "sip", reason: "its Refer-To cannot be read"}
	}
	to := sip.Uri{Scheme: "sip", User: event.Printable(uri.User), Host: other.Party.Domain}
	id, attended := replacesOf(uri)
	if !attended {
		return "<" + to.String() + ">", nil
	}
	peer, callID, local, remote, ok := s.desk.Across(by.Party.Peer, id.callID, id.local, id.remote)
	if !ok || peer != other.Party.Peer {
		return "", &refusal{status: 481, rule: "transfer", reason: by.Party.Peer.Name + " wants to join a call that the box does not have"}
	}
	// The PBX reads it as the target would: its own tag is the one to it (RFC 3891 §3).
	replaces := callID + ";to-tag=" + remote + ";from-tag=" + local
	return "<" + to.String() + "?Replaces=" + url.QueryEscape(replaces) + ">", nil
}

// passNotify passes the PBX's word about a transfer on to the phone (RFC 3515 §2.4.5).
func (s *Session) passNotify(from *Leg, in *ua.Incoming) {
	other, about := s.other(from), field.All(in, "Event")
	switch {
	case from.Party.Peer != remotePBX() || !other.Party.Peer.Phone() || len(about) != 1 || !isRefer(about[0].Value()):
		s.refuseOther(in)
		return
	case in.BodyType() != sipfrag || len(in.Body()) > 1024:
		s.answer(in, ua.Reply{Status: 415})
		return
	}
	status, _, _ := strings.Cut(string(in.Body()), "\r\n") // what else it holds names the other side
	req := other.Dialog.RequestWith(sip.NOTIFY, []byte(event.Printable(status)+"\r\n"), sipfrag+";version=2.0")
	req.AppendHeader(sip.NewHeader("Event", "refer"))
	state := "active"
	for _, h := range field.All(in, "Subscription-State") {
		if strings.HasPrefix(strings.ToLower(strings.TrimSpace(h.Value())), "terminated") {
			state = "terminated;reason=noresource"
		}
	}
	req.AppendHeader(sip.NewHeader("Subscription-State", state))
	req.AppendHeader(sip.NewHeader("Contact", "<"+other.Dialog.Contact+">"))
	s.passAs(other, in, req)
}

const sipfrag = "message/sipfrag"

// isRefer tells whether an event is that of a transfer. Its id is the number of a request that the other side made.
func isRefer(event string) bool {
	name, _, _ := strings.Cut(event, ";")
	return strings.EqualFold(strings.TrimSpace(name), "refer")
}

// passedReply is what the sender of a request that was passed on is told.
func (s *Session) passedReply(in *ua.Incoming, res *sip.Response) ua.Reply {
	leg := s.legOf(in)
	if asked := s.other(leg).challenges(res); len(asked) > 0 && leg.Party.Peer.Phone() {
		return ua.Reply{Status: res.StatusCode, Headers: asked}
	}
	r := ua.Reply{Status: ua.PassedStatus(res.StatusCode)}
	switch {
	case !res.IsSuccess():
	case in.Method == sip.REFER:
		r.Contact = leg.Dialog.Contact
	case in.Method == sip.UPDATE:
		s.takeTimer(s.other(leg), res)
		r.Contact, r.Headers = leg.Dialog.Contact, s.grantTimer(leg, in.Request)
	}
	return r
}
