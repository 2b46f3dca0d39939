package ua

import (
	"github.com/emiago/sipgo/sip"
)

// Heard tells whether anything has come back: a peer that is there says at least 100 to an INVITE.
func (o *Outgoing) Heard() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.rang || o.final || len(o.answered) > 0
}

// Abandon gives the request up without waiting for its outcome, which reaches nobody any more: the call goes on with
// another server. It is not repeated any more: who is silent now shall not ring in a moment, when somebody else does. An
// INVITE is cancelled as soon as it may be; when it is answered all the same, the answer is acknowledged and hung up
// (RFC 3261 §9.1, §13.2.2.4). The Dialog is the abandoned request's alone from now on.
func (o *Outgoing) Abandon() {
	o.mu.Lock()
	o.abandoned = true
	s := o.sending
	o.mu.Unlock()
	if s != nil { // nil once an INVITE has been acknowledged
		s.hush()
	}
	if o.isINVITE() {
		o.Cancel()
	}
}

func (o *Outgoing) isAbandoned() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.abandoned
}

// finish takes a response that nobody waits for, so that the transaction comes to its end.
func (o *Outgoing) finish(s *sending, res *sip.Response) {
	if o.isAbandoned() {
		o.drain(s, res)
		return
	}
	o.feed(s, res)
}

// drain takes a response to an abandoned request.
func (o *Outgoing) drain(s *sending, res *sip.Response) {
	switch {
	case !o.feed(s, res):
	case res.IsProvisional():
		o.rings()
	case res.IsSuccess() && o.isINVITE() && o.Dialog != nil && o.settle():
		o.hangUpLate(res)
	}
}

// hangUpLate ends the dialog that an abandoned INVITE has opened after all.
func (o *Outgoing) hangUpLate(res *sip.Response) {
	o.Dialog.Established(res)
	if err := o.Ack(nil); err != nil {
		o.core.log.Debug("late answer not acknowledged", "err", err)
	}
	bye := &Outgoing{core: o.core, peer: o.peer, path: o.path, conn: o.connection(), req: o.Dialog.Request(sip.BYE)}
	if err := bye.start(); err != nil {
		o.core.log.Debug("late answer not hung up", "err", err)
	}
}

// Again is req for the next server: the same request with a branch of its own (RFC 3263 §4.3).
func Again(req *sip.Request) *sip.Request {
	next := req.Clone()
	next.Via().Params.Add("branch", sip.RFC3261BranchMagicCookie+token(12))
	return next
}
