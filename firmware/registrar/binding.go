package registrar

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/event"
	"tollgate/firmware/policy"
	"tollgate/firmware/ua"
)

// Binding is where the PBX is reached.
type Binding struct {
	Contact   sip.Uri // as the PBX wrote it
	Transport policy.Transport
	Source    netip.AddrPort // where the REGISTER came from
	Since     time.Time      // registered from this source without a break
	Expires   time.Time

	path ua.Path
}

// Path leads to the PBX: to this binding while it lives, then to the one that has taken its place.
func (b Binding) Path() ua.Path { return b.path }

// BehindNAT tells whether a router stands before the PBX: its Contact names another address than the one it was heard from.
func (b Binding) BehindNAT() bool {
	a, err := netip.ParseAddr(strings.Trim(b.Contact.Host, "[]"))
	return err == nil && a.Unmap() != b.Source.Addr().Unmap()
}

// Host is the host and port that the PBX calls itself by, for the URIs of requests to it.
func (b Binding) Host() string {
	host := b.Contact.Host
	if strings.Contains(host, ":") {
		host = "[" + strings.Trim(host, "[]") + "]"
	}
	if b.Contact.Port > 0 {
		return net.JoinHostPort(strings.Trim(host, "[]"), strconv.Itoa(b.Contact.Port))
	}
	return host
}

// Params are the parameters of the Contact URI, each behind a semicolon. Many PBXs know their trunk by one of them.
// "bnc" only says that the user part is ours to fill (RFC 6140 §5.2).
func (b Binding) Params() string {
	var s strings.Builder
	for _, p := range b.Contact.UriParams {
		if strings.EqualFold(p.K, "bnc") {
			continue
		}
		s.WriteString(";" + p.K)
		if p.V != "" {
			s.WriteString("=" + p.V)
		}
	}
	return s.String()
}

// binding is a Binding in force.
type binding struct {
	Binding
	callID string
	seq    uint32
	conn   sip.Connection // of a stream, else nil
	health health
	timer  *time.Timer
	over   chan struct{} // closed when it is not in force any more
}

// bind puts b into force for as long as was granted. r.mu is held.
func (r *Registrar) bind(b *binding, granted time.Duration) {
	b.Since = time.Now()
	b.Expires = b.Since.Add(granted)
	b.over = make(chan struct{})
	b.path = boundPath{r, b}
	old := r.bound
	if old != nil {
		old.end()
		if old.samePlace(b) {
			b.Since, b.health.answers = old.Since, old.health.answers // that it renews is a sign of life
		}
	}
	r.bound, r.reason = b, ""
	b.timer = time.AfterFunc(granted, func() { r.lost(b, "the PBX has not renewed its registration in time") })
	go r.watch(b)
	r.keep()
	if old == nil || !old.samePlace(b) || old.health.silent {
		r.tell()
	}
}

func (b *binding) samePlace(o *binding) bool {
	return b.Source == o.Source && b.Transport == o.Transport
}

// end stops what watches over a binding.
func (b *binding) end() {
	b.timer.Stop()
	close(b.over)
}

// lost ends a binding if it still is in force.
func (r *Registrar) lost(b *binding, reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.bound == b {
		r.away(reason)
	}
}

// away ends the binding in force, which there must be. r.mu is held.
func (r *Registrar) away(reason string) {
	r.bound.end()
	r.bound, r.reason = nil, reason
	r.keep()
	r.tell()
}

// tell tells where the PBX is now. r.mu is held.
func (r *Registrar) tell() {
	e := event.PBXChanged{At: time.Now(), Reachable: r.bound != nil && !r.bound.health.silent, Reason: r.reason}
	if r.bound != nil {
		e.Address = r.bound.Source.String()
	}
	r.o.Log.Info("PBX's registration changed", "reachable", e.Reachable, "address", e.Address, "reason", e.Reason)
	r.o.Sink.Tell(e)
}

// errAway is what a path says when the PBX is nowhere.
var errAway = errors.New("the PBX is not registered")

// boundPath is the path to a binding.
type boundPath struct {
	registrar *Registrar
	binding   *binding // nil: whichever is in force
}

// Conn returns the connection of the binding. A call outlives the connection it began on: then that of the binding in
// force is used.
func (p boundPath) Conn(ctx context.Context) (sip.Connection, error) {
	b := p.binding
	if b == nil || !b.alive() {
		p.registrar.mu.Lock()
		b = p.registrar.bound
		p.registrar.mu.Unlock()
		if b == nil {
			return nil, errAway
		}
	}
	if b.conn != nil {
		return b.conn, nil
	}
	return p.registrar.o.Dialer.Dial(ctx, ua.Target{
		Owner: policy.PeerPBX, Side: policy.SideInside, Transport: b.Transport, Addr: b.target(),
	})
}

// alive tells whether the PBX can still be where b says: for a stream while it lives, else while b is in force.
func (b *binding) alive() bool {
	gone := (<-chan struct{})(b.over)
	if ended := doneOf(b.conn); ended != nil {
		gone = ended
	}
	select {
	case <-gone:
		return false
	default:
		return true
	}
}

// target is where datagrams for the PBX go; the package comment says why.
func (b *binding) target() netip.AddrPort {
	host, err := netip.ParseAddr(strings.Trim(b.Contact.Host, "[]"))
	if err != nil || host.Unmap() != b.Source.Addr().Unmap() {
		return b.Source
	}
	port := policy.UDP.DefaultPort()
	if b.Contact.Port > 0 && b.Contact.Port < 1<<16 {
		port = uint16(b.Contact.Port)
	}
	return netip.AddrPortFrom(b.Source.Addr(), port)
}

// doneOf returns what is closed when a connection ends; nil when there is none or it cannot tell.
func doneOf(conn sip.Connection) <-chan struct{} {
	if c, ok := conn.(interface{ Done() <-chan struct{} }); ok {
		return c.Done()
	}
	return nil
}
