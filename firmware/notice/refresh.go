package notice

import (
	"slices"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/ua"
)

// refresh passes a SUBSCRIBE within the watcher's dialog on: it wants more time, or an end (RFC 6665 §4.1.2.2).
func (w *watch) refresh(in *ua.Incoming) {
	name, id, ok := readEvent(in)
	switch {
	case !w.watcher.dialog.InOrder(in.Request):
		w.answer(in, ua.Reply{Status: 500}) // RFC 3261 §12.2.2
		return
	case !ok || name != w.event || id != w.id:
		w.answer(in, ua.Reply{Status: 403}) // RFC 6665 §4.5.2: one subscription a dialog
		return
	case w.out != nil && w.asking == nil && w.waiting == nil: // a NOTIFY has overtaken the answer, or the box has moved
		w.waiting = in
		return
	case w.out != nil:
		w.answer(in, ua.Reply{Status: 500, Headers: []sip.Header{sip.NewHeader("Retry-After", "1")}})
		return
	}
	w.renew(in)
}

// renew asks the source for what the watcher wants.
func (w *watch) renew(in *ua.Incoming) {
	if w.last {
		w.answer(in, ua.Reply{Status: 481})
		return
	}
	d, no := readExpires(in)
	if no != nil {
		w.answer(in, ua.Reply{Status: no.status, Headers: no.headers})
		return
	}
	w.watcher.dialog.Retarget(in.Request)
	req := w.ask(d)
	if w.source.party.Peer == remotePBX() {
		for _, h := range ua.ProofsTo(w.source.party.Domain, in) {
			req.AppendHeader(h)
		}
	}
	out, err := w.send(&w.source, req)
	if err != nil {
		w.log.Info("subscription not renewed", "err", err)
		w.answer(in, ua.Reply{Status: 503})
		return
	}
	w.asking, w.wanted, w.out = in, d, out
}

// ask makes a SUBSCRIBE within the source's dialog.
func (w *watch) ask(d time.Duration) *sip.Request {
	req := w.source.dialog.Request(sip.SUBSCRIBE)
	req.AppendHeader(sip.NewHeader("Contact", "<"+w.source.dialog.Contact+">"))
	for _, h := range w.askFor(d) {
		req.AppendHeader(h)
	}
	return req
}

// refreshed takes the outcome of a SUBSCRIBE of ours after the watch has begun. Nobody waits for the first one's when a
// NOTIFY has overtaken it, nor for that of one that tells where the box is now.
func (w *watch) refreshed(e ua.Event) {
	_, again := e.Sent.Request().To().Params.Get("tag")
	switch {
	case e.Err != nil && w.asking != nil:
		w.answer(w.asking, ua.Reply{Status: 504})
		w.asking = nil
	case e.Err != nil: // the source tells; what it answers has been lost
	case e.Response.IsSuccess() && w.asking != nil:
		w.source.dialog.Retarget(e.Response)
		w.accept(w.granted(e.Response))
	case again && w.asking == nil && e.Response.IsSuccess():
		w.source.dialog.Retarget(e.Response)
		w.lives(max(0, min(time.Until(w.until), w.granted(e.Response))))
	case again && w.asking == nil && !isLost(e.Response.StatusCode): // it goes on as it was (RFC 6665 §4.1.2.2)
		w.log.Info("new address refused", "by", w.source.party.Peer.Name, "status", e.Response.StatusCode)
	case e.Response.IsSuccess():
		if tag, _ := e.Response.To().Params.Get("tag"); tag == w.source.dialog.RemoteTag && !w.last {
			w.source.dialog.Established(e.Response)
			w.lives(max(0, min(time.Until(w.until), w.granted(e.Response))))
		}
	case w.asking != nil:
		f := w.declined(e.Response)
		if e.Response.StatusCode == 481 {
			f.status = 481
		}
		w.answer(w.asking, ua.Reply{Status: f.status, Headers: f.headers})
		w.asking = nil
		w.over = w.over || isLost(e.Response.StatusCode)
	default:
		w.end("noresource")
	}
}

// isLost tells whether a refusal of a refresh ends the subscription (RFC 6665 §4.1.2.2).
func isLost(status int) bool {
	return slices.Contains([]int{404, 405, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604}, status)
}
