package call

import (
	"context"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/ua"
)

// byeTimeout bounds how long a call waits for the answers to its BYEs.
const byeTimeout = 3 * time.Second

// bye answers a BYE and says how the call ended.
func (s *Session) bye(in *ua.Incoming) ending {
	leg := s.legOf(in)
	leg.gone = true
	s.answer(in, ua.Reply{Status: 200})
	return ending{reason: "hung up by " + leg.Party.Peer.Name}
}

// hangUp ends each confirmed dialog that has not ended and waits a little for the answers.
func (s *Session) hangUp() {
	ctx, cancel := context.WithTimeout(context.Background(), byeTimeout)
	defer cancel()
	var sent []*ua.Outgoing
	for _, leg := range []*Leg{s.caller, s.callee} {
		if leg == nil || !leg.confirmed || leg.gone {
			continue
		}
		leg.gone = true
		o, err := s.send(ctx, leg, leg.Dialog.Request(sip.BYE))
		if err != nil {
			s.log.Info("BYE not sent", "to", leg.Party.Peer.Name, "err", err)
			continue
		}
		sent = append(sent, o)
	}
	s.await(ctx, sent)
}

// await waits for the final responses to sent, answering what still comes in.
func (s *Session) await(ctx context.Context, sent []*ua.Outgoing) {
	for waiting := len(sent); waiting > 0; {
		e, err := s.inbox.Next(ctx)
		if err != nil {
			return
		}
		switch {
		case e.Sent != nil && e.Sent.Is(sip.BYE) && (e.Err != nil || !e.Response.IsProvisional()):
			waiting--
		case e.Request != nil && e.Err == nil && !e.Request.IsAck():
			status := 481
			if e.Request.Method == sip.BYE {
				status = 200 // both hung up at once
			}
			s.answer(e.Request, ua.Reply{Status: status})
		}
	}
}

// credentials answer a challenge on this leg and on no other.
func (l *Leg) credentials() *ua.Credentials {
	if l.Party.Credentials == nil {
		return nil
	}
	return l.Party.Credentials(l.account)
}
