package notice

import (
	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/event"
	"tollgate/firmware/eventbody"
	"tollgate/firmware/policy"
	"tollgate/firmware/route"
	"tollgate/firmware/ua"
)

// unsolicited passes a notification on that nobody has subscribed to: a carrier that tells of waiting messages because
// the line is registered, or a PBX that tells a carrier. It has to name a number of ours; any other package's belongs to a
// subscription, and there is none (RFC 6665 §4.1.3).
func (d *Desk) unsolicited(e *errand) *refusal {
	name, _, ok := readEvent(e.in)
	switch {
	case !ok:
		return badEvent("")
	case name != eventbody.MessageSummary:
		return &refusal{status: 481, rule: "sip", reason: "a notification of " + event.Printable(name) + " without a subscription"}
	}
	if no := e.meet(); no != nil {
		return no
	}
	if no := e.mailbox(); no != nil {
		return no
	}
	if no := d.tooMany(e); no != nil {
		return no
	}
	how, ok := readStanding(e.in)
	if !ok {
		how = standing{state: "active"}
	}
	var bad error
	v := e.deliver(func(p Party, draft *ua.Draft) bool {
		draft.ContentType, _ = eventbody.ContentType(name)
		draft.Body, bad = eventbody.Translate(name, e.in.Body(), e.namesFor(e.from, p, draft.To, newAliases()))
		draft.Contact = p.Local.Contact("")
		draft.Headers = append(draft.Headers, sip.NewHeader("Event", name), how.header())
		return bad == nil
	})
	if bad != nil {
		return &refusal{status: 400, rule: "sip", reason: bad.Error()}
	}
	d.o.Log.Info("waiting messages told", "of", e.number.String(), "by", e.in.Peer.Name, "status", v.status, "reason", v.reason)
	e.in.Refuse(ua.Reply{Status: v.status, Headers: v.headers})
	return nil
}

// mailbox finds the number of ours that a notification is about, and who is to know: the PBX, or the carrier whose it is.
func (e *errand) mailbox() *refusal {
	switch {
	case e.in.Peer.Phone():
		return &refusal{status: 481, rule: "sip", reason: "a notification of a phone without a subscription"}
	case e.in.Peer == remotePBX():
		return e.downstream()
	case e.in.Peer.Side == policy.SideOutside:
		no := e.inward()
		e.sender = e.number
		return no
	}
	n, ok := e.read(ua.UserOf(e.in.Recipient))
	t, ours := e.settings.Routes.Owner(n)
	if !ok || !ours {
		return &refusal{status: 404, rule: "trunks.accounts.numbers", reason: event.Printable(ua.UserOf(e.in.Recipient)) + " is no number of ours"}
	}
	e.number, e.sender = n, n
	return e.lead([]route.Target{t})
}
