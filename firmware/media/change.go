package media

import (
	"fmt"
	"slices"
	"time"
)

// Set is Leg.Set for both legs at once, by Role: both change or none does, and their pinholes open together.
func (s *Session) Set(p [2]Params) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, b := p[Caller].Send, p[Callee].Send
	if a != nil && b != nil && a.shares(*b) {
		return fmt.Errorf("media: call %s: both legs would send with the same key", s.call)
	}
	return s.set([2]*Params{&p[Caller], &p[Callee]})
}

// set puts the parameters of those legs into force that are to change, by Role. s.mu is held.
func (s *Session) set(wanted [2]*Params) error {
	if s.closed {
		return ErrClosed
	}
	var changes []change
	for role, l := range s.legs {
		if wanted[role] == nil {
			continue
		}
		c, err := l.change(*wanted[role])
		if err != nil {
			return s.fault(l, err)
		}
		if c.leadsBack && slices.ContainsFunc(changes, func(c change) bool { return c.leadsBack }) {
			return s.fault(l, errRound)
		}
		changes = append(changes, c)
	}
	if err := s.enforce(changes); err != nil {
		return fmt.Errorf("media: call %s: %w", s.call, err)
	}
	return nil
}

// roleOf tells which of its legs a leg is.
func (s *Session) roleOf(l *Leg) Role {
	if s.legs[Caller] == l {
		return Caller
	}
	return Callee
}

func (s *Session) fault(l *Leg, err error) error {
	return fmt.Errorf("media: %s leg of call %s: %w", l.half.side, s.call, err)
}

// change is what becomes of a leg.
type change struct {
	leg       *Leg
	setting   setting
	holes     []Hole
	moved     bool // the holes are others than before
	leadsBack bool
}

// change prepares parameters; nothing has happened yet.
func (l *Leg) change(p Params) (change, error) {
	if err := l.check(&p); err != nil {
		return change{}, err
	}
	n, err := l.settingOf(p)
	if err != nil {
		return change{}, err
	}
	holes, own := l.holesFor(n), l.session.config
	return change{
		leg: l, setting: n, holes: holes, moved: !slices.EqualFunc(l.holes, holes, Hole.equal),
		leadsBack: own.owns(p.Remote) || own.owns(p.RemoteRTCP),
	}, nil
}

// enforce puts changes into force, pinholes first. The new ones open before the old ones shut, so that no packet is lost;
// those that stay are left alone.
func (s *Session) enforce(changes []change) error {
	var fresh, stale []Hole
	for _, c := range changes {
		if c.moved {
			fresh, stale = append(fresh, c.holes...), append(stale, c.leg.holes...)
		}
	}
	if err := s.relay.open(fresh); err != nil {
		return err
	}
	now := time.Now()
	ran := s.worker.do(func() {
		for _, c := range changes {
			c.leg.half.apply(c.setting, now)
			s.worker.greet(c.leg.half, now)
		}
	})
	if !ran {
		s.relay.shut(fresh)
		return ErrClosed
	}
	s.relay.shut(stale)
	for _, c := range changes {
		c.leg.holes, c.leg.leadsBack = c.holes, c.leadsBack
		c.leg.remember(c.setting)
		c.leg.begin(c.setting)
	}
	return nil
}
