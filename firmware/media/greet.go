package media

import "time"

// Greet sends the packets that open the ways of a leg once more, whatever stands before its peer: some peers send only
// to where they have heard something from. A leg that is closed says nothing.
func (l *Leg) Greet() {
	l.session.mu.Lock()
	defer l.session.mu.Unlock()
	if l.session.closed {
		return
	}
	w, h := l.session.worker, l.half
	w.do(func() {
		h.opening.last, h.opening.owing = time.Now(), !h.mux
		w.emit(h, h.opening.packet(h.opening.last), false)
	})
}

// KeepsOpen tells whether routers may stand before the peers of the leg's side.
func (l *Leg) KeepsOpen() bool { return l.own.KeepOpen }

// Ports are those that the session's legs may have, as "20000-20999".
func (s *Session) Ports() string { return s.config.Ports.String() }
