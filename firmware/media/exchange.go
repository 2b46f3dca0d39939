package media

import "errors"

// Exchange puts the leg of one session into the place of one of another session, and the other way round. Each leg keeps
// its ports, its pinholes, its keys and its counters, so that a peer whose partner changes does not notice: a call is
// transferred by exchanging the leg of the one who leaves. When it fails, nothing has changed.
func (r *Relay) Exchange(a *Session, ra Role, b *Session, rb Role) error {
	if a == b {
		return errors.New("media: a session cannot exchange a leg with itself")
	}
	r.exchange.Lock() // two at once could wait for one another's sessions
	defer r.exchange.Unlock()
	a.mu.Lock()
	defer a.mu.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	if a.closed || b.closed {
		return ErrClosed
	}
	la, lb := a.legs[ra], b.legs[rb]
	if la.leadsBack && b.legs[1-rb].leadsBack || lb.leadsBack && a.legs[1-ra].leadsBack {
		return errRound
	}
	if err := a.give(la, a.legs[1-ra]); err != nil {
		return err
	}
	if err := b.give(lb, b.legs[1-rb]); err != nil {
		return errors.Join(err, a.take(ra, la))
	}
	return errors.Join(a.take(ra, lb), b.take(rb, la))
}

// give has the worker let a leg go; its partner's packets go nowhere meanwhile.
func (s *Session) give(l, partner *Leg) error {
	ran := s.worker.do(func() {
		partner.half.far = nowhere()
		s.worker.let(l.half.rtp)
		s.worker.let(l.half.rtcp)
	})
	if !ran {
		return ErrClosed
	}
	return nil
}

// take has the worker relay between a leg and the one that is there. A leg that cannot be read is there all the same:
// it is silent, and closed with the session.
func (s *Session) take(r Role, l *Leg) error {
	var err error
	ran := s.worker.do(func() {
		partner := s.legs[1-r].half
		err = errors.Join(s.worker.attach(l.half.rtp), s.worker.attach(l.half.rtcp))
		l.half.far, partner.far = partner, l.half
	})
	if !ran {
		return ErrClosed
	}
	s.legs[r], l.session = l, s
	return err
}

// nowhere is a leg that sends nothing.
func nowhere() *half {
	return &half{counters: &counters{}, rtp: &flow{}, rtcp: &flow{}}
}
