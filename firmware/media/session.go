package media

import (
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"tollgate/firmware/policy"
)

// Session is the media of one call: the legs of its caller and of its callee. Both may be on the same side, as after a
// transfer.
type Session struct {
	call   string
	relay  *Relay
	config Config
	worker *worker

	mu     sync.Mutex // guards everything below and the legs' own fields
	legs   [2]*Leg    // by Role
	closed bool
}

// Role tells the two legs of a session apart.
type Role int

// The roles.
const (
	Caller Role = iota
	Callee
)

// String returns the role's name.
func (r Role) String() string {
	if r == Caller {
		return "caller"
	}
	return "callee"
}

// openSession binds the ports of both legs and hands them to a worker. relay.mu is held.
func (r *Relay) openSession(call string, caller, callee policy.Side) (*Session, error) {
	s := &Session{call: call, relay: r, config: *r.config, worker: r.idlest()}
	var err error
	if s.legs[Caller], err = s.openLeg(caller); err != nil {
		return nil, err
	}
	if s.legs[Callee], err = s.openLeg(callee); err != nil {
		s.legs[Caller].release()
		return nil, err
	}
	a, b := s.legs[Caller].half, s.legs[Callee].half
	a.far, b.far = b, a
	if err := s.start(); err != nil {
		s.release()
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
	a, b := s.legs[Caller].half, s.legs[Callee].half
	return []*flow{a.rtp, a.rtcp, b.rtp, b.rtcp}
}

// Leg returns the leg of a role.
func (s *Session) Leg(r Role) *Leg {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.legs[r]
}

// Side returns the side that the leg is on.
func (l *Leg) Side() policy.Side { return l.half.side }

// Stats returns the leg's counters, after Close the last ones.
func (l *Leg) Stats() LegStats {
	s := l.half.counters.stats()
	s.Crossing = l.half.account.crossing()
	return s
}

// Close gives the ports back; the pinholes are shut within 200 ms. A second Close does nothing.
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
	s.relay.shutSoon(slices.Concat(s.legs[Caller].holes, s.legs[Callee].holes))
	s.legs[Caller].holes, s.legs[Callee].holes = nil, nil
	// The worker runs until every session is closed, so that it always does this.
	s.worker.do(func() {
		for _, f := range s.flows() {
			s.worker.leave(f)
			f.half.account.show()
		}
		s.worker.sessions.Add(-1)
	})
	for _, l := range s.legs {
		l.begin(setting{}) // ends the handshakes
	}
	s.release()
	return true
}

func (s *Session) release() {
	for _, l := range s.legs {
		l.release()
	}
}

// openLeg binds a pair of ports.
func (s *Session) openLeg(side policy.Side) (*Leg, error) {
	l := s.newLeg(side)
	port, sockets, err := l.pool.take(time.Now(), func(even uint16) (pair, error) { return bindPair(l.own.Address, even, !s.relay.Steered()) })
	if err != nil {
		return nil, fmt.Errorf("%s side, %v: %w", side, l.own.Address, err)
	}
	for _, p := range sockets {
		if p.at() != s.worker {
			p.vacate()
		}
	}
	l.have(port, sockets)
	return l, nil
}

// newLeg makes a leg without ports.
func (s *Session) newLeg(side policy.Side) *Leg {
	own := s.config.side(side)
	h := &half{side: side, counters: &counters{}, opening: newOpening(own.KeepOpen)}
	h.translation = unchanged
	h.account.show()
	return &Leg{session: s, own: own, half: h, pool: s.relay.pools[own.Address]}
}

// bindPair opens the sockets of a leg or none; where split, those of RTP are two.
func bindPair(addr netip.Addr, even uint16, split bool) (pair, error) {
	rtp, err := bindPort(netip.AddrPortFrom(addr, even), split)
	if err != nil {
		return pair{}, busyOr(err)
	}
	rtcp, err := bindPort(netip.AddrPortFrom(addr, even+1), false)
	if err != nil {
		rtp.close()
		return pair{}, busyOr(err)
	}
	return pair{rtp, rtcp}, nil
}

// have gives a leg its ports.
func (l *Leg) have(even uint16, sockets pair) {
	l.port = even
	l.half.rtp = &flow{half: l.half, socket: sockets[0], local: netip.AddrPortFrom(l.own.Address, even)}
	l.half.rtcp = &flow{half: l.half, socket: sockets[1], local: netip.AddrPortFrom(l.own.Address, even+1), control: true}
}
