// Package trunk keeps the carriers: it finds the servers of each, registers the accounts, keeps the registrations alive,
// asks whether the servers are there and tells how things stand.
//
//	policy -> Set -> for each trunk: names -> pool of members -+-> REGISTER -> wait -> REGISTER ...
//	                                   |                       +-> OPTIONS  -> wait -> OPTIONS ...
//	                                   v                       +-> calls: Members, Path
//	                           filter and access                        |
//	                                                                    v
//	                                                       State, Down, Self, event.TrunkChanged
//
// A pool holds what stands behind one name (RFC 3263), a Member is one server of it. One that has failed is tried last
// for a while; the one that has the registration is tried first. A failed registration moves to another member, and is
// tried again later and later when none takes it; refused credentials wait longest, since a carrier bans who insists. A
// lost connection is made again at once. A DNS failure takes nothing away, and addresses that have left the names may
// speak for another hour.
//
// Where a carrier sees the box, as its responses say, goes into the Contact, into calls and to running ones (place.go),
// and the way to the carrier is kept open in the routers between (keep.go).
//
// It leaves to others: names and their lifetimes (resolve), which call goes where (route), what a call is (call), sockets
// (edge).
package trunk

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/netip"
	"reflect"
	"sync"
	"time"

	"tollgate/firmware/event"
	"tollgate/firmware/policy"
	"tollgate/firmware/resolve"
	"tollgate/firmware/ua"
)

// Resolver finds the servers of a domain (RFC 3263); *resolve.Resolver satisfies it.
type Resolver interface {
	Locate(ctx context.Context, q resolve.Query) (resolve.Answer, error)
}

// Clients makes the TLS configuration that verifies a carrier.
type Clients interface {
	Client(t policy.TLS, serverName string) (*tls.Config, error)
}

// Addresses is told the addresses of a trunk whenever they change, so that the filter lets them in.
type Addresses interface {
	Resolved(trunk string, addrs []netip.Addr)
}

// Options are what New needs.
type Options struct {
	Core      *ua.Core
	Dialer    ua.Dialer
	Resolver  Resolver
	Clients   Clients
	Addresses Addresses
	Plausible func(netip.Addr) error // why a name's address cannot be a carrier's; nil: all can
	Moved     func(trunk string)     // has the calls of a trunk say the box's new address; nil: there are none
	// Quiet tells whether a call of a trunk has heard nothing of the carrier for this long, and did before; nil: never.
	Quiet func(trunk string, least time.Duration) bool
	// Mapped asks a STUN server where it sees the UDP listener outside; nil: none is asked.
	Mapped func(ctx context.Context, server netip.AddrPort) (netip.AddrPort, error)
	Sink   event.Sink
	Log    *slog.Logger
}

// Config is what the operator wants of the trunks.
type Config struct {
	Trunks []policy.Trunk
	Local  func(policy.Transport) ua.Local // how the box calls itself outside
	Network
	STUNServers []netip.AddrPort
}

// Trunks are all trunks of the box.
type Trunks struct {
	o Options

	mu     sync.Mutex // guards everything below
	trunks map[string]*Trunk
	order  []string

	mapping mapping
}

// New makes Trunks without any; Set brings them.
func New(o Options) *Trunks { return &Trunks{o: o, trunks: map[string]*Trunk{}} }

// Trunk is one carrier in force. A call keeps the one it began with.
type Trunk struct {
	Policy policy.Trunk
	Local  ua.Local // as the policy says; Self is how it is

	o       Options
	network Network

	calls pools           // of the outbound proxies, in the policy's order
	home  *pool           // of the registrar, often one of calls; nil: the trunk does not register
	names pools           // all of them
	anew  []chan struct{} // for each account: register without waiting for the lapse
	stop  context.CancelFunc
	done  sync.WaitGroup

	linked chan struct{} // full when the link outside has changed

	reviewing sync.Mutex    // held while it is judged whether the trunk is up
	telling   chan struct{} // full while addresses are let in, so that an earlier list never replaces a later one

	mu       sync.Mutex // guards everything below, and what the pools hold
	told     []netip.Addr
	accounts []AccountState
	tlsUsed  string
	since    time.Time
	up       bool
	place    place
}

// Set puts c into force. A trunk that has not changed goes on undisturbed; one that is gone is unregistered.
// When a trunk cannot be made, the error says which, and nothing has changed.
func (t *Trunks) Set(ctx context.Context, c Config) error {
	next := make(map[string]*Trunk, len(c.Trunks))
	var order []string
	t.mu.Lock()
	defer t.mu.Unlock()
	c.Network.STUN = c.Learn && len(c.STUNServers) > 0
	for _, p := range c.Trunks {
		order = append(order, p.Name)
		local := c.Local(p.Transport)
		local.Name = p.OwnName
		if old := t.trunks[p.Name]; old != nil && reflect.DeepEqual(old.Policy, p) && old.Local == local && old.network == c.Network {
			next[p.Name] = old
			continue
		}
		made, err := newTrunk(t.o, p, local, c.Network)
		if err != nil {
			return fmt.Errorf("trunk %s: %w", p.Name, err)
		}
		if old := t.trunks[p.Name]; old != nil {
			made.inherit(old)
		}
		next[p.Name] = made
	}
	t.replace(ctx, next)
	t.trunks, t.order = next, order
	t.setSTUN(c.STUNServers)
	return nil
}

// replace stops the trunks that are gone or changed, then starts the new ones.
func (t *Trunks) replace(ctx context.Context, next map[string]*Trunk) {
	var leaving sync.WaitGroup
	for name, old := range t.trunks {
		if next[name] != old {
			leaving.Go(func() { old.close(ctx) })
		}
	}
	leaving.Wait()
	for name, n := range next {
		if t.trunks[name] != n {
			n.start()
		}
	}
}

// Close unregisters all trunks and waits for it until ctx ends.
func (t *Trunks) Close(ctx context.Context) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.setSTUN(nil)
	t.replace(ctx, nil)
	t.trunks, t.order = map[string]*Trunk{}, nil
}

// Trunk returns the trunk in force under this name.
func (t *Trunks) Trunk(name string) (*Trunk, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	tr, ok := t.trunks[name]
	return tr, ok
}

// States tells how each trunk stands, in the order of the policy.
func (t *Trunks) States() []State {
	t.mu.Lock()
	defer t.mu.Unlock()
	states := make([]State, 0, len(t.order))
	for _, name := range t.order {
		states = append(states, t.trunks[name].State())
	}
	return states
}

func newTrunk(o Options, p policy.Trunk, local ua.Local, n Network) (*Trunk, error) {
	tr := &Trunk{Policy: p, Local: local, network: n, o: o, telling: make(chan struct{}, 1), linked: make(chan struct{}, 1)}
	if err := tr.openPools(); err != nil {
		return nil, err
	}
	for _, a := range p.Accounts {
		tr.anew = append(tr.anew, make(chan struct{}, 1))
		tr.accounts = append(tr.accounts, AccountState{User: a.User, State: Registering, Reason: "not registered yet"})
	}
	return tr, nil
}

func (t *Trunk) start() {
	ctx, cancel := context.WithCancel(context.Background())
	t.stop = cancel
	for _, p := range t.names {
		t.done.Go(func() { p.keep(ctx) })
	}
	if t.watched() {
		t.done.Go(func() { t.watch(ctx) })
	}
	t.done.Go(func() { t.keepOpen(ctx) })
	if t.Policy.Registrar == "" {
		return
	}
	for i, a := range t.Policy.Accounts {
		r := newRegistration(t, i, a)
		t.done.Go(func() { r.run(ctx) })
	}
}

// close ends the registrations politely, as long as ctx allows.
func (t *Trunk) close(ctx context.Context) {
	t.stop()
	gone := make(chan struct{})
	go func() { t.done.Wait(); close(gone) }()
	select {
	case <-gone:
	case <-ctx.Done():
	}
}

// Peer is the trunk's name among peers.
func (t *Trunk) Peer() policy.Peer {
	return policy.Peer{Side: policy.SideOutside, Name: t.Policy.Name}
}

// Home is the host of the office's own URIs towards the carrier: of an address of record where it registers (RFC 3261
// §10.2), else the box's own name if it has one.
func (t *Trunk) Home() string {
	if t.Policy.Registrar == "" && t.Policy.OwnName != "" {
		return t.Policy.OwnName
	}
	return t.Policy.Domain
}

// Credentials are those of an account; nil when it has no secret.
func (t *Trunk) Credentials(a policy.Account) *ua.Credentials {
	if a.Secret == "" {
		return nil
	}
	return &ua.Credentials{User: cmp.Or(a.AuthUser, a.User), Secret: a.Secret}
}
