package notice

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/eventbody"
	"tollgate/firmware/field"
	"tollgate/firmware/header"
	"tollgate/firmware/policy"
	"tollgate/firmware/ua"
)

// refusal says to the watcher why a server has not taken the subscription.
func (v verdict) refusal() *refusal {
	return &refusal{status: v.status, rule: "sip", reason: v.reason, headers: v.headers}
}

// open asks one server after the other until one takes the subscription.
func (w *watch) open() *refusal {
	last := &refusal{status: 503, rule: "trunks", reason: "nobody could be asked"}
	for i, p := range w.ways {
		if p.Away != "" {
			last = &refusal{status: 480, rule: "pbx.reached_by", reason: p.Away}
			continue
		}
		f := w.openWith(p, i+1 < len(w.ways))
		if f == nil {
			return nil
		}
		if last = f.refusal(); !f.next {
			break
		}
	}
	return last
}

// openWith asks the servers of one party; others tells that another party remains.
func (w *watch) openWith(p Party, others bool) (f *verdict) {
	servers := p.servers()
	for i, s := range servers {
		if f = w.try(p, s, others || i+1 < len(servers)); f == nil || !f.failed {
			return f
		}
		f.avoid(s)
	}
	return f
}

// try asks one server; nil when the watch has begun.
func (w *watch) try(p Party, s Member, others bool) *verdict {
	draft, account := w.draft(p)
	draft.Contact = p.Local.Contact(account.User)
	draft.Headers = append(draft.Headers, w.askFor(w.wanted)...)
	req, err := draft.Request()
	if err != nil {
		return &verdict{status: 404, reason: fmt.Sprintf("the number cannot be written as a URI: %v", err)}
	}
	w.source = half{party: p, account: account, dialog: draft.Begin()}
	w.source.party.Path = kept{s, p.Path}
	w.desk.mu.Lock()
	w.teller, w.aliases = p.Peer, newAliases()
	w.desk.mu.Unlock()
	w.names = w.namesFor(p, w.from, bare(w.in.To().Address), w.aliases)
	w.inbox.Attach(draft.CallID, draft.FromTag, p.Peer)
	ctx, cancel := context.WithTimeout(context.Background(), min(connectTimeout, patienceWith(others)))
	defer cancel()
	req = header.Rewrite(req, p.Headers, policy.DirectionTo)
	out, err := w.inbox.Send(ctx, req, p.Peer, s, w.source.dialog, p.credentials(account))
	if err != nil {
		return w.judge(p, nil, err)
	}
	w.out = out
	quiet := time.AfterFunc(patienceWith(others), func() { w.inbox.Post(silence{out}) })
	defer quiet.Stop()
	for {
		if f, done := w.heard(w.next()); done {
			return f
		}
	}
}

// heard takes what comes while a server is asked. The watch begins with its 2xx, or with its first NOTIFY when that
// overtakes it (RFC 6665 §4.1.2.4).
func (w *watch) heard(e ua.Event) (f *verdict, done bool) {
	p := w.source.party
	switch {
	case e.Sent != nil && e.Sent == w.out && e.Err != nil:
		return w.judge(p, nil, e.Err), true
	case e.Sent != nil && e.Sent == w.out && e.Response.IsSuccess():
		w.out = nil
		w.source.dialog.Established(e.Response)
		w.begin(w.granted(e.Response))
		return nil, true
	case e.Sent != nil && e.Sent == w.out && !e.Response.IsProvisional():
		return w.declined(e.Response), true
	case e.Request != nil && e.Request.Tag == w.source.dialog.LocalTag && e.Request.Method == sip.NOTIFY:
		w.source.dialog.Joined(e.Request.Request)
		w.begin(w.wanted)
		w.notify(e.Request)
		return nil, true
	case e.Request != nil && e.Err == nil:
		w.answer(e.Request, ua.Reply{Status: 481})
	case e.Note == silence{w.out}:
		w.out.Abandon()
		return w.judge(p, nil, context.DeadlineExceeded), true
	case e.Note == moved{}:
		w.later(moved{})
	case e.Note == stop{}:
		w.out.Abandon()
		return &verdict{status: 503, reason: "the box is stopping"}, true
	}
	return nil, false
}

// declined says what a source's refusal means for the watcher.
func (w *watch) declined(res *sip.Response) *verdict {
	f := w.judge(w.source.party, res, nil)
	switch res.StatusCode {
	case 423:
		if h := field.All(res, "Min-Expires"); len(h) > 0 {
			if d, ok := readSeconds(h[0].Value()); ok {
				f.status, f.headers = 423, []sip.Header{sip.NewHeader("Min-Expires", seconds(d))}
			}
		}
	case 489:
		theirs := ua.Values(field.All(res, "Allow-Events"))
		both := slices.DeleteFunc(eventbody.Packages(), func(p string) bool { return !slices.Contains(theirs, p) || p == w.event })
		f.headers = []sip.Header{sip.NewHeader("Allow-Events", strings.Join(both, ", "))}
	}
	return f
}

// askFor are the header fields of a SUBSCRIBE of ours.
func (w *watch) askFor(d time.Duration) []sip.Header {
	kind, _ := eventbody.ContentType(w.event)
	return []sip.Header{sip.NewHeader("Event", w.event), sip.NewHeader("Expires", seconds(d)), sip.NewHeader("Accept", kind)}
}

// granted is for how long the source has granted what was wanted.
func (w *watch) granted(res *sip.Response) time.Duration {
	if h := field.All(res, "Expires"); len(h) > 0 {
		if d, ok := readSeconds(h[0].Value()); ok {
			return min(d, w.wanted)
		}
	}
	return w.wanted
}

// begin answers the watcher's first SUBSCRIBE. The source has to tell something soon.
func (w *watch) begin(d time.Duration) {
	w.accept(d)
	w.arm(grace)
	w.log.Info("subscription", "source", w.source.party.Peer.Name, "of", w.number.String(), "for", d)
}

// accept answers a SUBSCRIBE of the watcher. When the time is over the source ends the subscription, and the box does
// when the source does not.
func (w *watch) accept(d time.Duration) {
	w.answer(w.asking, ua.Reply{Status: 200, Contact: w.watcher.dialog.Contact, Headers: []sip.Header{sip.NewHeader("Expires", seconds(d))}})
	w.asking = nil
	w.lives(d)
}

// lives notes how long the subscription goes on from now.
func (w *watch) lives(d time.Duration) {
	w.until = time.Now().Add(d)
	w.arm(d + grace)
}
