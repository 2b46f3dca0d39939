package ua

import (
	"errors"
	"fmt"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/policy"
)

// Text is a request as it came, without its body.
func (in *Incoming) Text() string {
	req := in.Request.Clone()
	req.SetBody(nil)
	return req.String()
}

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
