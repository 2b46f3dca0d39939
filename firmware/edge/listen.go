package edge

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"tollgate/firmware/policy"
)

// listener accepts TCP or TLS connections.
type listener struct {
	edge      *Edge
	transport policy.Transport
	net       net.Listener
	local     netip.AddrPort
	shared    atomic.Pointer[sharing]
	ended     chan struct{}
}

func newListener(e *Edge, t policy.Transport, l net.Listener, sh *sharing) *listener {
	s := &listener{edge: e, transport: t, net: l, ended: make(chan struct{})}
	s.local = unmapped(l.Addr().(*net.TCPAddr).AddrPort())
	s.shared.Store(sh)
	return s
}

// serve accepts until close. An error of accepting, such as too many open files, ends nothing.
func (l *listener) serve() {
	var pause backOff
	for {
		c, err := l.net.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			l.edge.log.Warn("cannot accept a connection", "local", l.local, "err", err)
			if !pause.wait(l.ended) {
				return
			}
		default:
			pause.reset()
			l.accept(c)
		}
	}
}

// accept lets a known source in that has not too many connections yet.
func (l *listener) accept(c net.Conn) {
	tcp := c.(*net.TCPConn)
	mark(tcp, uint8(l.edge.dscp.Load()))
	remote := unmapped(tcp.RemoteAddr().(*net.TCPAddr).AddrPort())
	side, config := l.shared.Load().side(remote.Addr())
	if l.transport == policy.TLSTransport {
		c = tls.Server(tcp, config)
	}
	s := newStream(l.edge, tcp, c, Conn{side: side, transport: l.transport, remote: remote})
	s.listener = l
	source := s.conn.source()
	if !l.edge.known(source, &s.owners) {
		l.edge.unknown(source, nil)
		tcp.Close()
		return
	}
	if !l.edge.enter(s) {
		l.edge.teller.refused(source, refusal{rule: ruleTooMany, reason: "This address has too many connections, or all together have."})
		tcp.Close()
		return
	}
	go func() {
		defer l.edge.running.Done()
		defer l.edge.leave(s)
		if s.handshake() {
			s.run()
		}
	}()
}

// handshake secures an accepted connection.
func (s *stream) handshake() bool {
	t, ok := s.net.(*tls.Conn)
	if !ok {
		return true
	}
	ctx, cancel := context.WithTimeout(s.edge.ctx, s.edge.limits.Handshake)
	defer cancel()
	if err := t.HandshakeContext(ctx); err != nil {
		s.edge.teller.refused(s.conn.source(), refusal{rule: ruleHandshake, reason: "The TLS handshake failed: " + err.Error() + "."})
		s.finish()
		s.tcp.Close()
		return false
	}
	return true
}

// patience lets the kernel end connections whose peer has gone without a word.
func patience(c *net.TCPConn) {
	c.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: 30 * time.Second, Interval: 10 * time.Second, Count: 3})
	raw, err := c.SyscallConn()
	if err != nil {
		return
	}
	raw.Control(func(fd uintptr) {
		unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int((30 * time.Second).Milliseconds()))
	})
}

func (l *listener) share(sh *sharing) { l.shared.Store(sh) }

func (l *listener) close() {
	close(l.ended)
	l.net.Close()
}

func (l *listener) address() netip.AddrPort { return l.local }
func (l *listener) sharing() *sharing       { return l.shared.Load() }

// enter counts a stream in, unless there are too many or the Edge is closed. Its goroutine is counted in too.
func (e *Edge) enter(s *stream) bool {
	from := holder(s.conn.side, s.conn.remote.Addr())
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed || len(e.streams) >= e.limits.Connections || s.listener != nil && e.accepted[from] >= e.limits.PerSource {
		return false
	}
	if s.listener != nil {
		e.accepted[from]++
	}
	e.streams[s] = struct{}{}
	e.running.Add(1)
	return true
}

// leave counts a stream out.
func (e *Edge) leave(s *stream) {
	from := holder(s.conn.side, s.conn.remote.Addr())
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.streams, s)
	if s.listener == nil {
		return
	}
	if e.accepted[from]--; e.accepted[from] == 0 {
		delete(e.accepted, from)
	}
}
