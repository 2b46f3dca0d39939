package trunk

import (
	"context"
	"crypto/tls"
	"errors"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/policy"
	"tollgate/firmware/ua"
)

const (
	dialTimeout = 8 * time.Second
	// hurriedDial is for a server when another one is left: three SYNs are under way by then.
	hurriedDial = 4 * time.Second
	// oversizeDial is for TCP in place of UDP: a carrier that takes none often does not even refuse.
	oversizeDial = 2 * time.Second
	// noTCPFor is how long a server that took no TCP is not asked again.
	noTCPFor = 10 * time.Minute
	// maxDatagram is the longest request for UDP where the path's MTU is not known (RFC 3261 §18.1.1).
	maxDatagram = 1300
	avoidFailed = time.Minute
)

// Member is one server of a carrier: a path to it and to no other. Its trunk's mutex guards what changes.
type Member struct {
	pool *pool
	addr netip.AddrPort

	avoided time.Time // tried last until then
	why     string
	noTCP   time.Time // takes no TCP in place of UDP until then
	health  health
	answers bool // has ever answered OPTIONS
}

// Addr is where the server is.
func (m *Member) Addr() netip.AddrPort { return m.addr }

// rank orders members: smaller is better. The caller holds the lock.
func (m *Member) rank() int {
	switch {
	case !m.well():
		return 2
	case m == m.pool.holder:
		return 0
	}
	return 1
}

// well tells whether nothing is known against the member. The caller holds the lock.
func (m *Member) well() bool { return !m.health.down && !time.Now().Before(m.avoided) }

// Avoid has the server tried last for d, because of why (RFC 3263 §4.3). When it has our registration, that moves.
func (m *Member) Avoid(why string, d time.Duration) {
	t := m.pool.trunk
	t.mu.Lock()
	news := m.well()
	if until := time.Now().Add(d); until.After(m.avoided) {
		m.avoided, m.why = until, why
	}
	if news && m == m.pool.holder && len(m.pool.members) > 1 {
		t.registerAnew()
	}
	t.mu.Unlock()
	if !news {
		return
	}
	t.o.Log.Info("server avoided", "trunk", t.Policy.Name, "server", m.addr, "for", d, "why", why)
	t.review()
}

// Conn returns the connection to the server, or makes one.
func (m *Member) Conn(ctx context.Context) (sip.Connection, error) { return m.ConnFor(ctx, 0) }

// ConnFor is Conn for a request of size bytes. One that is too long for UDP goes over TCP when the policy says so and
// the server takes it, else over UDP all the same (RFC 3261 §18.1.1).
func (m *Member) ConnFor(ctx context.Context, size int) (sip.Connection, error) {
	t := m.pool.trunk
	if size > maxDatagram && t.Policy.Transport == policy.UDP && t.Policy.UDPOversize != policy.OversizeFragment && m.takesTCP() {
		conn, err := m.dial(ctx, policy.TCP, oversizeDial)
		if err == nil {
			return conn, nil
		}
		t.mu.Lock()
		m.noTCP = time.Now().Add(noTCPFor)
		t.mu.Unlock()
		t.o.Log.Info("server takes no TCP; long requests go in fragments", "trunk", t.Policy.Name, "server", m.addr, "err", err)
	}
	return m.dial(ctx, t.Policy.Transport, dialTimeout)
}

func (m *Member) takesTCP() bool {
	m.pool.trunk.mu.Lock()
	defer m.pool.trunk.mu.Unlock()
	return !time.Now().Before(m.noTCP)
}

func (m *Member) dial(ctx context.Context, transport policy.Transport, timeout time.Duration) (sip.Connection, error) {
	t := m.pool.trunk
	if transport.Stream() { // else nothing is waited for
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	conn, err := t.o.Dialer.Dial(ctx, ua.Target{
		Owner: t.Policy.Name, Side: policy.SideOutside, Transport: transport, Addr: m.addr, TLS: m.pool.tls,
	})
	if err == nil {
		t.noteTLS(conn)
	}
	return conn, err
}

func (t *Trunk) noteTLS(conn sip.Connection) {
	c, ok := conn.(interface{ TLS() *tls.ConnectionState })
	if !ok {
		return
	}
	if s := c.TLS(); s != nil {
		t.mu.Lock()
		t.tlsUsed = tls.VersionName(s.Version)
		t.mu.Unlock()
	}
}

// Members are the servers that take the trunk's calls, in the order in which to try them; none before any is known.
func (t *Trunk) Members() []*Member { return t.calls.order(rand.Uint64N) }

// Path leads to the first server that takes the connection.
func (t *Trunk) Path() ua.Path { return anyMember{t.calls} }

// anyMember is the path to whichever server can be reached.
type anyMember struct{ pools pools }

func (p anyMember) Conn(ctx context.Context) (sip.Connection, error) { return p.ConnFor(ctx, 0) }

// ConnFor is Conn for a request of size bytes.
func (p anyMember) ConnFor(ctx context.Context, size int) (sip.Connection, error) {
	members, err := p.pools.ready(ctx)
	if err != nil {
		return nil, err
	}
	var failures []error
	for i, m := range members {
		conn, err := m.hurried(ctx, size, i+1 < len(members))
		if err == nil {
			return conn, nil
		}
		failures = append(failures, err)
		if ctx.Err() != nil {
			break
		}
		m.Avoid(err.Error(), avoidFailed)
	}
	return nil, errors.Join(failures...)
}

func (m *Member) hurried(ctx context.Context, size int, others bool) (sip.Connection, error) {
	if others {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, hurriedDial)
		defer cancel()
	}
	return m.ConnFor(ctx, size)
}
