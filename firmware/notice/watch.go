package notice

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/eventbody"
	"tollgate/firmware/header"
	"tollgate/firmware/policy"
	"tollgate/firmware/ua"
)

const (
	// maxWatches bounds the subscriptions of all peers together, maxOfOne those of one peer.
	maxWatches = 1000
	maxOfOne   = 500
	// maxUnanswered bounds the notifications that are on their way to one watcher.
	maxUnanswered = 8
	// grace is how long a last notification, or the first one, may take (64*T1, Timer N of RFC 6665 §4.1.2.4).
	grace = 32 * time.Second
	// connectTimeout bounds how long a subscription waits for a connection.
	connectTimeout = 8 * time.Second
)

// watch is one subscription through the box. Its goroutine owns it.
//
//	watcher --SUBSCRIBE--> box --SUBSCRIBE--> source        each with dialogs, contacts and tags of its own
//	watcher <--200-------- box <--200-------- source
//	watcher <--NOTIFY----- box <--NOTIFY----- source        the answer goes back the other way
type watch struct {
	*errand
	log     *slog.Logger
	event   string // package
	id      string // of the watcher's Event; "": none
	inbox   *ua.Inbox
	watcher half
	source  half
	names   eventbody.Names

	asking  *ua.Incoming  // the watcher's SUBSCRIBE that waits for its answer
	wanted  time.Duration // by it
	out     *ua.Outgoing  // ours that waits for the source's
	waiting *ua.Incoming  // the watcher's SUBSCRIBE that waits until out has ended
	told    map[*ua.Outgoing]*ua.Incoming
	until   time.Time // it lapses then
	timer   *time.Timer
	round   int  // of the timer
	noticed bool // the source has told something
	last    bool // what it told was the last
	over    bool

	// The desk's mutex guards these: calls look into them.
	teller  policy.Peer // the source
	aliases *aliases
}

// half is one dialog of a watch.
type half struct {
	party   Party
	account policy.Account
	dialog  *ua.Dialog
}

// Notes of a watch.
type (
	stop    struct{}            // the box is stopping
	lapsed  struct{ round int } // nothing has come in time
	silence struct{ out *ua.Outgoing }
)

// subscribe begins a watch and stays with it to its end.
func (d *Desk) subscribe(e *errand) *refusal {
	w, no := d.newWatch(e)
	if no != nil {
		return no
	}
	defer w.close()
	if no := w.open(); no != nil {
		return no
	}
	for !w.over {
		w.handle(w.next())
	}
	w.release()
	return nil
}

// release answers what still waits when a watch is over.
func (w *watch) release() {
	for _, in := range []*ua.Incoming{w.asking, w.waiting} {
		if in != nil {
			w.answer(in, ua.Reply{Status: 481})
		}
	}
	for _, in := range w.told {
		w.answer(in, ua.Reply{Status: 481})
	}
}

// newWatch judges a SUBSCRIBE and opens the watcher's half.
func (d *Desk) newWatch(e *errand) (*watch, *refusal) {
	w := &watch{errand: e, told: map[*ua.Outgoing]*ua.Incoming{}, asking: e.in}
	var ok bool
	if w.event, w.id, ok = readEvent(e.in); !ok {
		return nil, badEvent("")
	}
	kind, known := eventbody.ContentType(w.event)
	switch {
	case !known:
		return nil, badEvent(w.event)
	case !accepts(e.in, kind):
		return nil, &refusal{status: 406, rule: "sip", reason: "the watcher does not take " + kind}
	}
	var no *refusal
	if w.wanted, no = readExpires(e.in); no != nil {
		return nil, no
	}
	if no := e.meet(); no != nil {
		return nil, no
	}
	if no := e.find(e.watched); no != nil {
		return nil, no
	}
	if no := d.tooMany(e); no != nil {
		return nil, no
	}
	contact := e.from.Local.Contact("")
	if account, ok := e.settings.Routes.AccountOf(e.in.Peer.Name, ua.UserOf(e.in.Recipient)); ok {
		contact = e.from.Local.Contact(account.User)
	}
	w.watcher = half{party: e.from, dialog: ua.Accept(e.in, e.from.Local, contact)}
	w.log = d.o.Log.With("watcher", e.in.Peer.Name, "package", w.event)
	return w, d.enter(w)
}

// find finds whom a request is for; office does, when the office's PBX has sent it.
func (e *errand) find(office func() *refusal) *refusal {
	switch {
	case e.in.Peer.Phone():
		return e.upstream()
	case e.in.Peer == remotePBX():
		return e.downstream()
	case e.in.Peer.Side == policy.SideOutside:
		return e.inward()
	}
	return office()
}

// enter counts a watch and gives it its mailbox.
func (d *Desk) enter(w *watch) *refusal {
	d.mu.Lock()
	defer d.mu.Unlock()
	same := 0
	for o := range d.watches {
		if o.in.Peer == w.in.Peer {
			same++
		}
	}
	switch {
	case d.draining:
		return &refusal{status: 503, rule: "draining", reason: "Tollgate is stopping: no new subscriptions are taken"}
	case len(d.watches) >= maxWatches || same >= maxOfOne:
		return &refusal{status: 503, rule: "subscriptions", reason: fmt.Sprintf("%s has %d subscriptions, all have %d: no more are taken", w.in.Peer.Name, same, len(d.watches)),
			headers: []sip.Header{sip.NewHeader("Retry-After", "60")}}
	}
	w.inbox = d.o.Core.NewInbox()
	w.inbox.Attach(w.watcher.dialog.CallID, w.watcher.dialog.LocalTag, w.in.Peer)
	d.watches[w] = struct{}{}
	d.running.Add(1)
	return nil
}

// close is the one way a watch ends.
func (w *watch) close() {
	if w.timer != nil {
		w.timer.Stop()
	}
	w.inbox.Close()
	w.desk.mu.Lock()
	delete(w.desk.watches, w)
	w.desk.mu.Unlock()
	w.desk.running.Done()
}

// next waits for the next event of the watch.
func (w *watch) next() ua.Event {
	e, err := w.inbox.Next(context.Background())
	if err != nil {
		return ua.Event{Note: stop{}} // cannot happen: the context has no end
	}
	return e
}

// arm has a note posted after d, and takes the one before back.
func (w *watch) arm(d time.Duration) {
	if w.timer != nil {
		w.timer.Stop()
	}
	w.round++
	note := lapsed{w.round}
	w.timer = time.AfterFunc(d, func() { w.inbox.Post(note) })
}

// send sends a request of ours within a half's dialog.
func (w *watch) send(h *half, req *sip.Request) (*ua.Outgoing, error) {
	ctx, cancel := context.WithTimeout(context.Background(), connectTimeout)
	defer cancel()
	req = header.Rewrite(req, h.party.Headers, policy.DirectionTo)
	return w.inbox.Send(ctx, req, h.party.Peer, h.party.Path, h.dialog, h.party.credentials(h.account))
}

// handle takes one event of a watch that has begun.
func (w *watch) handle(e ua.Event) {
	switch {
	case e.Note == stop{}:
		w.end("deactivated")
	case e.Note == moved{}:
		w.relocate()
	case e.Note == lapsed{w.round}:
		w.log.Info("subscription lapsed", "silent", !w.noticed)
		w.end("timeout")
	case e.Request != nil && e.Err == nil:
		w.request(e.Request)
	case e.Sent != nil && (e.Err != nil || !e.Response.IsProvisional()):
		w.response(e)
	}
}

// request answers a request within one of the two dialogs.
func (w *watch) request(in *ua.Incoming) {
	switch {
	case in.Tag == w.watcher.dialog.LocalTag && in.Method == sip.SUBSCRIBE:
		w.refresh(in)
	case in.Tag == w.source.dialog.LocalTag && in.Method == sip.NOTIFY:
		w.notify(in)
	case in.Tag == w.watcher.dialog.LocalTag || in.Tag == w.source.dialog.LocalTag:
		w.answer(in, ua.Reply{Status: 405})
	default:
		w.answer(in, ua.Reply{Status: 481}) // of a server that was asked in vain
	}
}

// response takes the outcome of a request of ours.
func (w *watch) response(e ua.Event) {
	if in, ok := w.told[e.Sent]; ok {
		delete(w.told, e.Sent)
		w.toldAnswered(in, e)
		return
	}
	if e.Sent == w.out {
		w.out = nil
		w.refreshed(e)
		w.resume()
	}
}

// resume takes up the SUBSCRIBE of the watcher that has waited.
func (w *watch) resume() {
	if in := w.waiting; in != nil && !w.over && w.asking == nil {
		w.waiting = nil
		w.renew(in)
	}
}

// end ends a watch that neither side has ended: the watcher is told why, and the source that nobody listens any more. It
// waits for no answer.
func (w *watch) end(reason string) {
	w.over = true
	if !w.last {
		w.tell(nil, standing{state: terminated, reason: reason}, nil)
		w.leave()
	}
}

// leave gives up the subscription with the source.
func (w *watch) leave() {
	if _, err := w.send(&w.source, w.ask(0)); err != nil {
		w.log.Info("subscription not given up", "err", err)
	}
}

func (w *watch) answer(in *ua.Incoming, r ua.Reply) {
	if err := in.Respond(w.inbox, r); err != nil {
		w.log.Debug("answer not sent", "method", in.Method, "status", r.Status, "err", err)
	}
}

// kept is the path to the server that has the subscription; when it cannot be reached any more, any other of the party's.
type kept struct{ first, rest ua.Path }

func (k kept) Conn(ctx context.Context) (sip.Connection, error) { return k.ConnFor(ctx, 0) }

// ConnFor is Conn for a message of this many bytes.
func (k kept) ConnFor(ctx context.Context, size int) (sip.Connection, error) {
	c, err := ua.ConnFor(ctx, k.first, size)
	if err == nil {
		return c, nil
	}
	c, other := ua.ConnFor(ctx, k.rest, size)
	if other != nil {
		return nil, errors.Join(err, other)
	}
	return c, nil
}
