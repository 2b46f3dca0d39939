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
	method    sip.RequestMethod
	seq       uint32
	sending   *sending
	echo      *echo       // of an INVITE that was answered with 2xx
	answered  []challenge // challenges answered
	rang      bool        // a provisional response came
	final     bool        // the transaction has its final response
	settled   bool        // the outcome is known: the final response that counts, or the failure
	cancelled bool
	farewell  []sip.Header // of the CANCEL
	abandoned bool         // nobody waits for the outcome any more
	resent    bool         // its stream ended, and it was sent once more
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

// start makes the transaction of o.req and sends it, over a new connection when the one in use has ended.
func (o *Outgoing) start() error {
	conn, err := o.alive()
	if err != nil {
		return err
	}
	return o.begin(conn)
}

// begin makes the transaction of o.req on conn and sends it.
func (o *Outgoing) begin(conn sip.Connection) error {
	req := o.Request()
	carry(req, conn)
	settleHeaders(req)
	key, err := sip.ClientTxKeyMake(req)
	if err != nil {
		return err
	}
	s := &sending{out: o, key: key, req: req, conn: conn}
	o.mu.Lock()
	o.sending, o.final, o.method, o.seq = s, false, req.Method, req.CSeq().SeqNo
	o.mu.Unlock()
	o.core.mu.Lock()
	o.core.clients[key] = s
	o.core.watch(s)
	o.core.mu.Unlock()
	if err := s.begin(); err != nil {
		o.settle() // reported by the return value, not as an event
		s.giveUp()
		return err
	}
	return nil
}

// drop forgets a transaction that is over.
func (c *Core) drop(s *sending) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.clients, s.key)
}

// failed reports the end of a transaction that brought no final response.
func (o *Outgoing) failed(s *sending, err error) {
	o.mu.Lock()
	report := !o.settled && o.sending == s && o.inbox != nil
	o.mu.Unlock()
	if report {
		o.inbox.put(item{out: o, err: err})
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

// feed takes a response into its transaction; false when it is a repetition, which gets its answer here.
func (o *Outgoing) feed(s *sending, res *sip.Response) bool {
	if res.IsProvisional() {
		return s.ring()
	}
	if !s.end() { // or it comes at the moment at which the transaction gives up, which is reported as it is
		o.core.repeated(s.key, res, s.conn, o.peer)
		return false
	}
	o.mu.Lock()
	o.final = o.final || o.sending == s
	o.mu.Unlock()
	if s.req.IsInvite() {
		o.leaveEcho(s, res)
	}
	o.core.drop(s)
	return true
}

// leaveEcho has repetitions of the final response to an INVITE answered from now on. A failure is acknowledged at once
// (RFC 3261 §17.1.1.3), a 2xx by Ack.
func (o *Outgoing) leaveEcho(s *sending, res *sip.Response) {
	e := &echo{key: s.key, conn: s.conn, peer: o.peer}
	if res.IsSuccess() {
		o.mu.Lock()
		o.echo = e
		o.mu.Unlock()
		o.core.asked.put(e)
		return
	}
	ack := ackForFailure(s.req, res)
	e.text = ack.String()
	if !sip.IsReliable(s.req.Transport()) {
		o.core.asked.put(e)
	}
	if !ended(s.conn) {
		o.core.write(s.conn, ack)
		return
	}
	go func() { // it takes a new connection
		if conn, err := o.alive(); err == nil {
			o.core.write(conn, ack)
		}
	}()
}

// take drives the transaction with res and returns what the call is to know.
func (o *Outgoing) take(s *sending, res *sip.Response) []Event {
	if o.isAbandoned() {
		o.drain(s, res)
		return nil
	}
	switch {
	case !o.feed(s, res):
	case res.IsProvisional():
		o.rings()
		if res.StatusCode > 100 {
			return []Event{{Sent: o, Response: res}}
		}
	case o.authorize(res):
	case o.settle():
		return []Event{{Sent: o, Response: res}}
	}
	return nil
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
	rang, s := o.rang, o.sending
	o.mu.Unlock()
	if rang {
		o.sendCancel()
	}
	time.AfterFunc(64*sip.T1, s.giveUp)
}

func (o *Outgoing) sendCancel() {
	o.mu.Lock()
	req, headers := cancelFor(o.req), o.farewell
	o.mu.Unlock()
	for _, h := range headers {
		req.AppendHeader(h)
	}
	c := &Outgoing{core: o.core, peer: o.peer, path: o.path, conn: o.connection(), req: req}
	send := func() {
		if err := c.start(); err != nil {
			o.core.log.Debug("CANCEL not sent", "err", err)
		}
	}
	if ended(c.conn) {
		go send() // it takes a new connection
		return
	}
	send()
}

// Ack acknowledges the 2xx of an INVITE with an optional body, an SDP answer. A repeated 2xx gets the same ACK again.
func (o *Outgoing) Ack(body []byte) error {
	conn, err := o.alive()
	if err != nil {
		return err
	}
	o.mu.Lock()
	e := o.echo
	ack := o.Dialog.Ack(o.seq, body)
	o.req, o.sending, o.echo = nil, nil, nil // a call may last, and needs none of them any more
	o.mu.Unlock()
	carry(ack, conn)
	if e != nil {
		o.core.asked.say(e, conn, o.Dialog.RemoteTag, ack.String())
	}
	return conn.WriteMsg(ack)
}

// hangUpFork ends a dialog that a second branch opened: only one can have the call. All that is needed of it stands in
// the response, beginning with our own Via.
func (c *Core) hangUpFork(e *echo, res *sip.Response) {
	via, from, to := res.Via(), res.From(), res.To()
	d := Dialog{
		Local:  Local{Host: via.Host, Port: via.Port, Transport: via.Transport},
		CallID: res.CallID().Value(), LocalURI: from.Address.String(), LocalName: from.DisplayName,
		RemoteURI: to.Address.String(), LocalSeq: res.CSeq().SeqNo,
	}
	d.LocalTag, _ = from.Params.Get("tag")
	d.Established(res)
	ack := d.Ack(d.LocalSeq, nil)
	carry(ack, e.conn)
	c.write(e.conn, ack)
	bye := &Outgoing{core: c, peer: e.peer, conn: e.conn, req: d.Request(sip.BYE)}
	if err := bye.start(); err != nil {
		c.log.Debug("fork not hung up", "err", err)
	}
}

// Is tells whether the request has this method.
func (o *Outgoing) Is(method sip.RequestMethod) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.method == method
}

func (o *Outgoing) isINVITE() bool { return o.Is(sip.INVITE) }
