package edge

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"tollgate/firmware/policy"
)

// dialKey is what must be equal for a connection to be used again. A connection verified for one server name is not good
// for another, nor is one that showed another certificate of the box's.
type dialKey struct {
	owner      string
	side       policy.Side
	transport  policy.Transport
	addr       netip.AddrPort
	serverName string
	identity   [sha256.Size]byte
}

// dialling is a connection that is being made, or was.
type dialling struct {
	ready  chan struct{} // closed when it was made or failed
	stream *stream       // nil: failed
	err    error
}

// Dial returns a connection to t. A stream that the same owner has to the same address and server name, with the same
// certificate of the box's, is used again while it lives; nobody else's ever is. With UDP nothing is opened: the Conn
// sends from the listener of t's side, and it is an error when there is none. A new stream leaves from the address of that
// side's listeners. Without a deadline in ctx it takes 10 s at most.
func (e *Edge) Dial(ctx context.Context, t Target) (*Conn, error) {
	t.Addr = unmapped(t.Addr)
	c, err := e.dialTarget(ctx, t)
	if err != nil {
		return nil, fmt.Errorf("dial %s for %s: %w", socketKey{t.Transport, t.Addr}, t.Owner, err)
	}
	return c, nil
}

func (e *Edge) dialTarget(ctx context.Context, t Target) (*Conn, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	if e.ctx.Err() != nil {
		return nil, errClosed
	}
	if t.Transport == policy.UDP {
		return e.dialUDP(t)
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
	}
	return e.dialStream(ctx, t)
}

func (t Target) check() error {
	switch {
	case t.Owner == "":
		return errors.New("no owner")
	case !t.Addr.IsValid() || t.Addr.Port() == 0:
		return errors.New("no address")
	case t.Transport != policy.TLSTransport:
		return nil
	case t.TLS != nil && t.TLS.InsecureSkipVerify && t.TLS.VerifyConnection == nil:
		return errors.New("the TLS configuration verifies nobody")
	case t.TLS != nil && t.TLS.ServerName == "":
		return errors.New("the TLS configuration names no server")
	}
	return checkTLS(t.TLS)
}

func (e *Edge) dialUDP(t Target) (*Conn, error) {
	s, _ := e.socketOf(t.Side, t.Transport, t.Addr.Addr())
	u, ok := s.(*udpSocket)
	if !ok {
		return nil, fmt.Errorf("no UDP listener on side %s", t.Side)
	}
	u.owners.learn(t.Side, t.Addr.Addr(), t.Owner)
	return u.to(t.Side, t.Addr, t.Owner), nil
}

// dialStream finds the connection, waits for one that is being made, or makes it.
func (e *Edge) dialStream(ctx context.Context, t Target) (*Conn, error) {
	key := dialKey{owner: t.Owner, side: t.Side, transport: t.Transport, addr: t.Addr}
	if t.TLS != nil {
		key.serverName, key.identity = t.TLS.ServerName, identity(t.TLS)
	}
	for {
		d, mine := e.claim(key)
		if mine {
			d.stream, d.err = e.connect(ctx, t)
			e.settle(key, d)
		}
		select {
		case <-d.ready:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		switch {
		case d.err == nil:
			return d.stream.conn, nil
		case mine || ctx.Err() != nil || !gaveUp(d.err):
			return nil, d.err
		}
		// Somebody else's patience ended, not ours.
	}
}

// identity is the fingerprint of the certificate that the box shows; zero when it has none.
func identity(c *tls.Config) (sum [sha256.Size]byte) {
	if len(c.Certificates) > 0 && len(c.Certificates[0].Certificate) > 0 {
		sum = sha256.Sum256(c.Certificates[0].Certificate[0])
	}
	return sum
}

func gaveUp(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// claim returns the connection of key, made or in the making; mine tells that the caller shall make it.
func (e *Edge) claim(key dialKey) (d *dialling, mine bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if d = e.dialled[key]; d != nil && d.usable() {
		return d, false
	}
	d = &dialling{ready: make(chan struct{})}
	e.dialled[key] = d
	return d, true
}

func (d *dialling) usable() bool {
	select {
	case <-d.ready:
	default:
		return true
	}
	select {
	case <-d.stream.ended:
		return false
	default:
		return true
	}
}

// settle lets the waiting ones go on, and has the connection forgotten when it ends.
func (e *Edge) settle(key dialKey, d *dialling) {
	forget := func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.dialled[key] == d {
			delete(e.dialled, key)
		}
	}
	if d.err != nil {
		forget()
		close(d.ready)
		return
	}
	close(d.ready)
	go func() {
		defer e.running.Done()
		defer e.leave(d.stream)
		defer forget()
		d.stream.run()
	}()
}

// connect opens a connection and counts it in.
func (e *Edge) connect(ctx context.Context, t Target) (*stream, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(e.ctx, cancel)()
	d := net.Dialer{Control: e.marking}
	if s, _ := e.socketOf(t.Side, t.Transport, t.Addr.Addr()); s != nil {
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(s.address().Addr(), 0))
	}
	c, err := d.DialContext(ctx, "tcp", t.Addr.String())
	if err != nil {
		return nil, err
	}
	tcp := c.(*net.TCPConn)
	if t.Transport == policy.TLSTransport {
		if c, err = e.secure(ctx, c, t.TLS); err != nil {
			return nil, err
		}
	}
	s := newStream(e, tcp, c, Conn{side: t.Side, transport: t.Transport, remote: t.Addr, dialled: t.Owner})
	if !e.enter(s) {
		tcp.Close()
		return nil, errors.New("too many connections, or the signalling border is closed")
	}
	return s, nil
}

// secure verifies the peer as config says.
func (e *Edge) secure(ctx context.Context, c net.Conn, config *tls.Config) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, e.limits.Handshake)
	defer cancel()
	t := tls.Client(c, config)
	if err := t.HandshakeContext(ctx); err != nil {
		c.Close()
		return nil, fmt.Errorf("TLS handshake: %w", err)
	}
	return t, nil
}
