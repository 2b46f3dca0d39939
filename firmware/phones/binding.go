package phones

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/policy"
	"tollgate/firmware/ua"
)

// kept is what of a binding outlives a restart.
type kept struct {
	Token     string           `json:"token"`
	Domain    string           `json:"domain"`
	User      string           `json:"user"`     // of the address of record
	Instance  string           `json:"instance"` // +sip.instance, "" without one
	Contact   string           `json:"contact"`  // URI, as the phone wrote it
	Transport policy.Transport `json:"transport"`
	Source    netip.AddrPort   `json:"source"`
	BehindNAT bool             `json:"behind_nat"`
	Digest    string           `json:"digest"` // the user that proved itself to the PBX; "": it asked for nothing
	Weak      string           `json:"weak"`   // the kind of password that it was found to have, one of those that are tried first; "" else
	Route     []string         `json:"route"`  // Service-Route of the PBX (RFC 3608)
	Since     time.Time        `json:"since"`
	Verified  time.Time        `json:"verified"` // when the PBX has last answered for it
	Granted   time.Time        `json:"granted"`  // until when the PBX keeps it
	Until     time.Time        `json:"until"`    // until when the phone must have spoken again
}

// binding is where one device of one user is reached.
type binding struct {
	kept
	conn sip.Connection // of a stream; nil after a restart
}

const (
	// patience is how late a phone's refresh may come.
	patience = 10 * time.Second
	// surviveFor is how long a phone that its PBX has not answered for may go on while that is away.
	surviveFor = 72 * time.Hour
)

// live tells whether the phone is expected to answer.
func (b *binding) live(now time.Time) bool { return now.Before(b.Until.Add(patience)) }

// fresh tells whether the PBX's answer is young enough for refreshes to be answered here.
func (b *binding) fresh(now time.Time) bool {
	return now.Before(b.Verified.Add(b.Granted.Sub(b.Verified) / 2))
}

// survives tells whether the binding may go on without the PBX.
func (b *binding) survives(now time.Time) bool { return now.Before(b.Verified.Add(surviveFor)) }

// from tells whether a request has come by the binding's own flow.
func (b *binding) from(f flow) bool {
	return b.Transport == f.transport && b.Source == f.source && (!b.Transport.Stream() || b.conn == f.conn)
}

// flow is where a request has come from.
type flow struct {
	transport policy.Transport
	source    netip.AddrPort
	conn      sip.Connection
}

func flowOf(in *ua.Incoming) (flow, error) {
	source, err := netip.ParseAddrPort(in.Source())
	return flow{policy.Transport(strings.ToLower(in.Transport())), source, in.Conn}, err
}

// behindNAT tells whether a router stands between box and phone: what the phone says of itself is not where it comes from.
func behindNAT(in *ua.Incoming, f flow, contact sip.Uri) bool {
	elsewhere := func(host string) bool {
		a, err := netip.ParseAddr(strings.Trim(host, "[]"))
		return err != nil || a.Unmap() != f.source.Addr().Unmap()
	}
	return elsewhere(contact.Host) || in.Via() != nil && elsewhere(in.Via().Host)
}

// target is where datagrams for the phone go: to the port it names when it is the host it came from, else back through
// the router (RFC 3581, RFC 5626 §5.3).
func (b *binding) target() netip.AddrPort {
	var uri sip.Uri
	if b.BehindNAT || sip.ParseUri(b.Contact, &uri) != nil {
		return b.Source
	}
	port := b.Transport.DefaultPort()
	if uri.Port > 0 && uri.Port < 1<<16 {
		port = uint16(uri.Port)
	}
	return netip.AddrPortFrom(b.Source.Addr(), port)
}

// errGone is what the path to a phone says when it cannot be reached.
var errGone = errors.New("the phone's connection has ended; it is reached again when it registers")

// path leads to whatever flow the binding has now.
type path struct {
	phones *Phones
	token  string
}

// Conn returns the connection of the phone's flow. One that does not stand behind a router is connected to anew.
func (p path) Conn(ctx context.Context) (sip.Connection, error) {
	p.phones.mu.Lock()
	b := p.phones.bindings[p.token]
	if b == nil {
		p.phones.mu.Unlock()
		return nil, errGone
	}
	conn, transport, lost := b.conn, b.Transport, b.lost()
	to := ua.Target{Owner: policy.PhonePeer(b.Source.Addr()).Name, Side: policy.SideInside, Transport: transport, Addr: b.target()}
	p.phones.mu.Unlock()
	switch {
	case transport.Stream() && alive(conn):
		return conn, nil
	case lost:
		return nil, errGone
	}
	return p.phones.o.Dialer.Dial(ctx, to)
}

// lost tells whether the phone's connection has ended and cannot be made anew: a router stands before the phone, or nobody
// would vouch for its certificate.
func (b *binding) lost() bool {
	return b.Transport.Stream() && !alive(b.conn) && (b.BehindNAT || b.Transport == policy.TLSTransport)
}

func alive(conn sip.Connection) bool {
	if conn == nil {
		return false
	}
	if c, ok := conn.(interface{ Done() <-chan struct{} }); ok {
		select {
		case <-c.Done():
			return false
		default:
		}
	}
	return true
}
