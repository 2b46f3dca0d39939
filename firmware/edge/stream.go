package edge

import (
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo/sip"
)

// linger is how long a connection that ends may take to send what is queued.
const linger = time.Second

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
	heart    heart

	once     sync.Once
	ended    chan struct{}
	draining atomic.Bool // the reader reads on, so that the peer receives what is queued
}

// newStream makes the stream of c on an open connection. secured is tcp itself, or TLS on it.
func newStream(e *Edge, tcp *net.TCPConn, secured net.Conn, c Conn) *stream {
	s := &stream{edge: e, tcp: tcp, net: secured, out: newOutbox(), opened: time.Now(), ended: make(chan struct{})}
	s.heart.due = make(chan struct{}, 1)
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
