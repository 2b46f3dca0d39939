package ua

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/field"
	"tollgate/firmware/policy"
)

// Text is a request as it came, without its body.
func (in *Incoming) Text() string {
	var b strings.Builder
	b.Grow(usualText)
	in.Request.StartLineWrite(&b)
	b.WriteString("\r\n")
	for _, h := range in.Request.Headers() {
		if !field.Is(h, "Content-Length") {
			h.StringWrite(&b)
			b.WriteString("\r\n")
		}
	}
	b.WriteString("Content-Length: 0\r\n\r\n")
	return b.String()
}

// usualText is room for an INVITE without its body.
const usualText = 1 << 10

// Recall makes of such a text what a call knows of the INVITE that it began with, in another process: for reading, since
// it has had its answer. source is where it came from.
func (b *Inbox) Recall(text, source, tag string, peer policy.Peer) (*Incoming, error) {
	m, err := sip.NewParser().ParseSIP([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("read the INVITE of the call: %w", err)
	}
	req, ok := m.(*sip.Request)
	if !ok || !req.IsInvite() || req.From() == nil || req.To() == nil || req.CallID() == nil || req.CSeq() == nil || req.Via() == nil {
		return nil, errors.New("the call does not begin with an INVITE")
	}
	req.SetSource(source)
	return &Incoming{Request: req, Peer: peer, Tag: tag, Inbox: b, core: b.core, received: req, box: b, final: true}, nil
}

// Owe makes a recalled INVITE one that has had no final answer yet, which goes by conn.
func (in *Incoming) Owe(conn sip.Connection) error {
	key, err := sip.ServerTxKeyMake(in.Request)
	if err != nil {
		return fmt.Errorf("answer the INVITE of the call: %w", err)
	}
	in.Conn, in.key, in.final = conn, key, false
	return nil
}

// GiveUp cancels an INVITE that another process has sent, of which d is the dialog to be. When it is answered all the same,
// the answer is acknowledged and hung up.
func (c *Core) GiveUp(ctx context.Context, invite string, to policy.Peer, path Path, d *Dialog) error {
	m, err := sip.NewParser().ParseSIP([]byte(invite))
	if err != nil {
		return fmt.Errorf("read our INVITE: %w", err)
	}
	req, ok := m.(*sip.Request)
	if !ok || !req.IsInvite() || req.From() == nil || req.To() == nil || req.CallID() == nil || req.CSeq() == nil || req.Via() == nil {
		return errors.New("what was sent is no INVITE")
	}
	conn, err := connFor(ctx, path, req)
	if err != nil {
		return fmt.Errorf("connect to %s: %w", to.Name, err)
	}
	carry(req, conn)
	settleHeaders(req)
	key, err := sip.ClientTxKeyMake(req)
	if err != nil {
		return fmt.Errorf("cancel our INVITE: %w", err)
	}
	o := &Outgoing{Dialog: d, core: c, peer: to, path: path, conn: conn, req: req, method: sip.INVITE, seq: req.CSeq().SeqNo, rang: true, abandoned: true}
	o.sending = &sending{out: o, key: key, req: req, conn: conn, heard: true}
	c.mu.Lock()
	c.clients[key] = o.sending
	c.mu.Unlock()
	o.Cancel()
	return nil
}
