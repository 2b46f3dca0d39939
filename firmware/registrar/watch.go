package registrar

import (
	"context"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/policy"
	"tollgate/firmware/ua"
)

const (
	askEvery   = 30 * time.Second
	askAgain   = 10 * time.Second // while the PBX is in doubt
	askTimeout = 5 * time.Second
	// failuresToSilent is how many questions in a row stay without an answer: one lost packet is no outage.
	failuresToSilent = 2
)

// health is what OPTIONS requests have told of a PBX. Its registration alone says little: one that was switched off keeps
// it until it lapses, and every caller would wait in vain meanwhile.
type health struct {
	answers  bool // it has answered once; some never do, and are not judged by it
	failures int  // in a row
	silent   bool
}

// take judges one question and tells whether the PBX has fallen silent or is back.
func (h *health) take(answered bool) (changed bool) {
	before := h.silent
	switch {
	case answered:
		*h = health{answers: true}
	case h.answers:
		h.failures++
		h.silent = h.failures >= failuresToSilent
	}
	return h.silent != before
}

// watch stays with a binding until it is over: it asks whether the PBX is there, and notices the end of its connection.
func (r *Registrar) watch(b *binding) {
	ended := doneOf(b.conn) // nil, which never comes, where there is none
	wait := askEvery
	for {
		select {
		case <-b.over:
			return
		case <-ended:
			r.lost(b, "the PBX's connection, by which it had registered, has ended")
			return
		case <-time.After(wait):
		}
		wait = askEvery
		if r.take(b, r.ask(b)) {
			wait = askAgain
		}
	}
}

// take notes the answer, or its absence, and tells whether the PBX is in doubt.
func (r *Registrar) take(b *binding, err error) (doubt bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.bound != b {
		return false
	}
	if b.health.take(err == nil) {
		r.reason = ""
		if b.health.silent {
			r.reason = "the PBX is registered, but does not answer"
		}
		r.tell()
	}
	return b.health.failures > 0
}

// ask sends OPTIONS (RFC 3261 §11). Whatever the answer is, the PBX is there.
func (r *Registrar) ask(b *binding) error {
	r.mu.Lock()
	local := r.local
	r.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), askTimeout)
	defer cancel()
	go func() { // nobody waits for an answer by a connection that is gone
		defer cancel()
		select {
		case <-b.over:
		case <-doneOf(b.conn):
		case <-ctx.Done():
		}
	}()
	us, pbx := local(b.Transport), b.Contact.String()
	req, err := ua.Draft{
		Method: sip.OPTIONS, URI: pbx, To: pbx, From: "sip:" + us.Host, FromTag: ua.NewTag(), CallID: ua.NewCallID(), Seq: 1,
		Contact: us.Contact(""), Local: us, MaxForwards: ua.MaxForwards,
	}.Request()
	if err != nil {
		return err
	}
	_, err = r.o.Core.Do(ctx, req, policy.Peer{Side: policy.SideInside, Name: policy.PeerPBX}, b.path, nil)
	return err
}
