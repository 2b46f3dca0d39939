package edge

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo/sip"
)

// linger is how long a connection that ends may take to send what is queued.
const linger = time.Second

// keptSpare is how large a write buffer may be to be used again.
const keptSpare = 64 << 10

// stream is one TCP or TLS connection: a reader that frames and hands on, and a writer that empties the outbox.
type stream struct {
	edge     *Edge
	listener *listener // nil when dialled
	conn     *Conn
	tcp      *net.TCPConn
	net      net.Conn // tcp, or TLS on it
	out      *outbox
	owners   owners
	opened   time.Time

	once     sync.Once
	ended    chan struct{}
	draining atomic.Bool // the reader reads on, so that the peer receives what is queued
}

// newStream makes the stream of c on an open connection. secured is tcp itself, or TLS on it.
func newStream(e *Edge, tcp *net.TCPConn, secured net.Conn, c Conn) *stream {
	s := &stream{edge: e, tcp: tcp, net: secured, out: newOutbox(), opened: time.Now(), ended: make(chan struct{})}
	c.link, c.owners = s, &s.owners
	c.local = unmapped(tcp.LocalAddr().(*net.TCPAddr).AddrPort())
	s.conn = &c
	return s
}

func (s *stream) send(m sip.Message, _ netip.AddrPort) error { return s.queued(s.out.put(m)) }
func (s *stream) sendRaw(b []byte, _ netip.AddrPort) error   { return s.queued(s.out.putRaw(b)) }
func (s *stream) done() <-chan struct{}                      { return s.ended }

// queued ends the connection of a peer that does not read.
func (s *stream) queued(err error) error {
	if errors.Is(err, errBacklog) {
		s.finish()
	}
	return err
}

// state is asked for each time, because TLS 1.3 may still add to it.
func (s *stream) state() *tls.ConnectionState {
	t, ok := s.net.(*tls.Conn)
	if !ok {
		return nil
	}
	state := t.ConnectionState()
	return &state
}

// finish lets nothing more into the outbox and gives the writer a moment to empty it. The writer then closes the
// connection, which ends the reader.
func (s *stream) finish() {
	s.once.Do(func() {
		s.out.close()
		close(s.ended)
		s.net.SetWriteDeadline(time.Now().Add(linger))
	})
}

// run reads and writes until the connection has ended and all its goroutines have.
func (s *stream) run() {
	patience(s.tcp)
	written := make(chan struct{})
	go func() {
		defer close(written)
		s.write()
		if s.draining.Load() {
			s.sayGoodBye()
		} else {
			s.hangUp()
		}
	}()
	s.read()
	<-written
	s.hangUp()
}

// hangUp closes the connection, with TLS after a good-bye that the peer may be too stuck to take.
func (s *stream) hangUp() {
	t := time.AfterFunc(linger, func() { s.tcp.Close() })
	defer t.Stop()
	s.net.Close()
}

// sayGoodBye ends the box's half of the connection.
func (s *stream) sayGoodBye() {
	t := time.AfterFunc(linger, func() { s.tcp.Close() })
	defer t.Stop()
	if secured, ok := s.net.(*tls.Conn); ok {
		secured.CloseWrite() // as much of a good-bye as the peer takes
	}
	s.tcp.CloseWrite()
}

// drain passes over what the peer still sends. A socket closed with unread bytes resets the connection, and the peer
// would never see the answer that says why.
func (s *stream) drain() {
	s.tcp.SetReadDeadline(time.Now().Add(linger))
	io.Copy(io.Discard, s.tcp) // ends by the deadline at the latest
}

// write sends what is queued until the connection ends.
func (s *stream) write() {
	defer s.finish()
	var ping <-chan time.Time
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
			s.out.putRaw([]byte("\r\n\r\n")) // fails only when the connection ends
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
		s.pong(f.takePings())
	}
}

// receive passes one message on, unless the policy has changed since the peer connected.
func (s *stream) receive(m []byte, shape shape) outcome {
	if source := s.conn.source(); !s.edge.known(source, &s.owners) {
		s.edge.unknown(source, methodName(m))
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
