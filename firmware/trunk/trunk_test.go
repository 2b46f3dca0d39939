package trunk

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/event"
	"tollgate/firmware/policy"
	"tollgate/firmware/resolve"
	"tollgate/firmware/ua"
)

// carrier is a registrar on the far end of a connection: it answers each request as script says.
type carrier struct {
	script func(req *sip.Request) *sip.Response // nil: no answer
	udp    bool

	mu    sync.Mutex
	core  *ua.Core
	seen  []*sip.Request
	at    []time.Time
	pings []time.Time
	done  chan struct{} // closed: the connection is lost
	dead  error         // connections cannot be made
}

func (c *carrier) KeepAlive() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pings = append(c.pings, time.Now())
	return nil
}

func (c *carrier) LocalAddr() net.Addr {
	if c.udp {
		return &net.UDPAddr{IP: net.IPv4(198, 51, 100, 2), Port: 5060}
	}
	return &net.TCPAddr{IP: net.IPv4(198, 51, 100, 2), Port: 40000}
}
func (c *carrier) Ref(int) int            { return 1 }
func (c *carrier) TryClose() (int, error) { return 1, nil }
func (c *carrier) Close() error           { return nil }
func (c *carrier) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.done
}

// hangUp ends the connection if it lives.
func (c *carrier) hangUp() {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.done:
	default:
		close(c.done)
	}
}

func (c *carrier) WriteMsg(m sip.Message) error {
	parsed, err := sip.NewParser().ParseSIP([]byte(m.String()))
	if err != nil {
		return err
	}
	req, ok := parsed.(*sip.Request)
	if !ok {
		return nil
	}
	req.SetTransport("TCP")
	req.SetSource("198.51.100.2:5060")
	c.mu.Lock()
	c.seen, c.at = append(c.seen, req), append(c.at, time.Now())
	script := c.script
	c.mu.Unlock()
	if res := script(req); res != nil {
		go c.core.Receive(res, c, policy.Peer{Side: policy.SideOutside, Name: "carrier-a"})
	}
	return nil
}

func (c *carrier) Dial(context.Context, ua.Target) (sip.Connection, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead != nil {
		return nil, c.dead
	}
	return c, nil
}

// times are the moments of the REGISTERs, counted from start in whole seconds.
func (c *carrier) times(start time.Time) (s []int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, at := range c.at {
		s = append(s, int(at.Sub(start).Seconds()))
	}
	return s
}

func (c *carrier) last() *sip.Request {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen[len(c.seen)-1]
}

type facts struct {
	mu   sync.Mutex
	list []event.TrunkChanged
}

func (f *facts) Tell(e event.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = append(f.list, e.(event.TrunkChanged))
}

// names is a resolver whose answers can be changed and taken away. They live a minute.
type names struct {
	mu      sync.Mutex
	servers map[string][]string // host -> addresses by priority
}

func (n *names) Locate(_ context.Context, q resolve.Query) (resolve.Answer, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	list := n.servers[q.Host]
	if _, err := netip.ParseAddr(q.Host); err == nil {
		list = []string{q.Host}
	}
	if len(list) == 0 {
		return resolve.Answer{}, resolve.ErrNoServer
	}
	a := resolve.Answer{Expires: time.Now().Add(time.Minute)}
	for i, s := range list {
		a.Servers = append(a.Servers, resolve.Server{Name: q.Host, Addrs: []netip.Addr{netip.MustParseAddr(s)}, Port: q.Transport.DefaultPort(), Priority: uint16(i)})
	}
	return a, nil
}

func (n *names) set(host string, servers ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.servers = map[string][]string{host: servers}
}

func (n *names) forget() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.servers = nil
}

type reported struct {
	mu   sync.Mutex
	last []netip.Addr
	n    int
}

func (r *reported) Resolved(_ string, addrs []netip.Addr) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last, r.n = addrs, r.n+1
}

type noTLS struct{}

func (noTLS) Client(policy.TLS, string) (*tls.Config, error) {
	return nil, errors.New("no certificate")
}

func trunkPolicy() policy.Trunk {
	return policy.Trunk{
		Name: "carrier-a", Domain: "sip.carrier.example", Registrar: "192.0.2.200", Transport: policy.TCP,
		Accounts: []policy.Account{{User: "office", Secret: "a-long-secret-000000000", Numbers: []string{"+33123456700"}}},
	}
}

// start puts one trunk into force against c.
func start(t *testing.T, c *carrier, r Resolver, p policy.Trunk) (*Trunks, *facts, *reported) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	c.core = ua.New(nil, log)
	if c.done == nil {
		c.done = make(chan struct{})
	}
	t.Cleanup(c.hangUp)
	f, addrs := &facts{}, &reported{}
	trunks := New(Options{Core: c.core, Dialer: c, Resolver: r, Clients: noTLS{}, Addresses: addrs, Sink: f, Log: log})
	if err := trunks.Set(t.Context(), config(p)); err != nil {
		t.Fatal(err)
	}
	return trunks, f, addrs
}

func config(p ...policy.Trunk) Config {
	return Config{Trunks: p, Local: func(policy.Transport) ua.Local { return ua.Local{Host: "198.51.100.2", Port: 5060, Transport: "TCP"} }}
}

func answer(req *sip.Request, status int, headers ...string) *sip.Response {
	res := sip.NewResponseFromRequest(req, status, ua.Phrase(status), nil)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		res.AppendHeader(sip.NewHeader(name, value))
	}
	return res
}

func TestARegistrationIsRenewedAtHalfItsLifetime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &carrier{script: func(req *sip.Request) *sip.Response {
			return answer(req, 200, "Contact: "+req.Contact().Value()+";expires=120")
		}}
		begun := time.Now()
		trunks, f, _ := start(t, c, &names{}, trunkPolicy())
		time.Sleep(200 * time.Second)
		if got := c.times(begun); len(got) != 4 || got[1] != 60 || got[2] != 120 || got[3] != 180 {
			t.Errorf("REGISTERs at %v s, want 0 60 120 180", got)
		}
		s := trunks.States()[0]
		if s.State != Up || time.Until(s.Expires).Round(time.Second) != 100*time.Second {
			t.Errorf("state %+v, want up for another 100 s", s)
		}
		trunks.Close(t.Context())
		if h := c.last().GetHeaders("Expires"); len(h) != 1 || h[0].Value() != "0" {
			t.Errorf("the registration was not taken back: %s", c.last())
		}
		if len(f.told()) != 1 || !f.told()[0].Up {
			t.Errorf("facts %+v, want one: up", f.told())
		}
	})
}

func TestFailuresAreTriedAgainLaterAndLater(t *testing.T) {
	tests := map[string]struct {
		script  func(*sip.Request) *sip.Response
		dead    error
		watch   time.Duration
		most    int // attempts in this time at the most; the jitter takes off up to a quarter
		least   int
		explain string
	}{
		"refused credentials wait long": {
			script: func(req *sip.Request) *sip.Response { return answer(req, 403) },
			watch:  10 * time.Minute, least: 5, most: 6, explain: "refused the credentials of account office (403 Forbidden): check user, auth_user and secret",
		},
		"a server error waits shorter": {
			script: func(req *sip.Request) *sip.Response { return answer(req, 500) },
			watch:  60 * time.Second, least: 5, most: 6, explain: "answered 500",
		},
		"no connection": {
			dead: errors.New("connection refused"), watch: time.Minute, explain: "cannot be reached: connect to carrier-a: connection refused",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := &carrier{script: tt.script, dead: tt.dead}
				trunks, f, _ := start(t, c, &names{}, trunkPolicy())
				time.Sleep(tt.watch)
				if n := len(c.times(time.Now())); n < tt.least || n > tt.most {
					t.Errorf("%d attempts in %v, want %d to %d", n, tt.watch, tt.least, tt.most)
				}
				s := trunks.States()[0]
				if s.State != Down || !strings.Contains(s.Reason, tt.explain) {
					t.Errorf("state %s, reason %q; want down because %q", s.State, s.Reason, tt.explain)
				}
				if len(f.told()) != 1 || f.told()[0].Up {
					t.Errorf("facts %+v, want one: down", f.told())
				}
				trunks.Close(t.Context())
			})
		})
	}
}

func TestALostConnectionIsRegisteredAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &carrier{script: func(req *sip.Request) *sip.Response { return answer(req, 200, "Expires: 300") }}
		trunks, f, _ := start(t, c, &names{}, trunkPolicy())
		time.Sleep(10 * time.Second)
		c.mu.Lock()
		lost := c.done
		c.done = make(chan struct{})
		c.mu.Unlock()
		close(lost)
		time.Sleep(5 * time.Second)
		if n := len(c.times(time.Now())); n != 2 {
			t.Errorf("%d REGISTERs, want a second one within 5 s of the loss", n)
		}
		if s := trunks.States()[0].State; s != Up {
			t.Errorf("trunk is %s, want up", s)
		}
		if len(f.told()) != 3 {
			t.Errorf("facts %+v, want up, down, up", f.told())
		}
		trunks.Close(t.Context())
	})
}

// A carrier that does not take the box's certificate says so by hanging up after the handshake (TLS 1.3).
func TestACarrierThatHangsUpInsteadOfAnsweringIsToldAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &carrier{done: make(chan struct{})}
		c.script = func(*sip.Request) *sip.Response {
			close(c.done)
			return nil
		}
		trunks, _, _ := start(t, c, &names{}, trunkPolicy())
		time.Sleep(time.Second)
		s := trunks.States()[0]
		if s.State != Down || !strings.Contains(s.Reason, "closed the connection instead of answering") {
			t.Errorf("%s: %s; want down at once, and why", s.State, s.Reason)
		}
		c.become(accept)
		c.mu.Lock()
		c.done = make(chan struct{})
		c.mu.Unlock()
		time.Sleep(time.Minute)
		if s := trunks.States()[0]; s.State != Up {
			t.Errorf("%s: %s; want up again", s.State, s.Reason)
		}
		trunks.Close(t.Context())
	})
}

func TestALongerLifetimeIsGrantedWhenTheRegistrarInsists(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &carrier{script: func(req *sip.Request) *sip.Response {
			if req.GetHeaders("Expires")[0].Value() == "300" {
				return answer(req, 423, "Min-Expires: 1800")
			}
			return answer(req, 200)
		}}
		trunks, _, _ := start(t, c, &names{}, trunkPolicy())
		time.Sleep(5 * time.Second)
		if got := c.last().GetHeaders("Expires")[0].Value(); got != "1800" {
			t.Errorf("asked for %s s, want 1800 (RFC 3261 §10.2.8)", got)
		}
		trunks.Close(t.Context())
	})
}

func TestAnUnchangedTrunkGoesOnUndisturbed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &carrier{script: func(req *sip.Request) *sip.Response { return answer(req, 200, "Expires: 300") }}
		p := trunkPolicy()
		trunks, _, _ := start(t, c, &names{}, p)
		time.Sleep(time.Second)
		before, _ := trunks.Trunk("carrier-a")
		if err := trunks.Set(t.Context(), config(p)); err != nil {
			t.Fatal(err)
		}
		if after, _ := trunks.Trunk("carrier-a"); after != before || len(c.times(time.Now())) != 1 {
			t.Errorf("the same policy set twice registered %d times", len(c.times(time.Now())))
		}
		bad := p
		bad.Name, bad.Transport = "carrier-b", policy.TLSTransport
		if err := trunks.Set(t.Context(), config(p, bad)); err == nil || !strings.Contains(err.Error(), "trunk carrier-b: no certificate") {
			t.Errorf("got %v, want an error that names carrier-b", err)
		}
		if _, ok := trunks.Trunk("carrier-b"); ok || len(trunks.States()) != 1 {
			t.Error("a refused configuration left something behind")
		}
		p.Caps.Calls = 3
		if err := trunks.Set(t.Context(), config(p)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if after, _ := trunks.Trunk("carrier-a"); after == before || after.Policy.Caps.Calls != 3 {
			t.Error("a changed trunk was not made anew")
		}
		trunks.Close(t.Context())
	})
}

func TestADNSFailureKeepsTheAddressesKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &carrier{script: func(req *sip.Request) *sip.Response { return answer(req, 200, "Expires: 60") }}
		p := trunkPolicy()
		p.Registrar = "registrar.carrier.example"
		dns := &names{}
		dns.set("registrar.carrier.example", "192.0.2.200")
		trunks, _, addrs := start(t, c, dns, p)
		time.Sleep(10 * time.Second)
		dns.forget()
		time.Sleep(5*time.Minute + time.Second)
		synctest.Wait()
		if len(addrs.last) != 1 || addrs.n != 1 {
			t.Errorf("reported %v %d times, want the one address once", addrs.last, addrs.n)
		}
		if s := trunks.States()[0].State; s != Up {
			t.Errorf("trunk is %s although its address is known", s)
		}
		trunks.Close(t.Context())
	})
}

func TestBackoffDoublesUpToItsLimit(t *testing.T) {
	for tries, want := range map[int]time.Duration{1: 2 * time.Second, 2: 4 * time.Second, 4: 16 * time.Second, 20: 2 * time.Minute} {
		if got := backoff(firstWait, longestWait, tries); got != want {
			t.Errorf("after %d failures %v, want %v", tries, got, want)
		}
	}
}

// told returns what was told so far.
func (f *facts) told() []event.TrunkChanged {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.list)
}

func TestAChangedPolicyKeepsWhatIsKnownOfTheNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &carrier{script: func(req *sip.Request) *sip.Response { return answer(req, 200, "Expires: 60") }}
		p := trunkPolicy()
		p.Registrar = "registrar.carrier.example"
		dns := &names{}
		dns.set("registrar.carrier.example", "192.0.2.200")
		trunks, _, addrs := start(t, c, dns, p)
		time.Sleep(10 * time.Second)
		dns.forget()
		p.Caps.Calls = 3
		if err := trunks.Set(t.Context(), config(p)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		if s := trunks.States()[0]; s.State != Up {
			t.Errorf("%s (%s) after a change of the policy without name servers", s.State, s.Reason)
		}
		if len(addrs.get()) != 1 {
			t.Errorf("may speak: %v", addrs.get())
		}
		p.Registrar = "another.carrier.example"
		if err := trunks.Set(t.Context(), config(p)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		if s := trunks.States()[0]; s.State == Up {
			t.Error("another name was taken for the old one")
		}
		trunks.Close(t.Context())
	})
}
