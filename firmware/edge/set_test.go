package edge

import (
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"tollgate/firmware/access"
	"tollgate/firmware/policy"
)

// fixed finds free ports on loopback, so that a Config can be set twice.
func fixed(t *testing.T, tr policy.Transport) netip.AddrPort {
	t.Helper()
	if tr == policy.UDP {
		c, err := net.ListenPacket("udp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		return unmapped(c.LocalAddr().(*net.UDPAddr).AddrPort())
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return unmapped(l.Addr().(*net.TCPAddr).AddrPort())
}

func TestSettingTheSameTwiceKeepsListenersAndConnections(t *testing.T) {
	b := newBench(t)
	server, client := certificates(t)
	c := Config{Listeners: []Listener{
		{Side: policy.SideInside, Transport: policy.UDP, Addr: fixed(t, policy.UDP)},
		{Side: policy.SideInside, Transport: policy.TCP, Addr: fixed(t, policy.TCP)},
		{Side: policy.SideInside, Transport: policy.TLSTransport, Addr: fixed(t, policy.TCP), TLS: server},
	}}
	if err := b.Set(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	var peers []*peer
	for _, l := range c.Listeners {
		p := connect(t, l.Transport, l.Addr, client)
		p.say(p.request("OPTIONS", 1))
		b.next(t)
		peers = append(peers, p)
	}
	extra := Listener{Side: policy.SideOutside, Transport: policy.TCP, Addr: fixed(t, policy.TCP)}
	for _, listeners := range [][]Listener{c.Listeners, append(slices.Clone(c.Listeners), extra), c.Listeners} {
		if err := b.Set(t.Context(), Config{Listeners: listeners}); err != nil {
			t.Fatal(err)
		}
		if n := len(b.Listening()); n != len(listeners) {
			t.Errorf("%d listeners, want %d", n, len(listeners))
		}
		for _, p := range peers {
			p.say(p.request("OPTIONS", 2))
			b.next(t)
		}
	}
	if _, err := net.Dial("tcp", extra.Addr.String()); err == nil {
		t.Error("a listener that is not configured any more still listens")
	}
}

func TestSetIsAllOrNothing(t *testing.T) {
	b := newBench(t)
	old := Listener{Side: policy.SideInside, Transport: policy.TCP, Addr: fixed(t, policy.TCP)}
	b.listen(t, old)
	taken, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	free := Listener{Side: policy.SideInside, Transport: policy.UDP, Addr: fixed(t, policy.UDP)}
	bad := Listener{Side: policy.SideOutside, Transport: policy.TCP, Addr: unmapped(taken.Addr().(*net.TCPAddr).AddrPort())}
	err = b.Set(t.Context(), Config{Listeners: []Listener{free, bad}})
	if err == nil || !strings.Contains(err.Error(), bad.Addr.String()) {
		t.Errorf("error %v does not name %v", err, bad.Addr)
	}
	if l := b.Listening(); len(l) != 1 || l[0].Addr != old.Addr {
		t.Errorf("listening %v", l)
	}
	p := connect(t, policy.TCP, old.Addr, nil)
	p.say(p.request("OPTIONS", 1))
	b.next(t)
	c, err := net.ListenPacket("udp4", free.Addr.String())
	if err != nil {
		t.Fatalf("the other new listener was left open: %v", err)
	}
	c.Close()
}

func TestFaultyListenersAreRefusedWithTheReason(t *testing.T) {
	b := newBench(t)
	server, _ := certificates(t)
	old := server.Clone()
	old.MinVersion = tls.VersionTLS11
	at := netip.MustParseAddrPort("127.0.0.1:0")
	for says, l := range map[string]Listener{
		"unknown side":            {Side: "beside", Transport: policy.UDP, Addr: at},
		"unknown transport":       {Side: policy.SideInside, Transport: "sctp", Addr: at},
		"no address":              {Side: policy.SideInside, Transport: policy.UDP},
		"no TLS configuration":    {Side: policy.SideInside, Transport: policy.TLSTransport, Addr: at},
		"TLS older than 1.2":      {Side: policy.SideInside, Transport: policy.TLSTransport, Addr: at, TLS: old},
		"cannot assign requested": {Side: policy.SideInside, Transport: policy.UDP, Addr: netip.MustParseAddrPort("203.0.113.99:5060")},
	} {
		if err := b.Set(t.Context(), Config{Listeners: []Listener{l}}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
	l := Listener{Side: policy.SideInside, Transport: policy.UDP, Addr: at}
	if err := b.Set(t.Context(), Config{Listeners: []Listener{l, l}}); err == nil {
		t.Error("the same listener twice")
	}
}

func TestAListenerThatIsGoneTakesItsConnectionsAlong(t *testing.T) {
	b := newBench(t)
	one := Listener{Side: policy.SideInside, Transport: policy.TCP, Addr: fixed(t, policy.TCP)}
	two := Listener{Side: policy.SideInside, Transport: policy.TCP, Addr: fixed(t, policy.TCP)}
	b.listen(t, one, two)
	p, q := connect(t, policy.TCP, one.Addr, nil), connect(t, policy.TCP, two.Addr, nil)
	p.say(p.request("OPTIONS", 1))
	b.next(t)
	q.say(q.request("OPTIONS", 1))
	b.next(t)
	b.listen(t, two)
	p.hungUp()
	q.say(q.request("OPTIONS", 2))
	b.next(t)
}

func TestAConnectionWhoseSideHasChangedIsClosed(t *testing.T) {
	b := newBench(t)
	in := Listener{Side: policy.SideInside, Transport: policy.TCP, Addr: fixed(t, policy.TCP)}
	out := in
	out.Side = policy.SideOutside
	is := func(s policy.Side) func(netip.Addr) policy.Side { return func(netip.Addr) policy.Side { return s } }
	set := func(c Config) {
		t.Helper()
		if err := b.Set(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	set(Config{Listeners: []Listener{in, out}, SideOf: is(policy.SideInside)})
	p := connect(t, policy.TCP, in.Addr, nil)
	p.say(p.request("OPTIONS", 1))
	if h := b.next(t); h.c.Side() != policy.SideInside {
		t.Fatalf("side %s", h.c.Side())
	}
	set(Config{Listeners: []Listener{in, out}, SideOf: is(policy.SideOutside)})
	p.hungUp()
	q := connect(t, policy.TCP, in.Addr, nil)
	q.say(q.request("OPTIONS", 1))
	if h := b.next(t); h.c.Side() != policy.SideOutside {
		t.Fatalf("side %s", h.c.Side())
	}
}

func TestANewCertificateCountsFromTheNextConnection(t *testing.T) {
	b := newBench(t)
	server1, client1 := certificates(t)
	server2, client2 := certificates(t)
	l := Listener{Side: policy.SideInside, Transport: policy.TLSTransport, Addr: fixed(t, policy.TCP), TLS: server1}
	b.listen(t, l)
	p := connect(t, policy.TLSTransport, l.Addr, client1)
	p.say(p.request("OPTIONS", 1))
	b.next(t)
	l.TLS = server2
	b.listen(t, l)
	q := connect(t, policy.TLSTransport, l.Addr, client2)
	q.say(q.request("OPTIONS", 1))
	b.next(t)
	p.say(p.request("OPTIONS", 2))
	b.next(t)
	if c, err := tls.Dial("tcp", l.Addr.String(), client1); err == nil {
		c.Close()
		t.Error("the old certificate is still shown")
	}
}

func TestAnErrorOfAcceptingEndsNoListener(t *testing.T) {
	b := newBench(t)
	inner, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := newListener(b.Edge, policy.TCP, &failing{Listener: inner, failures: 4}, &sharing{sides: map[policy.Side]*tls.Config{policy.SideInside: nil}})
	b.mu.Lock()
	b.sockets[socketKey{policy.TCP, l.local}] = l
	b.running.Go(l.serve)
	b.mu.Unlock()
	p := connect(t, policy.TCP, l.local, nil)
	p.say(p.request("OPTIONS", 1))
	b.next(t)
}

// failing is a listener in a process with too many open files.
type failing struct {
	net.Listener
	failures int
}

func (f *failing) Accept() (net.Conn, error) {
	if f.failures > 0 {
		f.failures--
		return nil, errors.New("accept4: too many open files")
	}
	return f.Listener.Accept()
}

func TestCloseEndsEverythingAndSendsWhatIsQueued(t *testing.T) {
	server, client := certificates(t)
	b := newBench(t)
	at := b.listen(t, inside(policy.UDP, nil), inside(policy.TCP, nil), inside(policy.TLSTransport, server))
	var peers []*peer
	for _, tr := range []policy.Transport{policy.TCP, policy.TLSTransport} {
		p := connect(t, tr, at[tr], client)
		p.say(p.request("OPTIONS", 1))
		h := b.next(t)
		for range 100 {
			if err := h.c.link.sendRaw([]byte(good), netip.AddrPort{}); err != nil {
				t.Fatal(err)
			}
		}
		defer func() {
			select {
			case <-h.c.Done():
			default:
				t.Error("Done is open after Close")
			}
			if err := h.c.WriteMsg(h.m); !errors.Is(err, net.ErrClosed) {
				t.Errorf("write after Close: %v", err)
			}
		}()
		peers = append(peers, p)
	}
	halfway := connect(t, policy.TCP, at[policy.TLSTransport], nil) // never begins its handshake
	start := time.Now()
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(start); d > 4*time.Second {
		t.Errorf("Close took %v", d)
	}
	for _, p := range peers {
		for range 100 {
			p.hear()
		}
		p.hungUp()
	}
	halfway.hungUp()
	if err := b.Set(t.Context(), Config{Listeners: []Listener{inside(policy.TCP, nil)}}); !errors.Is(err, errClosed) {
		t.Errorf("Set after Close: %v", err)
	}
	if _, err := b.Dial(t.Context(), Target{Owner: "pbx", Side: policy.SideInside, Transport: policy.TCP, Addr: at[policy.TCP]}); !errors.Is(err, errClosed) {
		t.Errorf("Dial after Close: %v", err)
	}
	if err := b.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

func TestCloseIsNotHeldUpByPeersThatDoNotRead(t *testing.T) {
	server, client := certificates(t)
	b := newBench(t)
	at := b.listen(t, inside(policy.TCP, nil), inside(policy.TLSTransport, server))
	for _, tr := range []policy.Transport{policy.TCP, policy.TLSTransport} {
		p := connect(t, tr, at[tr], client)
		p.say(p.request("OPTIONS", 1))
		h := b.next(t)
		for h.c.link.sendRaw([]byte(strings.Repeat("x", 60000)), netip.AddrPort{}) == nil {
		}
	}
	start := time.Now()
	b.Close()
	if d := time.Since(start); d > 6*time.Second {
		t.Errorf("Close took %v", d)
	}
}

func TestWhoIsNotKnownAnyMoreLosesTheConnection(t *testing.T) {
	b := newBench(t)
	at := b.listen(t, inside(policy.TCP, nil))
	p := connect(t, policy.TCP, at[policy.TCP], nil)
	p.say(p.request("OPTIONS", 1))
	b.next(t)
	b.rules.mu.Lock()
	b.rules.known = func(access.Source) bool { return false }
	b.rules.mu.Unlock()
	p.say(p.request("OPTIONS", 2))
	p.hungUp()
	b.nothing(t)
	if f := b.sink.await(t, access.RuleUnknownSource); f.Method != "OPTIONS" {
		t.Errorf("told %+v", f)
	}
}
