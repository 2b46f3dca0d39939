package edge

import "time"

// keptSpare is how large a write buffer may be to be used again.
const keptSpare = 64 << 10

// write sends what is queued until the connection ends.
func (s *stream) write() {
	defer s.finish()
	var ping, late <-chan time.Time
	if s.conn.dialled != "" {
		t := time.NewTicker(s.edge.limits.Ping)
		defer t.Stop()
		ping = t.C
	}
	var spare []byte
	for {
		select {
		case <-s.out.wake:
		case <-ping:
			late = s.sendPing()
		case <-s.heart.due:
			late = s.sendPing()
		case <-late:
			late = nil
			s.overdue()
		case <-s.ended:
			s.flush(spare)
			return
		}
		var err error
		if spare, err = s.flush(spare); err != nil {
			s.edge.log.Debug("connection ended while writing", "peer", s.conn, "err", err)
			return
		}
	}
}

// flush writes what is queued and returns the buffer for the next time.
func (s *stream) flush(spare []byte) ([]byte, error) {
	b := s.out.take(spare)
	if len(b) == 0 {
		return b, nil
	}
	s.net.SetWriteDeadline(time.Now().Add(s.edge.limits.Write))
	select {
	case <-s.ended: // finish has set a shorter deadline, perhaps just before
		s.net.SetWriteDeadline(time.Now().Add(linger))
	default:
	}
	_, err := s.net.Write(b)
	if cap(b) > keptSpare {
		b = nil
	}
	return b, err
}
