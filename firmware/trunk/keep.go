package trunk

import (
	"context"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/nat"
)

// Routers forget a UDP flow after 30 s without a packet from inside (RFC 4787 §4.3 wants two minutes, and many do not);
// what the carrier sends then reaches nobody. So every UDP trunk sends something on its way in time:
//
//	nat: none   an empty line, which costs nothing and which every server passes over
//	nat: learn  OPTIONS, whose answer also says where the carrier sees the box now; an empty line where OPTIONS are sent
//	            for the trunk's health anyway, or where STUN servers tell
//
// The pings of connections are edge's. A call that suddenly hears nothing more is a reason to ask at once.
const (
	keepEvery = 25 * time.Second // with jitter 18 to 25 s
	lookEvery = time.Second      // for calls that have fallen silent
	silence   = 2 * time.Second
	// A silence that means nothing must not become a flood of questions.
	askSilent    = 5 * time.Second
	longestQuiet = time.Minute
	// settle is how long a link that has come up may take until it carries anything.
	settle = time.Second
)

// keepOpen keeps the way open and finds out when the box is seen elsewhere.
func (t *Trunk) keepOpen(ctx context.Context) {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	first := jitter(keepEvery)
	if t.home == nil && t.network.Learn {
		first = 0 // nobody has said yet where the box is seen, and a call may be the first to be sent
	}
	keep := time.NewTimer(first)
	defer keep.Stop()
	var quiet patience
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.linked:
			sleep(ctx, settle)
			t.locate(ctx)
		case <-keep.C:
			t.done.Go(func() { t.keepAlive(ctx) }) // a server that answers nothing must not keep a call from being noticed
			keep.Reset(jitter(keepEvery))
		case now := <-look.C:
			if t.network.Learn && t.o.Quiet != nil && quiet.over(now, t.o.Quiet(t.Policy.Name, silence)) {
				t.o.Log.Info("a call hears nothing of the carrier; asking where the box is seen", "trunk", t.Policy.Name)
				t.locate(ctx)
			}
		}
	}
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// Linked has every trunk find out whether its carrier is still there, and where it sees the box: the link outside has
// come up, or the box's addresses have changed.
func (t *Trunks) Linked() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, tr := range t.trunks {
		select {
		case tr.linked <- struct{}{}:
		default: // it is about to look anyway
		}
	}
}

// patience says when a silence is worth a question: at once, then later and later as long as it lasts.
type patience struct {
	next  time.Time
	pause time.Duration
}

func (p *patience) over(now time.Time, quiet bool) bool {
	switch {
	case !quiet && now.After(p.next):
		*p = patience{}
		return false
	case !quiet || now.Before(p.next):
		return false
	}
	p.pause = min(max(2*p.pause, askSilent), longestQuiet)
	p.next = now.Add(p.pause)
	return true
}

// spokenWith are the servers that the box is spoken to by: that of the registration, or all that take calls.
func (t *Trunk) spokenWith() []*Member {
	if t.home == nil {
		return t.calls.order(func(uint64) uint64 { return 0 })
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if m := t.home.holder; m != nil {
		return []*Member{m}
	}
	return nil
}

// keepAlive keeps the ways to the servers open for another while.
func (t *Trunk) keepAlive(ctx context.Context) {
	if t.Policy.Transport.Stream() {
		return // edge pings its connections
	}
	ask := t.network.Learn && !t.watched() && !t.network.STUN
	var sent sync.WaitGroup
	for _, m := range t.spokenWith() {
		sent.Go(func() {
			if ask {
				m.options(ctx) // that nobody answers is no news: it is not the trunk's health that is asked for
				return
			}
			m.ping(ctx)
		})
	}
	sent.Wait()
}

// ping sends an empty line, or over a connection a ping, and returns what it went by; nil when there is no way.
func (m *Member) ping(ctx context.Context) sip.Connection {
	conn, err := m.Conn(ctx)
	if err != nil {
		return nil // the registration finds out
	}
	if c, ok := conn.(interface{ KeepAlive() error }); ok {
		if err := c.KeepAlive(); err != nil {
			m.pool.trunk.o.Log.Debug("keep-alive not sent", "trunk", m.pool.trunk.Policy.Name, "err", err)
		}
	}
	return conn
}

// locate finds out where the carrier sees the box now. A carrier that does not say is registered with: its answer does,
// and it learns the way back.
func (t *Trunk) locate(ctx context.Context) {
	var heard atomic.Bool
	var asked sync.WaitGroup
	for _, m := range t.spokenWith() {
		asked.Go(func() {
			if m.locate(ctx) {
				heard.Store(true)
			}
		})
	}
	asked.Wait()
	if !heard.Load() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.registerAnew()
	}
}

// locate tells whether the server has answered. One that is asked for nothing else is not asked OPTIONS here either. A
// connection on which a server that answers OPTIONS is silent now is given up; the registration makes a new one.
func (m *Member) locate(ctx context.Context) bool {
	t := m.pool.trunk
	conn := m.ping(ctx)
	if conn == nil || !t.network.Learn && !t.watched() {
		return false
	}
	t.mu.Lock()
	answers := m.answers
	t.mu.Unlock()
	if _, err := m.options(ctx); err == nil {
		return true
	}
	if answers {
		conn.Close() // does nothing over UDP
	}
	return false
}

// mapped takes what a STUN server says: the address under which the internet sees the box. It counts until the carrier
// has said itself what it sees; then a change of it does, as long as both had said the same.
func (t *Trunk) mapped(seen netip.AddrPort) {
	t.mu.Lock()
	known := t.place.seen
	counts := !t.near() && !t.private()
	switch {
	case !known.IsValid():
		t.place.agreed = true
	case known.Addr() == seen.Addr():
		t.place.agreed, counts = true, false
	default:
		counts = counts && t.place.agreed
		seen = netip.AddrPortFrom(seen.Addr(), known.Port()) // until the carrier says which port
	}
	t.mu.Unlock()
	if counts && t.follow(seen, bySTUN) {
		t.registerAnew()
	}
}

// private tells whether a server of the carrier has an address that none on the internet has. The caller holds the lock.
func (t *Trunk) private() bool {
	for _, p := range t.names {
		for a := range p.members {
			if nat.Private(a.Addr()) {
				return true
			}
		}
	}
	return false
}
