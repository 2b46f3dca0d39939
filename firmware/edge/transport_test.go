package edge

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/policy"
)

// each runs a test over UDP, TCP and TLS against a box that listens inside.
func each(t *testing.T, f func(t *testing.T, b *bench, p *peer)) {
	for _, tr := range []policy.Transport{policy.UDP, policy.TCP, policy.TLSTransport} {
		t.Run(string(tr), func(t *testing.T) {
			server, client := certificates(t)
			if tr != policy.TLSTransport {
				server = nil
			}
			b := newBench(t)
			at := b.listen(t, inside(tr, server))
			f(t, b, connect(t, tr, at[tr], client))
		})
	}
}

func TestARequestIsHandedOnAndItsTransactionAnswers(t *testing.T) {
	each(t, func(t *testing.T, b *bench, p *peer) {
		p.say(p.request("OPTIONS", 1))
		h := b.next(t)
		req := h.m.(*sip.Request)
		if h.peer != (policy.Peer{Side: policy.SideInside, Name: policy.PeerPBX}) {
			t.Errorf("peer %v", h.peer)
		}
		if h.c.Side() != policy.SideInside || h.c.Remote().String() != p.LocalAddr().String() || h.c.Local().String() != p.RemoteAddr().String() || h.c.Dialled() != "" {
			t.Errorf("connection %v, local %v, dialled %q", h.c, h.c.Local(), h.c.Dialled())
		}
		if req.Transport() != p.transport() || req.Source() != p.LocalAddr().String() {
			t.Errorf("transport %s, source %s", req.Transport(), req.Source())
		}
		if (h.c.TLS() != nil) != (p.transport() == "TLS") {
			t.Errorf("TLS state %v", h.c.TLS())
		}
		key, err := sip.ServerTxKeyMake(req)
		if err != nil {
			t.Fatal(err)
		}
		tx := sip.NewServerTx(key, req, h.c, quiet())
		if err := tx.Init(); err != nil {
			t.Fatal(err)
		}
		defer tx.Terminate()
		if err := tx.Respond(sip.NewResponseFromRequest(req, 200, "OK", nil)); err != nil {
			t.Fatal(err)
		}
		answer := p.hear()
		port := p.LocalAddr().(interface{ AddrPort() netip.AddrPort }).AddrPort().Port()
		if !strings.HasPrefix(answer, "SIP/2.0 200 OK\r\n") ||
			!strings.Contains(headerOf(answer, "Via"), fmt.Sprintf("rport=%d", port)) || !strings.Contains(headerOf(answer, "Via"), "received=127.0.0.1") {
			t.Errorf("answer\n%s", answer)
		}
	})
}

func TestAClientTransactionReachesAPeerAndHearsIt(t *testing.T) {
	server, client := certificates(t)
	for _, tr := range []policy.Transport{policy.UDP, policy.TCP, policy.TLSTransport} {
		t.Run(string(tr), func(t *testing.T) {
			b := newBench(t)
			b.listen(t, inside(policy.UDP, nil))
			far := newFarEnd(t, tr, server)
			target := Target{Owner: policy.PeerPBX, Side: policy.SideInside, Transport: tr, Addr: far.addr}
			if tr == policy.TLSTransport {
				target.TLS = client
			}
			c, err := b.Dial(withTimeout(t), target)
			if err != nil {
				t.Fatal(err)
			}
			if c.Dialled() != policy.PeerPBX || c.Remote() != far.addr {
				t.Errorf("dialled %q at %v", c.Dialled(), c.Remote())
			}
			req := outgoing(t, c, 1)
			key, err := sip.ClientTxKeyMake(req)
			if err != nil {
				t.Fatal(err)
			}
			tx := sip.NewClientTx(key, req, c, quiet())
			if err := tx.Init(); err != nil {
				t.Fatal(err)
			}
			defer tx.Terminate()
			far.answer(t, 200)
			h := b.next(t)
			if res := h.m.(*sip.Response); res.StatusCode != 200 || h.peer != (policy.Peer{Side: policy.SideInside, Name: policy.PeerPBX}) {
				t.Errorf("%d from %v", res.StatusCode, h.peer)
			}
			go tx.Receive(h.m.(*sip.Response))
			if res := <-tx.Responses(); res.StatusCode != 200 {
				t.Errorf("transaction heard %d", res.StatusCode)
			}
		})
	}
}

// outgoing is a request of the box, without Content-Length.
func outgoing(t *testing.T, c *Conn, n int) *sip.Request {
	t.Helper()
	var uri sip.Uri
	if err := sip.ParseUri("sip:pbx@127.0.0.1", &uri); err != nil {
		t.Fatal(err)
	}
	req := sip.NewRequest(sip.OPTIONS, uri)
	for _, h := range []string{
		"Via|SIP/2.0/" + c.network() + " " + c.Local().String() + ";rport;branch=z9hG4bKbox" + fmt.Sprint(n),
		"From|<sip:box@127.0.0.1>;tag=box", "To|<sip:pbx@127.0.0.1>", "Call-ID|out-" + fmt.Sprint(n), "CSeq|1 OPTIONS",
	} {
		name, value, _ := strings.Cut(h, "|")
		req.AppendHeader(sip.NewHeader(name, value))
	}
	req.SetTransport(c.network())
	req.Via()
	return req
}

func Test2000MessagesOnOneConnectionArriveInOrder(t *testing.T) {
	each(t, func(t *testing.T, b *bench, p *peer) {
		n := 2000
		if p.transport() == "UDP" {
			n = 200 // what a socket buffer of any machine holds
		}
		go func() {
			for i := range n {
				p.say(p.request("INFO", i+1))
			}
		}()
		for i := range n {
			if got := b.next(t).m.CSeq().SeqNo; got != uint32(i+1) {
				t.Fatalf("message %d arrived in place %d", got, i+1)
			}
		}
	})
}

func TestMessagesOf60000BytesPassBothWays(t *testing.T) {
	each(t, func(t *testing.T, b *bench, p *peer) {
		body := strings.Repeat("x", 60000)
		p.say(strings.Replace(p.request("MESSAGE", 1), "Content-Length: 0\r\n\r\n", "Content-Length: 60000\r\n\r\n"+body, 1))
		h := b.next(t)
		if got := string(h.m.Body()); got != body {
			t.Fatalf("%d bytes arrived", len(got))
		}
		res := sip.NewResponseFromRequest(h.m.(*sip.Request), 200, "OK", []byte(body))
		if err := h.c.WriteMsg(res); err != nil {
			t.Fatal(err)
		}
		if answer := p.hear(); !strings.HasSuffix(answer, body) {
			t.Errorf("answer of %d bytes", len(answer))
		}
		res.SetBody([]byte(strings.Repeat("x", 65000)))
		if err := h.c.WriteMsg(res); err == nil {
			t.Error("a message larger than a datagram was sent")
		}
		p.silent()
	})
}

func TestBothFamiliesOfAddressesWork(t *testing.T) {
	b := newBench(t)
	at := netip.MustParseAddrPort("[::1]:0")
	if l, err := net.Listen("tcp6", at.String()); err != nil {
		t.Skipf("this machine has no IPv6 loopback: %v", err)
	} else {
		l.Close()
	}
	listeners := b.listen(t, Listener{Side: policy.SideInside, Transport: policy.UDP, Addr: at}, Listener{Side: policy.SideInside, Transport: policy.TCP, Addr: at})
	for _, tr := range []policy.Transport{policy.UDP, policy.TCP} {
		p := connect(t, tr, listeners[tr], nil)
		p.say(p.request("OPTIONS", 1))
		h := b.next(t)
		if err := h.c.WriteMsg(sip.NewResponseFromRequest(h.m.(*sip.Request), 200, "OK", nil)); err != nil {
			t.Fatal(err)
		}
		if via := headerOf(p.hear(), "Via"); !strings.Contains(via, "received=::1") {
			t.Errorf("%s: Via %s", tr, via)
		}
		c := dial(t, b, Target{Owner: "pbx", Side: policy.SideInside, Transport: tr, Addr: listeners[tr]})
		if err := c.WriteMsg(outgoing(t, c, 1)); err != nil {
			t.Fatal(err)
		}
		b.next(t)
	}
}

func BenchmarkADatagramIsHandedOn(b *testing.B) {
	e := New(Options{Access: &rules{}, Sink: &sink{}, Log: quiet(), Handler: func(sip.Message, *Conn, policy.Peer) {}})
	defer e.Close()
	u := &udpSocket{edge: e}
	u.shared.Store(&sharing{sides: map[policy.Side]*tls.Config{policy.SideInside: nil}})
	datagram, from := []byte(good), netip.MustParseAddrPort("192.0.2.1:5060")
	b.ReportAllocs()
	for b.Loop() {
		u.datagram(datagram, from)
	}
}

func TestOneSocketServesBothSidesBySource(t *testing.T) {
	server, client := certificates(t)
	sideOf := func(a netip.Addr) policy.Side {
		if a == netip.MustParseAddr("127.0.0.1") {
			return policy.SideInside
		}
		return policy.SideOutside
	}
	for _, tr := range []policy.Transport{policy.UDP, policy.TCP, policy.TLSTransport} {
		t.Run(string(tr), func(t *testing.T) {
			b := newBench(t)
			in, out := inside(tr, server), inside(tr, server)
			out.Side = policy.SideOutside
			if err := b.Set(t.Context(), Config{Listeners: []Listener{in, out}}); err == nil {
				t.Error("both sides on one socket without a rule which source is on which")
			}
			if err := b.Set(t.Context(), Config{Listeners: []Listener{in, out}, SideOf: sideOf}); err != nil {
				t.Fatal(err)
			}
			l := b.Listening()
			if len(l) != 2 || l[0].Addr != l[1].Addr {
				t.Fatalf("listening %v", l)
			}
			for host, want := range map[string]policy.Peer{
				"127.0.0.1": {Side: policy.SideInside, Name: policy.PeerPBX},
				"127.0.0.2": {Side: policy.SideOutside, Name: "carrier"},
			} {
				p := connectFrom(t, tr, host, l[0].Addr, client)
				p.say(p.request("OPTIONS", 1))
				h := b.next(t)
				if h.peer != want || h.c.Side() != want.Side {
					t.Errorf("%s is %v on side %s, want %v", host, h.peer, h.c.Side(), want)
				}
				if err := h.c.WriteMsg(sip.NewResponseFromRequest(h.m.(*sip.Request), 200, "OK", nil)); err != nil {
					t.Fatal(err)
				}
				p.hear()
			}
			c, err := b.Dial(withTimeout(t), Target{Owner: "carrier", Side: policy.SideOutside, Transport: policy.UDP, Addr: netip.MustParseAddrPort("127.0.0.2:9")})
			if tr == policy.UDP && (err != nil || c.Side() != policy.SideOutside || c.Local() != l[0].Addr) {
				t.Errorf("dialled to the outside: %v, %v", c, err)
			}
		})
	}
}

func TestAPeerThatNeverReadsStallsNobody(t *testing.T) {
	b := newBench(t, func(o *Options) { o.Limits.Write = 5 * time.Second })
	server, client := certificates(t)
	at := b.listen(t, inside(policy.TCP, nil), inside(policy.TLSTransport, server))
	for _, tr := range []policy.Transport{policy.TCP, policy.TLSTransport} {
		deaf, other := connect(t, tr, at[tr], client), connect(t, tr, at[tr], client)
		deaf.say(deaf.request("OPTIONS", 1))
		h := b.next(t)
		res := sip.NewResponseFromRequest(h.m.(*sip.Request), 200, "OK", []byte(strings.Repeat("x", 30000)))
		for i := 0; ; i++ {
			start := time.Now()
			err := h.c.WriteMsg(res)
			if d := time.Since(start); d > 2500*time.Millisecond {
				t.Fatalf("%s: write %d took %v", tr, i, d)
			}
			if err != nil {
				break
			}
			if i > 10000 {
				t.Fatalf("%s: 300 MB were queued for a peer that does not read", tr)
			}
		}
		other.say(other.request("OPTIONS", 2))
		g := b.next(t)
		if err := g.c.WriteMsg(sip.NewResponseFromRequest(g.m.(*sip.Request), 200, "OK", nil)); err != nil {
			t.Fatal(err)
		}
		other.hear()
		select {
		case <-h.c.Done():
		case <-time.After(5 * time.Second):
			t.Errorf("%s: the deaf peer keeps its connection", tr)
		}
	}
}

// connectFrom connects from a given address of loopback.
func connectFrom(t *testing.T, tr policy.Transport, host string, to netip.AddrPort, config *tls.Config) *peer {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(host)}}
	network := "tcp"
	if tr == policy.UDP {
		d.LocalAddr, network = &net.UDPAddr{IP: net.ParseIP(host)}, "udp"
	}
	c, err := d.Dial(network, to.String())
	if err != nil {
		t.Fatal(err)
	}
	if tr == policy.TLSTransport {
		c = tls.Client(c, config)
	}
	return newPeer(t, c)
}
