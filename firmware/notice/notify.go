package notice

import (
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/eventbody"
	"tollgate/firmware/field"
	"tollgate/firmware/ua"
)

// notify passes a NOTIFY of the source on to the watcher.
func (w *watch) notify(in *ua.Incoming) {
	how, body, no := w.readNotify(in)
	if no != nil {
		w.log.Info("notification refused", "source", in.Peer.Name, "reason", no.reason, "status", no.status)
		w.answer(in, ua.Reply{Status: no.status, Headers: no.headers})
		if how.state == terminated && no.status != 481 { // whatever it held, it was the last
			w.last, w.over = true, true
			w.tell(nil, how, nil)
		}
		return
	}
	w.source.dialog.Retarget(in.Request)
	w.noticed = true
	if how.state == terminated {
		w.last = true
		w.arm(grace) // for the watcher's answer
	} else {
		if how.expires == 0 || how.expires > time.Until(w.until) {
			how.expires = max(0, time.Until(w.until).Round(time.Second))
		}
		w.lives(how.expires)
	}
	w.tell(in, how, body)
}

// readNotify reads what a NOTIFY tells and writes its body for the watcher.
func (w *watch) readNotify(in *ua.Incoming) (standing, []byte, *refusal) {
	tag, _ := in.From().Params.Get("tag")
	name, _, known := readEvent(in)
	how, ok := readStanding(in)
	kind, _ := eventbody.ContentType(w.event)
	refused := func(status int, reason string, headers ...sip.Header) (standing, []byte, *refusal) {
		return how, nil, &refusal{status: status, rule: "sip", reason: reason, headers: headers}
	}
	switch {
	case tag != w.source.dialog.RemoteTag || w.last:
		return refused(481, "another branch of a fork tells, or one that has ended") // RFC 6665 §4.1.4: one is enough
	case !w.source.dialog.InOrder(in.Request):
		return refused(500, "out of order")
	case !known || name != w.event:
		return how, nil, badEvent(name)
	case !ok:
		return refused(400, "no Subscription-State")
	case len(w.told) >= maxUnanswered:
		return refused(500, "too many wait for the watcher's answer", sip.NewHeader("Retry-After", "1"))
	case len(in.Body()) == 0:
		return how, nil, nil
	case in.BodyType() != kind || len(field.All(in, "Content-Encoding")) > 0:
		return refused(415, "a body that is no "+kind, sip.NewHeader("Accept", kind))
	}
	body, err := eventbody.Translate(w.event, in.Body(), w.names)
	if err != nil {
		return refused(400, err.Error())
	}
	return how, body, nil
}

// tell sends the watcher a NOTIFY. in is the source's, which the watcher's answer is for; nil when the box tells by itself.
func (w *watch) tell(in *ua.Incoming, how standing, body []byte) {
	kind, _ := eventbody.ContentType(w.event)
	req := w.watcher.dialog.RequestWith(sip.NOTIFY, body, kind)
	event := w.event
	if w.id != "" {
		event += ";id=" + w.id
	}
	req.AppendHeader(sip.NewHeader("Event", event))
	req.AppendHeader(how.header())
	req.AppendHeader(sip.NewHeader("Contact", "<"+w.watcher.dialog.Contact+">"))
	out, err := w.send(&w.watcher, req)
	switch {
	case err == nil && in != nil:
		w.told[out] = in
	case err != nil:
		w.log.Info("watcher not told", "err", err)
		if in != nil {
			w.answer(in, ua.Reply{Status: 503})
		}
		w.over = w.over || w.last
	}
}

// toldAnswered answers the source's NOTIFY with what the watcher said to ours. A watcher that does not know the
// subscription, or says nothing, is gone.
func (w *watch) toldAnswered(in *ua.Incoming, e ua.Event) {
	status := 408
	if e.Err == nil {
		status = e.Response.StatusCode
	}
	passed := status
	if status != 481 {
		passed = ua.PassedStatus(status)
	}
	w.answer(in, ua.Reply{Status: passed})
	switch {
	case status == 481:
		w.over = true
	case e.Err != nil && !w.last:
		w.log.Info("watcher does not answer", "err", e.Err)
		w.leave()
		w.over = true
	case w.last && len(w.told) == 0:
		w.over = true
	}
}
