package media

import (
	"fmt"
	"net/netip"
	"sync"
	"time"

	"tollgate/firmware/policy"
)

// Session is the media of one call: two legs, one a side.
type Session struct {
	call   string
	relay  *Relay
	config Config
	worker *worker
	inside *Leg
	outer  *Leg

	mu     sync.Mutex // guards everything below and the legs' own fields
	closed bool
}

// openSession binds the ports of both legs and hands them to a worker. relay.mu is held.
func (r *Relay) openSession(call string) (*Session, error) {
	s := &Session{call: call, relay: r, config: *r.config, worker: r.idlest()}
	var err error
	if s.inside, err = s.openLeg(policy.SideInside); err != nil {
		return nil, err
	}
	if s.outer, err = s.openLeg(policy.SideOutside); err != nil {
		s.inside.release()
		return nil, err
	}
	s.inside.half.far, s.outer.half.far = s.outer.half, s.inside.half
	if err := s.start(); err != nil {
		s.inside.release()
		s.outer.release()
		return nil, err
	}
	return s, nil
}

// start has the worker read the four sockets, or none of them.
func (s *Session) start() error {
	var err error
	ran := s.worker.do(func() {
		var attached []*flow
		for _, f := range s.flows() {
			if err = s.worker.attach(f); err != nil {
				break
			}
			attached = append(attached, f)
		}
		if err != nil {
			for _, f := range attached {
				s.worker.let(f)
			}
		}
	})
	if !ran {
		return ErrClosed
	}
	if err == nil {
		s.worker.sessions.Add(1)
	}
	return err
}

func (s *Session) flows() []*flow {
	return []*flow{s.inside.half.rtp, s.inside.half.rtcp, s.outer.half.rtp, s.outer.half.rtcp}
}

// Leg returns the leg of a side.
func (s *Session) Leg(side policy.Side) *Leg {
	if side == policy.SideInside {
		return s.inside
	}
	return s.outer
}

// Stats returns the counters of both legs, after Close the last ones.
func (s *Session) Stats() map[policy.Side]LegStats {
	return map[policy.Side]LegStats{
		policy.SideInside:  s.inside.half.counters.stats(),
		policy.SideOutside: s.outer.half.counters.stats(),
	}
}

// Close shuts the pinholes and gives the ports back. A second Close does nothing.
func (s *Session) Close() {
	if s.close() {
		s.relay.forget(s)
	}
}

func (s *Session) close() (first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.closed = true
	for _, l := range []*Leg{s.inside, s.outer} {
		s.relay.shut(l.holes)
		l.holes = nil
	}
	// The worker runs until every session is closed, so that it always does this.
	s.worker.do(func() {
		for _, f := range s.flows() {
			s.worker.let(f)
		}
		s.worker.sessions.Add(-1)
	})
	s.inside.release()
	s.outer.release()
	return true
}

// openLeg binds a pair of ports.
func (s *Session) openLeg(side policy.Side) (*Leg, error) {
	addr := s.config.side(side).Address
	h := &half{side: side, counters: &counters{}}
	for i := range h.types {
		h.types[i] = uint8(i)
	}
	l := &Leg{session: s, half: h, pool: s.relay.pools[addr]}
	port, err := l.pool.take(time.Now(), func(even uint16) error { return h.bind(addr, even) })
	if err != nil {
		return nil, fmt.Errorf("%s side, %v: %w", side, addr, err)
	}
	l.port = port
	return l, nil
}

// bind opens both sockets of a leg or none.
func (h *half) bind(addr netip.Addr, even uint16) error {
	rtp, err := bind(netip.AddrPortFrom(addr, even))
	if err != nil {
		return busyOr(err)
	}
	rtcp, err := bind(netip.AddrPortFrom(addr, even+1))
	if err != nil {
		rtp.close()
		return busyOr(err)
	}
	h.rtp = &flow{half: h, socket: rtp}
	h.rtcp = &flow{half: h, socket: rtcp, control: true}
	return nil
}
