package call

import (
	"context"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/field"
	"tollgate/firmware/ua"
)

// Reliable provisional responses are ended on each leg (RFC 3262): what one side sends reliably reaches the other in the
// way that side asked for.

// newProgress tells whether a provisional response of a leg that is being called is news, and acknowledges a reliable one.
func (s *Session) newProgress(l *Leg, res *sip.Response) bool {
	rseq, reliable := ua.RSeq(res)
	if !reliable {
		return true
	}
	tag, _ := res.To().Params.Get("tag")
	last, known := l.rseq[tag]
	if known && rseq != last+1 {
		return false // a repetition, or one before it is missing (RFC 3262 §4)
	}
	if l.rseq == nil {
		l.rseq = map[string]uint32{}
	}
	l.rseq[tag] = rseq
	l.Dialog.Established(res)
	ctx, cancel := context.WithTimeout(context.Background(), connectTimeout)
	defer cancel()
	prack := l.Dialog.Prack(rseq, l.invite.Request().CSeq().SeqNo)
	if _, err := s.send(ctx, l, prack); err != nil {
		s.log.Info("PRACK not sent", "to", l.Party.Peer.Name, "err", err)
	}
	return true
}

// tellProgress passes ringing on, reliably where the caller requires it.
func (s *Session) tellProgress(r ua.Reply) {
	if !ua.Lists(field.All(s.in(), "Require"), "100rel") {
		s.answer(s.in(), r)
		return
	}
	if err := s.in().RespondReliably(s.inbox, s.ruledReply(s.in(), r)); err != nil {
		s.log.Debug("provisional response not sent", "status", r.Status, "err", err)
	}
}
