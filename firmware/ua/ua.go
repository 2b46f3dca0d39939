// Package ua is the SIP user-agent core: transactions, dialogs and their order.
//
//	edge --Receive--> Core --+-- retransmissions, ACK to failures, CANCEL: answered from the transaction (RFC 3261 §17)
//	                         +-- in a dialog: the Inbox of its call, in order of arrival
//	                         +-- outside any: a new Incoming, with an Inbox of its own when it is an INVITE
//
// Each call has one Inbox for both of its legs and reads it with Next in one goroutine, so that a 200 can never overtake
// its 180, and a slow call stalls nobody else: Receive only looks up and queues. The finite state machines of the
// transactions are sipgo's and are driven by hand. Dialog (RFC 3261 §12) is plain data that can be saved. Every
// message that leaves is made afresh; nothing of a received one is passed on.
//
// It leaves to others: sockets (edge), who speaks (access), and what a call means (call, trunk).
package ua

import (
	"log/slog"
	"strings"
	"sync"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/policy"
)

// Handler takes requests that belong to no dialog. Each call of it has a goroutine of its own.
type Handler func(*Incoming)

// Core holds the transactions and knows which dialog belongs to which Inbox. New makes one.
type Core struct {
	log     *slog.Logger
	handler Handler

	mu      sync.Mutex // guards everything below
	clients map[string]*Outgoing
	servers map[string]*sip.ServerTx
	dialogs map[string]*Inbox
}

// New makes a Core that passes requests outside a dialog to h.
func New(h Handler, log *slog.Logger) *Core {
	return &Core{
		log:     log,
		handler: h,
		clients: map[string]*Outgoing{},
		servers: map[string]*sip.ServerTx{},
		dialogs: map[string]*Inbox{},
	}
}

// Receive takes one message of peer that came by conn. Messages of one connection come in order of arrival. It does not block.
func (c *Core) Receive(m sip.Message, conn sip.Connection, peer policy.Peer) {
	switch m := m.(type) {
	case *sip.Response:
		c.response(m, peer)
	case *sip.Request:
		c.request(m, conn, peer)
	}
}

func (c *Core) response(res *sip.Response, peer policy.Peer) {
	key, err := sip.ClientTxKeyMake(res)
	if err != nil {
		return
	}
	c.mu.Lock()
	o := c.clients[key]
	c.mu.Unlock()
	// A connection that several peers share has no name; then the transaction says whose the response is.
	if o == nil || o.peer.Side != peer.Side || (peer.Name != "" && peer != o.peer) {
		return // late, or not ours
	}
	if o.inbox == nil || !o.inbox.put(item{out: o, res: res}) {
		go o.finish(res) // the call is over or this was sent without one
	}
}

func (c *Core) request(req *sip.Request, conn sip.Connection, peer policy.Peer) {
	key, err := sip.ServerTxKeyMake(req)
	if err != nil {
		return
	}
	if req.IsCancel() {
		c.cancel(req, conn, key)
		return
	}
	c.mu.Lock()
	tx := c.servers[key]
	c.mu.Unlock()
	if tx != nil {
		if err := tx.Receive(req); err != nil {
			c.log.Debug("request does not fit its transaction", "method", req.Method, "err", err)
		}
		return
	}
	tag, inDialog := req.To().Params.Get("tag")
	if inDialog {
		c.inDialog(req, conn, peer, key, tag)
		return
	}
	if req.IsAck() {
		return // to a challenge or refusal that was sent without state
	}
	c.outOfDialog(req, conn, peer, key)
}

// cancel answers a CANCEL and lets it end the INVITE that it names (RFC 3261 §9.2). The INVITE's own transaction sends 487.
func (c *Core) cancel(req *sip.Request, conn sip.Connection, key string) {
	c.mu.Lock()
	tx := c.servers[strings.TrimSuffix(key, string(sip.CANCEL))+string(sip.INVITE)]
	c.mu.Unlock()
	if tx == nil {
		c.write(conn, sip.NewResponseFromRequest(req, 481, "Call/Transaction Does Not Exist", nil))
		return
	}
	// The tag of the CANCEL's 200 is the INVITE's (RFC 3261 §9.2).
	if tag, ok := tx.Origin().To().Params.Get("tag"); ok {
		req.To().Params.Add("tag", tag)
	}
	c.write(conn, sip.NewResponseFromRequest(req, 200, "OK", nil))
	if err := tx.Receive(req); err != nil {
		c.log.Debug("CANCEL does not fit its transaction", "err", err)
	}
}

func (c *Core) inDialog(req *sip.Request, conn sip.Connection, peer policy.Peer, key, tag string) {
	c.mu.Lock()
	box := c.dialogs[dialogKey(req.CallID().Value(), tag)]
	c.mu.Unlock()
	if req.IsAck() {
		if box != nil && box.peerOf(req) == peer {
			box.put(item{in: &Incoming{Request: req, Peer: peer, Conn: conn, Tag: tag}})
		}
		return
	}
	in := c.serve(req, conn, peer, key, tag)
	if in == nil {
		return
	}
	if box == nil || box.peerOf(req) != peer {
		in.answer(Reply{Status: 481})
		return
	}
	if req.IsInvite() {
		in.tx.OnCancel(func(cancel *sip.Request) { box.put(item{in: in, cancel: cancel}) })
	}
	if !box.put(item{in: in}) {
		in.answer(Reply{Status: 503})
	}
}

func (c *Core) outOfDialog(req *sip.Request, conn sip.Connection, peer policy.Peer, key string) {
	tag := NewTag()
	// On the request itself, so that 180, 200, 487 and the 200 to a CANCEL all carry the same one.
	req.To().Params.Add("tag", tag)
	in := c.serve(req, conn, peer, key, tag)
	if in == nil {
		return
	}
	if req.IsInvite() {
		in.Inbox = c.NewInbox()
		in.Inbox.Attach(req.CallID().Value(), tag, peer)
		in.tx.OnCancel(func(cancel *sip.Request) { in.Inbox.put(item{in: in, cancel: cancel}) })
	}
	go c.handler(in)
}

// serve starts the server transaction of a new request.
func (c *Core) serve(req *sip.Request, conn sip.Connection, peer policy.Peer, key, tag string) *Incoming {
	tx := sip.NewServerTx(key, req, conn, c.log)
	c.mu.Lock()
	c.servers[key] = tx
	c.mu.Unlock()
	tx.OnTerminate(func(string, error) {
		c.mu.Lock()
		delete(c.servers, key)
		c.mu.Unlock()
	})
	if err := tx.Init(); err != nil {
		c.log.Debug("server transaction not started", "err", err)
		tx.Terminate()
		return nil
	}
	return &Incoming{Request: req, Peer: peer, Conn: conn, Tag: tag, core: c, tx: tx}
}

func (c *Core) write(conn sip.Connection, m sip.Message) {
	if err := conn.WriteMsg(m); err != nil {
		c.log.Debug("message not sent", "to", m.Destination(), "err", err)
	}
}

func dialogKey(callID, localTag string) string { return callID + "\x00" + localTag }
