package call

import (
	"slices"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/admission"
	"tollgate/firmware/policy"
)

// cutOff is a note: the call that goes by this ticket ends, whatever it does, unless it passes every limit.
type cutOff struct {
	ticket uint64
	reason string
}

// cutStatus is what a caller is told whose call is cut off before somebody has answered, and the cause that both sides are
// told by Reason (RFC 3326 §2). Why exactly is for the administrator.
const (
	cutStatus = 403
	cutCause  = `SIP;cause=403;text="Cut off"`
)

// CutOff ends the call that goes by a ticket. The reason is a sentence for the administrator. A call may have passed its
// tickets on to another one that it was joined with, so that all are asked.
func (d *Desk) CutOff(ticket uint64, reason string) {
	for _, s := range d.sessions() {
		s.inbox.Post(cutOff{ticket, reason})
	}
}

// concerns tells whether the call goes by the ticket that a note names.
func (s *Session) concerns(n cutOff) bool {
	return n.ticket != 0 && slices.ContainsFunc(append([]*admission.Ticket{s.ticket, s.onward}, s.extra...), func(t *admission.Ticket) bool {
		return t.ID() == n.ticket
	})
}

// stop is what a call that is cut off does.
func (n cutOff) stop() stop {
	return stop{reason: "cut off: " + n.reason, ordinary: true, status: cutStatus, headers: []sip.Header{sip.NewHeader("Reason", cutCause)}}
}

// heardTrunk tells who follows the call what a trunk has finally answered.
func (s *Session) heardTrunk(l *Leg, res *sip.Response) {
	if l.side() == policy.SideOutside {
		s.asks.Heard(res.StatusCode, time.Now())
	}
}
