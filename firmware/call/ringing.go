package call

import (
	"context"
	"encoding/json"
	"net/netip"
	"time"

	"tollgate/firmware/event"
	"tollgate/firmware/policy"
	"tollgate/firmware/ua"
)

// A call that rings does not outlive the process: what both sides are about to agree on is known to nobody else. It is written
// down as far as it takes to tell both, so that no telephone goes on ringing and no caller goes on waiting.

// ringing is a call that was not answered yet.
type ringing struct {
	Started             time.Time
	Invite, Source, Tag string // the caller's
	Caller, Callee      policy.Peer
	CallerToken         string // of a phone
	CalleeToken         string
	CallerAt, CalleeAt  netip.AddrPort
	Sent                string     // our INVITE
	Dialog              *ua.Dialog // that it would have opened
}

func (s *Session) ringing() ringing {
	o := s.began()
	r := ringing{
		Started: s.started, Invite: o.text, Source: o.source, Tag: o.tag, Caller: s.peer, CallerToken: s.caller.Party.token,
		CallerAt: s.caller.Party.at(), Callee: s.callee.Party.Peer, CalleeToken: s.callee.Party.token, CalleeAt: s.callee.Party.at(), Dialog: s.callee.Dialog,
	}
	if req := s.callee.invite.Request(); req != nil {
		bare := req.Clone()
		bare.SetBody(nil)
		r.Sent = bare.String()
	}
	return r
}

// readRinging reads a record of a call that rang; false when it is of another kind.
func readRinging(b []byte) (ringing, bool) {
	var r struct{ Ringing *ringing }
	if json.Unmarshal(b, &r) != nil || r.Ringing == nil {
		return ringing{}, false
	}
	return *r.Ringing, true
}

// giveUp tells both sides of a call that rang in an earlier process that it is over.
func (d *Desk) giveUp(id string, r ringing) {
	if r.Sent != "" && r.Dialog != nil {
		way := lasting{d, r.Callee, r.CalleeToken, r.CalleeAt}
		err := d.insist(way, func(ctx context.Context) error { return d.o.Core.GiveUp(ctx, r.Sent, r.Callee, way, r.Dialog) })
		if err != nil {
			d.o.Log.Info("a call that rang is not cancelled", "call", id, "to", r.Callee.Name, "err", err)
		}
	}
	status := 503
	if r.Caller.Side == policy.SideOutside {
		status = 480 // 503 would say that the box takes no calls (RFC 3263 §4.3)
	}
	way := lasting{d, r.Caller, r.CallerToken, r.CallerAt}
	if err := d.insist(way, func(ctx context.Context) error { return d.decline(ctx, way, r, status) }); err != nil {
		d.o.Log.Info("who has called is not told", "call", id, "from", r.Caller.Name, "err", err)
	}
	d.o.Sink.Tell(event.CallEnded{At: time.Now(), Call: id, Status: status, Reason: "the box has started again while it rang"})
}

// decline answers the caller's INVITE.
func (d *Desk) decline(ctx context.Context, way lasting, r ringing, status int) error {
	inbox := d.o.Core.NewInbox()
	defer inbox.Close()
	in, err := inbox.Recall(r.Invite, r.Source, r.Tag, r.Caller)
	if err != nil {
		return err
	}
	conn, err := way.Conn(ctx)
	if err != nil {
		return err
	}
	if err := in.Owe(conn); err != nil {
		return err
	}
	return in.Respond(inbox, ua.Reply{Status: status})
}

// insist tries what needs a way to a peer, until there is one: the box has only just started.
func (d *Desk) insist(way lasting, try func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), connectTimeout)
	defer cancel()
	for {
		if _, ok := d.reached(way.peer, way.token); ok {
			return try(ctx)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(settleTime / 10):
		}
	}
}
