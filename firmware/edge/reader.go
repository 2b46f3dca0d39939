package edge

import (
	"errors"
	"io"
	"net/netip"
	"os"
	"time"
)

// read frames messages and hands them on until the connection ends.
func (s *stream) read() {
	defer s.finish()
	var f framer
	var began time.Time // when the message that is incomplete did
	good := false       // a message has come that was in order
	for {
		if !f.pending() {
			began = time.Time{}
		} else if began.IsZero() {
			began = time.Now()
		}
		s.net.SetReadDeadline(s.deadline(began, good))
		n, err := s.net.Read(f.space())
		if err != nil {
			s.readEnded(err, f.pending())
			return
		}
		f.read(n)
		for {
			m, shape, more := f.next()
			if more {
				break
			}
			began = time.Time{}
			switch s.receive(m, shape) {
			case over:
				s.draining.Store(true)
				s.finish()
				s.drain()
				return
			case fine:
				good = true
			}
		}
		s.heart.beat(f.takeLines())
		s.pong(f.takePings())
	}
}

// receive passes one message on, unless the policy has changed since the peer connected.
func (s *stream) receive(m []byte, shape shape) outcome {
	if source := s.conn.source(); !s.edge.known(source, &s.owners) {
		s.edge.unknown(source, m)
		return over
	}
	return s.edge.receive(s.conn, m, shape)
}

// deadline is when the next bytes must be there.
func (s *stream) deadline(began time.Time, good bool) time.Time {
	l := s.edge.limits
	switch {
	case !began.IsZero():
		return began.Add(l.Message)
	case s.conn.dialled != "":
		return time.Time{} // its own pings find out
	case !good:
		return s.opened.Add(l.First)
	}
	return time.Now().Add(l.Idle)
}

// pong answers pings. On a dialled stream the box is the one who asks (RFC 5626 §4.4.1), and two answers of the peer in a
// row look like a ping.
func (s *stream) pong(n int) {
	if s.conn.dialled != "" {
		return
	}
	for range n {
		if s.sendRaw([]byte("\r\n"), netip.AddrPort{}) != nil {
			return
		}
	}
}

func (s *stream) readEnded(err error, pending bool) {
	if pending && errors.Is(err, os.ErrDeadlineExceeded) {
		s.edge.teller.refused(s.conn.source(), refusal{rule: ruleSlow, reason: "A message took too long to arrive."})
	}
	s.edge.log.Debug("connection ended", "peer", s.conn, "err", err)
}

// drain passes over what the peer still sends. A socket closed with unread bytes resets the connection, and the peer
// would never see the answer that says why.
func (s *stream) drain() {
	s.tcp.SetReadDeadline(time.Now().Add(linger))
	io.Copy(io.Discard, s.tcp) // ends by the deadline at the latest
}
