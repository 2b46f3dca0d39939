package ua

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/policy"
)

// Path leads to a peer. Conn returns the connection in use, or makes one.
type Path interface {
	Conn(ctx context.Context) (sip.Connection, error)
}

// Outgoing is a request of ours and the transaction that carries it. When the peer asks for credentials and there are
// some, it is sent once more with them, and the call sees only the outcome.
type Outgoing struct {
	Dialog *Dialog // the dialog it belongs to or begins; nil for a request outside any

	core        *Core
	inbox       *Inbox // nil: nobody waits for the answer
	peer        policy.Peer
	path        Path // nil: conn is the only way
	credentials *Credentials

	mu        sync.Mutex // guards everything below
	conn      sip.Connection
	req       *sip.Request
	tx        *sip.ClientTx
	answered  map[string]int // challenges answered, by who asked
	rang      bool           // a provisional response came
	final     bool           // the transaction has its final response; what ends it then is no failure
	settled   bool           // the outcome is known: the final response that counts, or the failure
	cancelled bool
	farewell  []sip.Header // of the CANCEL
	abandoned bool         // nobody waits for the outcome any more
	failAck   *sip.Request // sent for a failure, sent again when it is repeated
	ack       *sip.Request // sent for the 2xx, sent again when it is repeated
	ackedTag  string
}

// Send sends req to peer on path. Events about it arrive at b. d may be nil, credentials too.
func (b *Inbox) Send(ctx context.Context, req *sip.Request, to policy.Peer, path Path, d *Dialog, credentials *Credentials) (*Outgoing, error) {
	conn, err := connFor(ctx, path, req)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", to.Name, err)
	}
	o := &Outgoing{Dialog: d, core: b.core, inbox: b, peer: to, path: path, conn: conn, credentials: credentials, req: req}
	if err := o.start(); err != nil {
		return nil, fmt.Errorf("send %s to %s: %w", req.Method, to.Name, err)
	}
	return o, nil
}

// Do sends req outside any dialog and waits for its final response.
func (c *Core) Do(ctx context.Context, req *sip.Request, to policy.Peer, path Path, credentials *Credentials) (*sip.Response, error) {
	b := c.NewInbox()
	defer b.Close()
	if _, err := b.Send(ctx, req, to, path, nil, credentials); err != nil {
		return nil, err
	}
	for {
		e, err := b.Next(ctx)
		switch {
		case err != nil:
			return nil, err
		case e.Err != nil:
			return nil, e.Err
		case e.Response != nil && !e.Response.IsProvisional():
			return e.Response, nil
		}
	}
}

// Request is what was sent last.
func (o *Outgoing) Request() *sip.Request {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.req
}

func (o *Outgoing) connection() sip.Connection {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.conn
}

// start makes the transaction of o.req and sends it.
func (o *Outgoing) start() error {
	req, conn := o.Request(), o.connection()
	carry(req, conn)
	settleHeaders(req)
	key, err := sip.ClientTxKeyMake(req)
	if err != nil {
		return err
	}
	tx := sip.NewClientTx(key, req, conn, o.core.log)
	o.mu.Lock()
	o.tx, o.final = tx, false
	o.mu.Unlock()
	o.core.mu.Lock()
	o.core.clients[key] = o
	o.core.mu.Unlock()
	tx.OnTerminate(func(_ string, err error) {
		o.core.mu.Lock()
		delete(o.core.clients, key)
		o.core.mu.Unlock()
		o.failed(tx, err)
	})
	tx.OnRetransmission(o.repeated)
	if err := tx.Init(); err != nil {
		o.settle() // reported by the return value, not as an event
		tx.Terminate()
		return err
	}
	return nil
}

// failed reports the end of a transaction that brought no final response. It is called with the transaction locked.
func (o *Outgoing) failed(tx *sip.ClientTx, err error) {
	o.mu.Lock()
	report := !o.final && !o.settled && o.tx == tx && o.inbox != nil
	o.mu.Unlock()
	if report {
		go o.inbox.put(item{out: o, err: err})
	}
}

// settle notes that the outcome is known; it tells whether that is news.
func (o *Outgoing) settle() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	news := !o.settled
	o.settled = true
	return news
}

// feed drives the transaction with res and returns the responses that it lets through.
func (o *Outgoing) feed(res *sip.Response) []*sip.Response {
	o.mu.Lock()
	tx, failAck := o.tx, o.failAck
	o.final = o.final || !res.IsProvisional()
	o.mu.Unlock()
	if failAck != nil && res.StatusCode >= 300 && o.isINVITE() {
		o.core.write(o.connection(), failAck) // sipgo would wait T2 with the transaction locked
		return nil
	}
	done := make(chan struct{})
	go func() { defer close(done); tx.Receive(res) }()
	var passed []*sip.Response
	for {
		select {
		case r := <-tx.Responses():
			passed = append(passed, r)
		case <-done:
			if res.StatusCode >= 300 && o.isINVITE() {
				o.noteFailAck(res)
			}
			return passed
		}
	}
}

// take drives the transaction with res and returns what the call is to know.
func (o *Outgoing) take(res *sip.Response) []Event {
	if o.isAbandoned() {
		o.drain(res)
		return nil
	}
	var events []Event
	for _, r := range o.feed(res) {
		if r.IsProvisional() {
			o.rings()
			if r.StatusCode > 100 {
				events = append(events, Event{Sent: o, Response: r})
			}
			continue
		}
		if o.authorize(r) {
			continue
		}
		if o.settle() {
			events = append(events, Event{Sent: o, Response: r})
		}
	}
	return events
}

// rings notes a provisional response and sends the CANCEL that waited for one (RFC 3261 §9.1).
func (o *Outgoing) rings() {
	o.mu.Lock()
	send := o.cancelled && !o.rang
	o.rang = true
	o.mu.Unlock()
	if send {
		o.sendCancel()
	}
}

// Cancel gives an INVITE up, with these headers besides the usual ones. Its final response still arrives; when the peer
// stays silent, an error does after 64*T1.
func (o *Outgoing) Cancel(headers ...sip.Header) {
	o.mu.Lock()
	if o.cancelled || o.settled {
		o.mu.Unlock()
		return
	}
	o.cancelled, o.farewell = true, headers
	rang, tx := o.rang, o.tx
	o.mu.Unlock()
	if rang {
		o.sendCancel()
	}
	time.AfterFunc(64*sip.T1, tx.Terminate)
}

func (o *Outgoing) sendCancel() {
	o.mu.Lock()
	req, headers := cancelFor(o.req), o.farewell
	o.mu.Unlock()
	for _, h := range headers {
		req.AppendHeader(h)
	}
	c := &Outgoing{core: o.core, peer: o.peer, conn: o.connection(), req: req}
	if err := c.start(); err != nil {
		o.core.log.Debug("CANCEL not sent", "err", err)
	}
}

// Ack acknowledges the 2xx of an INVITE with an optional body, an SDP answer. A repeated 2xx gets the same ACK again.
func (o *Outgoing) Ack(body []byte) error {
	ack := o.Dialog.Ack(o.Request().CSeq().SeqNo, body)
	o.mu.Lock()
	conn := o.conn
	carry(ack, conn)
	o.ack, o.ackedTag = ack, o.Dialog.RemoteTag
	o.mu.Unlock()
	return conn.WriteMsg(ack)
}

// repeated gets 2xx responses after the first one: the same again, or another branch of a fork (RFC 3261 §13.2.2.4).
func (o *Outgoing) repeated(res *sip.Response) {
	tag, _ := res.To().Params.Get("tag")
	o.mu.Lock()
	ack, acked, conn := o.ack, o.ackedTag, o.conn
	o.mu.Unlock()
	switch {
	case ack == nil: // not acknowledged yet: the ACK is on its way
	case tag == acked:
		o.core.write(conn, ack)
	default:
		go o.hangUpFork(res)
	}
}

// hangUpFork ends a dialog that a second branch opened: only one can have the call.
func (o *Outgoing) hangUpFork(res *sip.Response) {
	d := *o.Dialog
	d.Established(res)
	conn, ack := o.connection(), d.Ack(o.Request().CSeq().SeqNo, nil)
	carry(ack, conn)
	o.core.write(conn, ack)
	bye := &Outgoing{core: o.core, peer: o.peer, conn: conn, req: d.Request(sip.BYE)}
	if err := bye.start(); err != nil {
		o.core.log.Debug("fork not hung up", "err", err)
	}
}

// Is tells whether the request has this method.
func (o *Outgoing) Is(method sip.RequestMethod) bool { return o.Request().Method == method }

func (o *Outgoing) isINVITE() bool { return o.Request().IsInvite() }

func (o *Outgoing) noteFailAck(res *sip.Response) {
	ack := ackForFailure(o.Request(), res)
	o.mu.Lock()
	o.failAck = ack
	o.mu.Unlock()
}
