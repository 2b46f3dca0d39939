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

// Handler takes requests that belong to no dialog. Each call of it has a goroutine to itself.
type Handler func(*Incoming)

// Core holds the transactions and knows which dialog belongs to which Inbox. New makes one.
type Core struct {
	log     *slog.Logger
	handler Handler
	run     func(func())

	mu      sync.Mutex // guards everything below
	clients map[string]*sending
	watched map[<-chan struct{}]bool // the ends of streams with requests of ours
	servers map[string]*Incoming     // without a final answer yet
	dialogs map[string]*Inbox

	asked, answered echoes // requests of ours and of peers that are over
}

// New makes a Core that passes requests outside a dialog to h.
func New(h Handler, log *slog.Logger) *Core {
	c := &Core{
		log:     log,
		handler: h,
		run:     func(f func()) { go f() },
		clients: map[string]*sending{},
		watched: map[<-chan struct{}]bool{},
		servers: map[string]*Incoming{},
		dialogs: map[string]*Inbox{},
	}
	c.asked = echoes{core: c, byKey: map[string]*echo{}}
	c.answered = echoes{core: c, byKey: map[string]*echo{}}
	return c
}

// RunBy has the handler run by run, which does not wait for it, in the place of a new goroutine each time. It is called before
// the first message.
func (c *Core) RunBy(run func(func())) { c.run = run }

// Receive takes one message of peer that came by conn. Messages of one connection come in order of arrival. It does not block.
func (c *Core) Receive(m sip.Message, conn sip.Connection, peer policy.Peer) {
	switch m := m.(type) {
	case *sip.Response:
		c.response(m, conn, peer)
	case *sip.Request:
		c.request(m, conn, peer)
	}
}

func (c *Core) response(res *sip.Response, conn sip.Connection, peer policy.Peer) {
	key, err := sip.ClientTxKeyMake(res)
	if err != nil {
		return
	}
	c.mu.Lock()
	s := c.clients[key]
	c.mu.Unlock()
	switch {
	case s == nil:
		c.repeated(key, res, conn, peer)
	case !from(s.out.peer, peer): // not who was asked
	case s.out.inbox == nil || !s.out.inbox.put(item{out: s.out, sending: s, res: res}):
		go s.out.finish(s, res) // the call is over or this was sent without one
	}
}

// from tells whether a response is of the peer who was asked. A connection that several peers share has no name; then the
// transaction says whose the response is.
func from(asked, peer policy.Peer) bool {
	return asked.Side == peer.Side && (peer.Name == "" || peer == asked)
}

// repeated takes a response to a transaction that is over: it is acknowledged again, or it comes from another branch of
// a fork (RFC 3261 §13.2.2.4).
func (c *Core) repeated(key string, res *sip.Response, conn sip.Connection, peer policy.Peer) {
	e := c.asked.find(key)
	if e == nil || !from(e.peer, peer) || res.IsProvisional() {
		return // late, or not ours
	}
	tag, _ := res.To().Params.Get("tag")
	if res.IsSuccess() && e.tag != "" && e.tag != tag {
		go c.hangUpFork(e, res)
		return
	}
	c.asked.hear(e, conn)
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
	if c.again(req, conn, key) {
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

// again takes a request that was here before, or the ACK to a failure; false when req is news.
func (c *Core) again(req *sip.Request, conn sip.Connection, key string) bool {
	c.mu.Lock()
	in := c.servers[key]
	c.mu.Unlock()
	if in != nil {
		in.repeated()
		return true
	}
	e := c.answered.find(key)
	switch {
	case e == nil:
		return false
	case req.IsAck(): // to a 2xx it has a transaction of its own; not everybody knows
		return c.answered.acknowledged(e)
	}
	c.answered.hear(e, conn)
	return true
}

// cancel answers a CANCEL and lets it end the INVITE that it names (RFC 3261 §9.2), which gets 487.
func (c *Core) cancel(req *sip.Request, conn sip.Connection, key string) {
	key = strings.TrimSuffix(key, string(sip.CANCEL)) + string(sip.INVITE)
	c.mu.Lock()
	in := c.servers[key]
	c.mu.Unlock()
	tag := ""
	if in != nil {
		tag = in.Tag
	} else if e := c.answered.find(key); e != nil {
		tag = e.tag
	} else {
		c.write(conn, sip.NewResponseFromRequest(req, 481, "Call/Transaction Does Not Exist", nil))
		return
	}
	req.To().Params.Add("tag", tag) // the INVITE's (RFC 3261 §9.2)
	c.write(conn, sip.NewResponseFromRequest(req, 200, "OK", nil))
	if in != nil {
		in.cancel(req)
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
	if box == nil || box.peerOf(req) != peer {
		in.answer(Reply{Status: 481})
		return
	}
	in.mailbox(box)
	if !box.put(item{in: in}) {
		in.answer(Reply{Status: 503})
	}
}

func (c *Core) outOfDialog(req *sip.Request, conn sip.Connection, peer policy.Peer, key string) {
	tag := NewTag()
	// On the request itself, so that 180, 200, 487 and the 200 to a CANCEL all carry the same one.
	req.To().Params.Add("tag", tag)
	in := c.serve(req, conn, peer, key, tag)
	if req.IsInvite() {
		in.Inbox = c.NewInbox()
		in.Inbox.Attach(req.CallID().Value(), tag, peer)
		in.mailbox(in.Inbox)
	}
	c.run(func() { c.handler(in) })
}

func (c *Core) write(conn sip.Connection, m sip.Message) {
	if err := conn.WriteMsg(m); err != nil {
		c.log.Debug("message not sent", "to", m.Destination(), "err", err)
	}
}

func dialogKey(callID, localTag string) string { return callID + "\x00" + localTag }
