package ua

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/policy"
)

// inboxSize bounds what may wait for one call. A peer that sends more gets 503 until the call has caught up. Two thousand
// key presses sent in one go are no reason to lose one.
const inboxSize = 4096

// ErrNoAck says that a 2xx of ours was not acknowledged within 64*T1 (RFC 3261 §13.3.1.4).
var ErrNoAck = errors.New("the other side did not acknowledge our answer")

// Event is one thing that happened to a call. Exactly one of its parts is set.
type Event struct {
	Request   *Incoming // a request in one of its dialogs, ACK included
	Cancelled *Incoming // this INVITE was cancelled, by Cancel; 487 has been sent
	Cancel    *sip.Request
	Sent      *Outgoing // Response or Err belongs to this request of ours
	Response  *sip.Response
	Err       error // of Sent: timed out or not sent; of Request: ErrNoAck
	Note      any   // what Post put in
}

type item struct {
	in      *Incoming
	cancel  *sip.Request // of in
	out     *Outgoing
	sending *sending // of out, that res answers, or whose stream has ended
	res     *sip.Response
	err     error
	note    any
}

// Inbox is the ordered mailbox of one call. One goroutine reads it with Next.
type Inbox struct {
	core  *Core
	news  chan struct{} // something waits
	ready []Event       // what the last item gave and Next has not handed out yet; the reader's own

	mu       sync.Mutex // guards everything below; most calls need neither map for long
	closed   bool
	queue    []item
	dialogs  []attached
	unacked  map[unackedKey]*retransmission
	reliable map[string]*provisionals // by our tag
}

// attached is a dialog that is delivered here.
type attached struct {
	key  string
	peer policy.Peer
}

// NewInbox makes an Inbox. Close gives it back.
func (c *Core) NewInbox() *Inbox {
	return &Inbox{core: c, news: make(chan struct{}, 1)}
}

// Attach has requests of peer with this Call-ID and this To tag, which is ours, delivered here.
func (b *Inbox) Attach(callID, localTag string, peer policy.Peer) {
	key := dialogKey(callID, localTag)
	b.mu.Lock()
	b.dialogs = append(b.dialogs, attached{key, peer})
	b.mu.Unlock()
	b.core.mu.Lock()
	b.core.dialogs[key] = b
	b.core.mu.Unlock()
}

func (b *Inbox) peerOf(req *sip.Request) policy.Peer {
	tag, _ := req.To().Params.Get("tag")
	key := dialogKey(req.CallID().Value(), tag)
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := len(b.dialogs) - 1; i >= 0; i-- { // the last to attach a key counts
		if b.dialogs[i].key == key {
			return b.dialogs[i].peer
		}
	}
	return policy.Peer{}
}

// Post queues a note from elsewhere: a timer, a cut-off, a shutdown. It does not block; it reports whether there was room.
func (b *Inbox) Post(note any) bool { return b.put(item{note: note}) }

func (b *Inbox) put(it item) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed || len(b.queue) >= inboxSize {
		return false
	}
	b.queue = append(b.queue, it)
	select {
	case b.news <- struct{}{}:
	default: // Next has been told and has not looked yet
	}
	return true
}

// first takes the item that has waited longest; false when none does.
func (b *Inbox) first() (item, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.queue) == 0 {
		b.queue = nil // a burst does not keep its memory
		return item{}, false
	}
	it := b.queue[0]
	b.queue[0] = item{}
	b.queue = b.queue[1:]
	return it, true
}

// Idle tells whether nothing waits: Next would.
func (b *Inbox) Idle() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.ready)+len(b.queue) == 0
}

// Wait returns when Next would. A call waits here for as long as it lasts: on less stack than there.
func (b *Inbox) Wait() {
	for b.Idle() {
		<-b.news
	}
}

// Next waits for the next event. Its error is ctx's.
func (b *Inbox) Next(ctx context.Context) (Event, error) {
	for {
		if len(b.ready) > 0 {
			e := b.ready[0]
			if b.ready = b.ready[1:]; len(b.ready) == 0 {
				b.ready = nil // a message is not kept for as long as the call is quiet after it
			}
			return e, nil
		}
		if err := ctx.Err(); err != nil {
			return Event{}, err // even under a flood
		}
		if it, ok := b.first(); ok {
			b.ready = b.take(it)
			continue
		}
		select {
		case <-ctx.Done():
			return Event{}, ctx.Err()
		case <-b.news:
		}
	}
}

// take drives the transaction of it and returns what reaches the call.
func (b *Inbox) take(it item) []Event {
	switch {
	case it.note != nil:
		return []Event{{Note: it.note}}
	case it.cancel != nil:
		return []Event{{Cancelled: it.in, Cancel: it.cancel}}
	case it.in != nil && it.err != nil:
		return []Event{{Request: it.in, Err: it.err}}
	case it.in != nil:
		if it.in.IsAck() {
			b.acknowledged(it.in)
		}
		if it.in.Method == sip.PRACK && b.pracked(it.in) {
			return nil
		}
		return []Event{{Request: it.in}}
	case it.sending != nil && it.err != nil:
		it.out.goOn(it.sending)
		return nil
	case it.err != nil:
		if it.out.settle() {
			return []Event{{Sent: it.out, Err: it.err}}
		}
		return nil
	default:
		return it.out.take(it.sending, it.res)
	}
}

// Close ends the delivery. What still waits is answered with 481, transactions under way finish by themselves.
func (b *Inbox) Close() {
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return
	}
	b.closed = true
	dialogs, unacked, reliable := b.dialogs, b.unacked, b.reliable
	b.unacked = nil
	b.mu.Unlock()

	b.core.mu.Lock()
	for _, d := range dialogs {
		if b.core.dialogs[d.key] == b { // not when another call has taken it over
			delete(b.core.dialogs, d.key)
		}
	}
	b.core.mu.Unlock()
	for _, r := range unacked {
		r.stop()
	}
	for _, p := range reliable {
		p.stop()
	}
	for it, ok := b.first(); ok; it, ok = b.first() {
		b.discard(it)
	}
}

func (b *Inbox) discard(it item) {
	switch {
	case it.in != nil && !it.in.IsAck() && it.cancel == nil && it.err == nil:
		it.in.answer(Reply{Status: 481})
	case it.res != nil:
		go it.out.finish(it.sending, it.res)
	case it.sending != nil:
		go it.out.goOn(it.sending)
	}
}

// unackedKey names an INVITE of ours to answer: our tag tells the leg, the CSeq the request.
type unackedKey struct {
	tag string
	seq uint32
}

// retransmission sends a 2xx again until its ACK comes (RFC 3261 §13.3.1.4).
type retransmission struct {
	mu    sync.Mutex
	timer *time.Timer
	done  bool
}

func (r *retransmission) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done = true
	if r.timer != nil {
		r.timer.Stop()
	}
}

// retransmit repeats send at T1, doubling up to T2, until the ACK or 64*T1.
func (b *Inbox) retransmit(in *Incoming, send func()) {
	r := &retransmission{}
	key := unackedKey{in.Tag, in.CSeq().SeqNo}
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return
	}
	if b.unacked == nil {
		b.unacked = map[unackedKey]*retransmission{}
	}
	b.unacked[key] = r
	b.mu.Unlock()

	wait, left := sip.T1, 64*sip.T1
	again := func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.done {
			return
		}
		if left -= wait; left <= 0 {
			b.mu.Lock()
			b.forget(key)
			b.mu.Unlock()
			b.put(item{in: in, err: ErrNoAck})
			return
		}
		send()
		wait = min(2*wait, sip.T2)
		r.timer.Reset(wait)
	}
	r.mu.Lock()
	r.timer = time.AfterFunc(wait, again)
	r.mu.Unlock()
}

// Unacknowledged tells whether a 2xx of ours in the dialog with this tag of ours still waits for its ACK.
func (b *Inbox) Unacknowledged(localTag string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for key := range b.unacked {
		if key.tag == localTag {
			return true
		}
	}
	return false
}

// forget drops a 2xx that is not repeated any more. b.mu is held.
func (b *Inbox) forget(key unackedKey) {
	if delete(b.unacked, key); len(b.unacked) == 0 {
		b.unacked = nil
	}
}

func (b *Inbox) acknowledged(ack *Incoming) {
	key := unackedKey{ack.Tag, ack.CSeq().SeqNo}
	b.mu.Lock()
	r := b.unacked[key]
	b.forget(key)
	b.mu.Unlock()
	if r != nil {
		r.stop()
	}
}
