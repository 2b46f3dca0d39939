package call

import (
	"context"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/ua"
)

// Who hangs up over a stream while no process listens gets no answer and does not ask again; over UDP his BYE comes again
// for half a minute. So after a restart the peers on streams are asked whether they still have the call (RFC 3261 §12.2.1.2:
// 481 ends a dialog). Any other answer, or none, says nothing.

// probeSpread is the time within which the peers of all calls are asked, each once.
const probeSpread = 2 * time.Second

// probeDue is a note: ask this leg's peer.
type probeDue struct{ leg *Leg }

func (s *Session) probeLater(l *Leg) {
	if !l.gone && !strings.EqualFold(l.Dialog.Local.Transport, "UDP") {
		s.later(probeDue{l}, settleTime+rand.N(probeSpread))
	}
}

// probe asks a leg's peer whether it has the call.
func (s *Session) probe(l *Leg) {
	if l != s.caller && l != s.callee || l.gone {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), connectTimeout)
	defer cancel()
	out, err := s.send(ctx, l, l.Dialog.Request(sip.OPTIONS))
	if err != nil {
		s.log.Info("not asked whether it still has the call", "peer", l.Party.Peer.Name, "err", err)
		return
	}
	if s.probes == nil {
		s.probes = map[*ua.Outgoing]*Leg{}
	}
	s.probes[out] = l
}

// probed takes the answer; lost tells that the peer does not have the call any more.
func (s *Session) probed(e ua.Event) (end ending, lost bool) {
	l := s.probes[e.Sent]
	if l == nil || e.Err == nil && e.Response.IsProvisional() {
		return ending{}, false
	}
	delete(s.probes, e.Sent)
	if e.Err != nil || e.Response.StatusCode != 481 || l.gone {
		return ending{}, false
	}
	l.gone = true
	return ending{reason: l.Party.Peer.Name + " has hung up while the box started again"}, true
}
