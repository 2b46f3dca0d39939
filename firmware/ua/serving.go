package ua

import (
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/policy"
)

// tryingAfter is how long an INVITE may stay without an answer before it gets 100 (RFC 3261 §17.2.1): most have one by then.
const tryingAfter = 200 * time.Millisecond

// serve begins the server transaction of a new request (RFC 3261 §17.2). It lasts until the final answer.
func (c *Core) serve(req *sip.Request, conn sip.Connection, peer policy.Peer, key, tag string) *Incoming {
	in := &Incoming{Request: req, received: req, Peer: peer, Conn: conn, Tag: tag, core: c, key: key}
	if req.IsInvite() {
		in.trying = time.AfterFunc(tryingAfter, func() {
			if _, err := in.send(in.response(Reply{Status: 100})); err != nil {
				c.log.Debug("100 Trying not sent", "err", err)
			}
		})
	}
	c.mu.Lock()
	c.servers[key] = in
	c.mu.Unlock()
	return in
}

// mailbox has a CANCEL of the INVITE told to b.
func (in *Incoming) mailbox(b *Inbox) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.box = b
}

// send sends an answer; false when there was a final one before.
func (in *Incoming) send(res *sip.Response) (sent bool, err error) {
	in.mu.Lock()
	if in.final {
		in.mu.Unlock()
		return false, nil
	}
	if in.trying != nil {
		in.trying.Stop()
	}
	in.last, in.final = res, !res.IsProvisional()
	if in.final {
		in.last, in.trying = nil, nil // a call may last
	}
	in.mu.Unlock()
	if !res.IsProvisional() {
		in.leaveEcho(res)
	}
	return true, in.write(res)
}

// leaveEcho ends the transaction. A 2xx to an INVITE is repeated by the call's mailbox, until its ACK (RFC 6026 §7.1).
func (in *Incoming) leaveEcho(res *sip.Response) {
	unreliable := !sip.IsReliable(in.received.Transport())
	if in.received.IsInvite() || unreliable {
		e := &echo{key: in.key, conn: in.Conn, tag: in.Tag}
		if !in.received.IsInvite() || !res.IsSuccess() {
			e.text = res.String()
		}
		e.failure = in.received.IsInvite() && !res.IsSuccess()
		in.core.answered.put(e)
		if e.failure && unreliable {
			in.core.answered.begin(e)
		}
	}
	in.core.mu.Lock()
	delete(in.core.servers, in.key)
	in.core.mu.Unlock()
}

// repeated answers the request once more.
func (in *Incoming) repeated() {
	in.mu.Lock()
	res := in.last
	in.mu.Unlock()
	if res != nil {
		in.core.write(in.Conn, res)
	}
}

// cancel ends an INVITE that its sender has cancelled.
func (in *Incoming) cancel(req *sip.Request) {
	sent, err := in.send(in.response(Reply{Status: 487}))
	if err != nil {
		in.core.log.Debug("answer not sent", "method", in.received.Method, "status", 487, "err", err)
	}
	in.mu.Lock()
	box := in.box
	in.mu.Unlock()
	if sent && box != nil {
		box.put(item{in: in, cancel: req})
	}
}
