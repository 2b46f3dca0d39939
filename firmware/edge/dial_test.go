package edge

import (
	"context"
	"crypto/tls"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/policy"
)

func TestAConnectionIsUsedAgainByItsOwnerOnly(t *testing.T) {
	server, client := certificates(t)
	localhost := client.Clone()
	localhost.ServerName = "localhost"
	for _, tr := range []policy.Transport{policy.TCP, policy.TLSTransport} {
		b := newBench(t)
		far, elsewhere := newFarEnd(t, tr, server), newFarEnd(t, tr, server)
		target := Target{Owner: "carrier-a", Side: policy.SideOutside, Transport: tr, Addr: far.addr}
		if tr == policy.TLSTransport {
			target.TLS = client
		}
		first := dial(t, b, target)
		if again := dial(t, b, target); again != first {
			t.Errorf("%s: the same target got a second connection", tr)
		}
		other := map[string]Target{"owner": target, "side": target, "address": target}
		o, s, a := target, target, target
		o.Owner, s.Side, a.Addr = "carrier-b", policy.SideInside, elsewhere.addr
		other["owner"], other["side"], other["address"] = o, s, a
		if tr == policy.TLSTransport {
			n := target
			n.TLS = localhost
			other["server name"] = n
		}
		for what, target := range other {
			if c := dial(t, b, target); c == first {
				t.Errorf("%s: the connection is shared with another %s", tr, what)
			}
		}
		far.accepted(t).Close()
		<-first.Done()
		if c := dial(t, b, target); c == first {
			t.Errorf("%s: an ended connection was returned", tr)
		}
	}
}

func dial(t *testing.T, b *bench, target Target) *Conn {
	t.Helper()
	c, err := b.Dial(withTimeout(t), target)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Two trunks at the very same address never share a connection, and the carrier sees each one's own certificate on it.
func TestTwoTrunksAtOneAddressEachShowTheirOwnCertificate(t *testing.T) {
	server, client := certificates(t)
	server = server.Clone()
	server.ClientAuth = tls.RequireAnyClientCert
	b, far := newBench(t), newFarEnd(t, policy.TLSTransport, server)
	seen := map[string]bool{}
	conns := map[string]*Conn{}
	for _, owner := range []string{"carrier-a", "carrier-b"} {
		own, _ := certificates(t) // any certificate will do
		shown, err := own.GetCertificate(&tls.ClientHelloInfo{})
		if err != nil {
			t.Fatal(err)
		}
		mine := client.Clone()
		mine.Certificates = []tls.Certificate{*shown}
		target := Target{Owner: owner, Side: policy.SideOutside, Transport: policy.TLSTransport, Addr: far.addr, TLS: mine}
		conns[owner] = dial(t, b, target)
		at := far.accepted(t).Conn.(*tls.Conn)
		if err := at.Handshake(); err != nil {
			t.Fatal(err)
		}
		seen[at.ConnectionState().PeerCertificates[0].SerialNumber.String()] = true
		for other, c := range conns {
			if again := dial(t, b, target); (again == c) != (other == owner) {
				t.Errorf("a request of %s would go by the connection of %s: %v", owner, other, again == c)
			}
		}
		renewed := target
		fresh, _ := certificates(t)
		if shown, err = fresh.GetCertificate(&tls.ClientHelloInfo{}); err != nil {
			t.Fatal(err)
		}
		renewed.TLS = client.Clone()
		renewed.TLS.Certificates = []tls.Certificate{*shown}
		if dial(t, b, renewed) == conns[owner] {
			t.Error("a new certificate is not shown as long as the old connection lives")
		}
		far.accepted(t)
	}
	if len(seen) != 2 {
		t.Errorf("the carrier saw %d certificates for two trunks", len(seen))
	}
}

func TestManyDialsAtOnceMakeOneConnection(t *testing.T) {
	b := newBench(t)
	far := newFarEnd(t, policy.TCP, nil)
	target := Target{Owner: "carrier", Side: policy.SideOutside, Transport: policy.TCP, Addr: far.addr}
	var wg sync.WaitGroup
	conns := make([]*Conn, 50)
	for i := range conns {
		wg.Go(func() { conns[i], _ = b.Dial(t.Context(), target) })
	}
	wg.Wait()
	for _, c := range conns {
		if c == nil || c != conns[0] {
			t.Fatal("not all have the same connection")
		}
	}
	far.accepted(t)
	select {
	case <-far.conns:
		t.Error("a second connection was made")
	case <-time.After(50 * time.Millisecond):
	}
}

func TestOnesImpatienceIsNotAnothersFailure(t *testing.T) {
	b := newBench(t)
	far := newFarEnd(t, policy.TCP, nil) // TCP only: a TLS handshake with it hangs
	_, client := certificates(t)
	target := Target{Owner: "carrier", Side: policy.SideOutside, Transport: policy.TLSTransport, Addr: far.addr, TLS: client}
	hasty, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 2)
	go func() { _, err := b.Dial(hasty, target); failed <- err }()
	far.accepted(t)
	patient, stop := context.WithCancel(t.Context())
	go func() { _, err := b.Dial(patient, target); failed <- err }()
	time.Sleep(20 * time.Millisecond) // the second one waits for the first
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("first: %v", err)
	}
	far.accepted(t) // the second one tries itself
	stop()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("second: %v", err)
	}
}

func TestDialledStreamsLeaveFromTheAddressOfTheirSide(t *testing.T) {
	b := newBench(t)
	out := Listener{Side: policy.SideOutside, Transport: policy.TCP, Addr: netip.MustParseAddrPort("127.0.0.3:0")}
	b.listen(t, out, inside(policy.UDP, nil))
	far := newFarEnd(t, policy.TCP, nil)
	c := dial(t, b, Target{Owner: "carrier", Side: policy.SideOutside, Transport: policy.TCP, Addr: far.addr})
	if got := c.Local().Addr(); got != out.Addr.Addr() {
		t.Errorf("left from %v", got)
	}
}

func TestUnusableTargetsAreRefusedWithTheReason(t *testing.T) {
	b := newBench(t)
	_, client := certificates(t)
	nameless, blind, old := client.Clone(), client.Clone(), client.Clone()
	nameless.ServerName, blind.InsecureSkipVerify, old.MinVersion = "", true, 0
	at := netip.MustParseAddrPort("127.0.0.1:5061")
	for says, target := range map[string]Target{
		"no owner":                   {Transport: policy.TCP, Addr: at},
		"no address":                 {Owner: "carrier", Transport: policy.TCP},
		"no TLS configuration":       {Owner: "carrier", Transport: policy.TLSTransport, Addr: at},
		"names no server":            {Owner: "carrier", Transport: policy.TLSTransport, Addr: at, TLS: nameless},
		"verifies nobody":            {Owner: "carrier", Transport: policy.TLSTransport, Addr: at, TLS: blind},
		"older than 1.2":             {Owner: "carrier", Transport: policy.TLSTransport, Addr: at, TLS: old},
		"no UDP listener on side in": {Owner: "pbx", Side: policy.SideInside, Transport: policy.UDP, Addr: at},
		"connection refused":         {Owner: "carrier", Transport: policy.TCP, Addr: netip.MustParseAddrPort("127.0.0.1:1")},
	} {
		if _, err := b.Dial(t.Context(), target); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
}

func TestAPeerWithTheWrongCertificateIsNotReached(t *testing.T) {
	server, _ := certificates(t)
	_, client := certificates(t) // trusts another authority
	b := newBench(t)
	far := newFarEnd(t, policy.TLSTransport, server)
	_, err := b.Dial(withTimeout(t), Target{Owner: "carrier", Side: policy.SideOutside, Transport: policy.TLSTransport, Addr: far.addr, TLS: client})
	if err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("dialled: %v", err)
	}
	far.accepted(t).hungUp()
}

func TestRequestsArriveOnADialledConnectionAsItsOwners(t *testing.T) {
	b := newBench(t)
	far := newFarEnd(t, policy.TCP, nil)
	dial(t, b, Target{Owner: "carrier-a", Side: policy.SideOutside, Transport: policy.TCP, Addr: far.addr})
	p := far.accepted(t)
	p.say(p.request("INVITE", 1))
	if h := b.next(t); h.peer.Name != "carrier-a" || h.c.Dialled() != "carrier-a" {
		t.Errorf("peer %v, dialled %q", h.peer, h.c.Dialled())
	}
}

func TestDialledStreamsArePinged(t *testing.T) {
	b := newBench(t, func(o *Options) { o.Limits.Ping = 20 * time.Millisecond })
	far := newFarEnd(t, policy.TCP, nil)
	dial(t, b, Target{Owner: "carrier", Side: policy.SideOutside, Transport: policy.TCP, Addr: far.addr})
	p := far.accepted(t)
	for range 3 {
		p.SetReadDeadline(time.Now().Add(5 * time.Second))
		ping := make([]byte, 4)
		if _, err := p.r.Read(ping); err != nil || string(ping) != "\r\n\r\n" {
			t.Fatalf("%q, %v", ping, err)
		}
		p.say("\r\n")
	}
	b.nothing(t)
}

func TestPingsAreAnswered(t *testing.T) {
	b := newBench(t)
	at := b.listen(t, inside(policy.TCP, nil))
	p := connect(t, policy.TCP, at[policy.TCP], nil)
	p.say("\r\n\r\n" + p.request("OPTIONS", 1) + "\r\n\r\n")
	b.next(t)
	pong := make([]byte, 4)
	p.SetReadDeadline(time.Now().Add(5 * time.Second))
	for n := 0; n < 4; {
		m, err := p.r.Read(pong[n:])
		if err != nil {
			t.Fatal(err)
		}
		n += m
	}
	if string(pong) != "\r\n\r\n" {
		t.Errorf("heard %q", pong)
	}
}

func TestTheCertificateOfAPeerIsVisible(t *testing.T) {
	server, client := certificates(t)
	mutual := server.Clone()
	mutual.ClientAuth = tls.RequireAnyClientCert
	theirs, err := server.GetCertificate(&tls.ClientHelloInfo{})
	if err != nil {
		t.Fatal(err)
	}
	client.Certificates = []tls.Certificate{*theirs}
	b := newBench(t)
	at := b.listen(t, inside(policy.TLSTransport, mutual))
	p := connect(t, policy.TLSTransport, at[policy.TLSTransport], client)
	p.say(p.request("OPTIONS", 1))
	state := b.next(t).c.TLS()
	if state == nil || len(state.PeerCertificates) != 1 || !state.PeerCertificates[0].Equal(theirs.Leaf) {
		t.Errorf("state %+v", state)
	}
}

func TestAnswersFindTheirPeerUnlessTwoShareAnAddress(t *testing.T) {
	b := newBench(t)
	b.listen(t, inside(policy.UDP, nil))
	far := newFarEnd(t, policy.UDP, nil)
	target := Target{Owner: "one", Side: policy.SideInside, Transport: policy.UDP, Addr: far.addr}
	for _, tc := range []struct{ owner, want string }{{"one", "one"}, {"one", "one"}, {"two", ""}, {"one", ""}} {
		target.Owner = tc.owner
		c := dial(t, b, target)
		if err := c.WriteMsg(outgoing(t, c, 1)); err != nil {
			t.Fatal(err)
		}
		far.answer(t, 200)
		if h := b.next(t); h.peer != (policy.Peer{Side: policy.SideInside, Name: tc.want}) {
			t.Errorf("after %s dialled: peer %v", tc.owner, h.peer)
		}
	}
	if _, ok := any(dial(t, b, target)).(sip.Connection); !ok {
		t.Error("not a sip.Connection")
	}
}
