package trunk

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/policy"
	"tollgate/firmware/ua"
)

// fleet is a carrier with several servers, reached by address.
type fleet struct {
	core    *ua.Core
	servers map[netip.Addr]*carrier

	mu    sync.Mutex
	dials []ua.Target
}

// newFleet makes a server for each address; all of them answer as script says.
func newFleet(script func(*sip.Request) *sip.Response, addrs ...string) *fleet {
	f := &fleet{servers: map[netip.Addr]*carrier{}}
	for _, a := range addrs {
		f.servers[netip.MustParseAddr(a)] = &carrier{script: script, done: make(chan struct{})}
	}
	return f
}

func (f *fleet) at(addr string) *carrier { return f.servers[netip.MustParseAddr(addr)] }

func (f *fleet) Dial(ctx context.Context, t ua.Target) (sip.Connection, error) {
	f.mu.Lock()
	f.dials = append(f.dials, t)
	f.mu.Unlock()
	c := f.servers[t.Addr.Addr()]
	if c == nil {
		<-ctx.Done() // nobody there
		return nil, ctx.Err()
	}
	return c.Dial(ctx, t)
}

// become changes how a server answers from now on; nil: not at all.
func (c *carrier) become(script func(*sip.Request) *sip.Response) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.script = script
}

// count tells how many requests of this method have reached the server.
func (c *carrier) count(method sip.RequestMethod) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.seen {
		if r.Method == method {
			n++
		}
	}
	return n
}

func (c *carrier) die(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dead = err
}

// hangUp ends all connections.
func (f *fleet) hangUp() {
	for _, c := range f.servers {
		c.hangUp()
	}
}

// startFleet puts one trunk into force against f.
func startFleet(t *testing.T, f *fleet, r Resolver, p policy.Trunk) (*Trunk, *facts, *reported) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	f.core = ua.New(nil, log)
	for _, c := range f.servers {
		c.core = f.core
	}
	told, addrs := &facts{}, &reported{}
	trunks := New(Options{Core: f.core, Dialer: f, Resolver: r, Clients: noTLS{}, Addresses: addrs, Sink: told, Log: log})
	if err := trunks.Set(t.Context(), config(p)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		trunks.Close(ctx)
		f.hangUp()
	})
	tr, _ := trunks.Trunk(p.Name)
	return tr, told, addrs
}

func accept(req *sip.Request) *sip.Response { return answer(req, 200, "Expires: 300") }

func silent(*sip.Request) *sip.Response { return nil }

func with(status int) func(*sip.Request) *sip.Response {
	return func(req *sip.Request) *sip.Response { return answer(req, status) }
}

var errDead = errors.New("connection refused")

// fleetPolicy registers at a name with several servers.
func fleetPolicy() policy.Trunk {
	p := trunkPolicy()
	p.Registrar, p.OutboundProxy = "sip.carrier.example", policy.Hosts{"sip.carrier.example"}
	return p
}

// staticPolicy does not register and is watched.
func staticPolicy() policy.Trunk {
	p := trunkPolicy()
	p.Registrar, p.OutboundProxy, p.Health = "", policy.Hosts{"sip.carrier.example"}, policy.HealthOptions
	p.Accounts[0].Secret = ""
	return p
}

const one, two, three = "192.0.2.201", "192.0.2.202", "192.0.2.203"

func fleetNames(servers ...string) *names {
	n := &names{}
	n.set("sip.carrier.example", servers...)
	return n
}

// first is the server that would get the next call.
func first(t *Trunk) string {
	m := t.Members()
	if len(m) == 0 {
		return "none"
	}
	return m[0].Addr().Addr().String()
}

// requests are those that have reached the server.
func (c *carrier) requests() []*sip.Request {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.seen)
}
