package edge

import (
	"net/netip"
	"sync/atomic"
	"time"
)

// ping is what keeps a flow open in the routers on its way, and on a stream asks for an answer (RFC 5626 §3.5.1). Over
// UDP it is an empty line that every SIP server passes over (RFC 3261 §7.5), and nothing comes back.
const ping = "\r\n\r\n"

// KeepAlive sends a ping now. It does not wait. A stream whose peer has answered pings before ends when it does not
// answer this one within Limits.Pong.
func (c *Conn) KeepAlive() error { return c.link.keepAlive(c.remote) }

func (s *udpSocket) keepAlive(to netip.AddrPort) error { return s.sendRaw([]byte(ping), to) }

func (s *stream) keepAlive(netip.AddrPort) error {
	select {
	case s.heart.due <- struct{}{}:
	default: // one is due already
	}
	return nil
}

// heart is what a dialled stream knows of its peer's answers to pings. Not every server answers them: only one that has
// done so once is expected to do it again.
type heart struct {
	due     chan struct{} // a ping is to be sent now; room for one
	answers atomic.Bool   // the peer has answered a ping
	waiting atomic.Bool   // bytes of the peer are missed since the last ping
}

// beat notes that bytes have come, with this many empty lines. One is a pong, two are a ping of the peer's own.
func (h *heart) beat(lines int) {
	if h.waiting.Swap(false) && lines == 1 {
		h.answers.Store(true)
	}
}

// sendPing writes a ping; late receives when its answer is overdue, nil when none is expected.
func (s *stream) sendPing() (late <-chan time.Time) {
	s.out.putRaw([]byte(ping)) // fails only when the connection ends
	s.heart.waiting.Store(true)
	if !s.heart.answers.Load() {
		return nil
	}
	return time.After(s.edge.limits.Pong)
}

// overdue ends a connection whose peer has not answered a ping (RFC 5626 §4.4.1).
func (s *stream) overdue() {
	if s.heart.waiting.Load() {
		s.edge.log.Info("connection given up: no answer to a ping", "peer", s.conn, "within", s.edge.limits.Pong)
		s.finish()
	}
}
