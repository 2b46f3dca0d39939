package trunk_test

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/access"
	"tollgate/firmware/edge"
	"tollgate/firmware/event"
	"tollgate/firmware/policy"
	"tollgate/firmware/resolve"
	"tollgate/firmware/trunk"
	"tollgate/firmware/ua"
)

// station is one end of a trunk with real sockets: an edge, and a user agent behind it.
type station struct {
	t     *testing.T
	addr  netip.AddrPort
	edge  *edge.Edge
	core  *ua.Core
	peer  policy.Peer
	calls chan call
}

// call is an INVITE that came, and by what.
type call struct {
	in        *ua.Incoming
	transport policy.Transport
}

type noFacts struct{}

func (noFacts) Tell(event.Event) {}

type noAddresses struct{}

func (noAddresses) Resolved(string, []netip.Addr) {}

// newStation listens at addr and knows one peer, who speaks from another address.
func newStation(t *testing.T, addr netip.AddrPort, from, name string, transports ...policy.Transport) *station {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	s := &station{t: t, addr: addr, peer: policy.Peer{Side: policy.SideOutside, Name: name}, calls: make(chan call, 8)}
	s.core = ua.New(func(in *ua.Incoming) {
		transport := in.Conn.(*edge.Conn).Transport()
		if err := in.Respond(in.Inbox, ua.Reply{Status: 200, Contact: "sip:x@" + addr.String(), Body: long(), ContentType: "application/sdp"}); err != nil {
			t.Error(err)
		}
		s.calls <- call{in, transport}
	}, log)
	gate := access.New(&policy.Policy{Trunks: []policy.Trunk{{
		Name: name, Domain: "carrier.example", Transport: policy.UDP, SignallingSources: []netip.Prefix{netip.MustParsePrefix(from + "/32")},
	}}}, rand.Reader)
	s.edge = edge.New(edge.Options{
		Access: gate, Sink: noFacts{}, Log: log, Handler: func(m sip.Message, c *edge.Conn, peer policy.Peer) { s.core.Receive(m, c, peer) },
	})
	var c edge.Config
	for _, tr := range transports {
		c.Listeners = append(c.Listeners, edge.Listener{Side: policy.SideOutside, Transport: tr, Addr: addr})
	}
	if err := s.edge.Set(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.edge.Close() })
	return s
}

// long is a body that makes an INVITE of more than 2,500 bytes.
func long() []byte {
	return []byte("v=0\r\n" + strings.Repeat("a=candidate:1 1 UDP 2130706431 198.51.100.2 20000 typ host\r\n", 40))
}

// Dial lets a trunk use the edge.
func (s *station) Dial(ctx context.Context, t ua.Target) (sip.Connection, error) {
	c, err := s.edge.Dial(ctx, edge.Target{Owner: t.Owner, Side: t.Side, Transport: t.Transport, Addr: t.Addr, TLS: t.TLS})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// trunkTo puts a trunk to another station into force.
func (s *station) trunkTo(far *station, oversize policy.UDPOversize) *trunk.Trunk {
	s.t.Helper()
	log := slog.New(slog.DiscardHandler)
	trunks := trunk.New(trunk.Options{
		Core: s.core, Dialer: s, Resolver: resolve.New(resolve.Options{Log: log}), Addresses: noAddresses{}, Sink: noFacts{}, Log: log,
	})
	p := policy.Trunk{
		Name: s.peer.Name, Domain: "carrier.example", OutboundProxy: policy.Hosts{far.addr.String()}, Transport: policy.UDP, UDPOversize: oversize,
		Health: policy.HealthOff, Accounts: []policy.Account{{User: "office"}},
	}
	local := func(policy.Transport) ua.Local {
		return ua.Local{Host: s.addr.Addr().String(), Port: int(s.addr.Port()), Transport: "udp"}
	}
	if err := trunks.Set(s.t.Context(), trunk.Config{Trunks: []policy.Trunk{p}, Local: local}); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { trunks.Close(context.Background()) })
	tr, _ := trunks.Trunk(p.Name)
	return tr
}

// invite calls through tr, waits for the answer, acknowledges it and hangs up. It returns the size of the INVITE.
func (s *station) invite(tr *trunk.Trunk, body []byte) int {
	s.t.Helper()
	d := ua.Draft{
		Method: sip.INVITE, URI: "sip:+33123456789@carrier.example", From: "sip:office@carrier.example", To: "sip:+33123456789@carrier.example",
		FromTag: ua.NewTag(), CallID: ua.NewCallID(), Seq: 1, Contact: tr.Local.Contact("office"), Local: tr.Local, MaxForwards: ua.MaxForwards,
		Body: body, ContentType: "application/sdp",
	}
	req, err := d.Request()
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), 20*time.Second)
	defer cancel()
	box := s.core.NewInbox()
	defer box.Close()
	dialog := d.Begin()
	box.Attach(d.CallID, d.FromTag, s.peer)
	out, err := box.Send(ctx, req, s.peer, tr.Path(), dialog, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	for {
		e, err := box.Next(ctx)
		if err != nil || e.Err != nil {
			s.t.Fatalf("no answer: %v %v", err, e.Err)
		}
		if e.Response == nil || e.Response.IsProvisional() {
			continue
		}
		if e.Response.StatusCode != 200 || len(e.Response.Body()) != len(long()) {
			s.t.Fatalf("answered %s with %d bytes of body", e.Response.StartLine(), len(e.Response.Body()))
		}
		dialog.Established(e.Response)
		break
	}
	if err := out.Ack(nil); err != nil {
		s.t.Fatal(err)
	}
	return len(req.String())
}

// expectCall checks what the far end got: the whole body, by this transport, and the ACK.
func (s *station) expectCall(body []byte, want policy.Transport) {
	s.t.Helper()
	select {
	case c := <-s.calls:
		defer c.in.Inbox.Close()
		if c.transport != want {
			s.t.Errorf("the INVITE came over %s, want %s", c.transport, want)
		}
		if string(c.in.Body()) != string(body) {
			s.t.Errorf("%d bytes of body arrived, %d were sent", len(c.in.Body()), len(body))
		}
		if via := c.in.Via().Transport; !strings.EqualFold(via, string(want)) {
			s.t.Errorf("its Via says %s over %s (RFC 3261 §18.1.1)", via, want)
		}
		ctx, cancel := context.WithTimeout(s.t.Context(), 5*time.Second)
		defer cancel()
		e, err := c.in.Inbox.Next(ctx)
		if err != nil || e.Request == nil || !e.Request.IsAck() {
			s.t.Errorf("got %+v, %v; want the ACK", e, err)
		}
	case <-time.After(10 * time.Second):
		s.t.Error("no INVITE arrived")
	}
}

// free is an address with a port that nobody has over TCP or UDP.
func free(t *testing.T, ip string) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", ip+":0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return netip.MustParseAddrPort(l.Addr().String())
}

func TestAnInviteTooLongForUDPArrivesBothWays(t *testing.T) {
	both := []policy.Transport{policy.UDP, policy.TCP}
	tests := map[string]struct {
		oversize policy.UDPOversize
		carrier  []policy.Transport // what the carrier takes
		body     []byte
		over     policy.Transport
	}{
		"over TCP":                               {policy.OversizeTCP, both, long(), policy.TCP},
		"over UDP when the carrier takes no TCP": {policy.OversizeTCP, both[:1], long(), policy.UDP},
		"in fragments when the policy says so":   {policy.OversizeFragment, both, long(), policy.UDP},
		"a short one over UDP in any case":       {policy.OversizeTCP, both, []byte("v=0\r\n"), policy.UDP},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			box := newStation(t, free(t, "127.0.0.1"), "127.0.0.2", "carrier-a", both...)
			carrier := newStation(t, free(t, "127.0.0.2"), "127.0.0.1", "box", tt.carrier...)
			for range 2 { // the second call knows what the first has learnt
				size := box.invite(box.trunkTo(carrier, tt.oversize), tt.body)
				if len(tt.body) > 100 && size < 2500 {
					t.Fatalf("the INVITE has %d bytes, the test wants 2,500", size)
				}
				carrier.expectCall(tt.body, tt.over)
			}
			// The carrier decides for itself how it sends; the box takes it either way.
			for _, oversize := range []policy.UDPOversize{policy.OversizeTCP, policy.OversizeFragment} {
				over := policy.UDP
				if oversize == policy.OversizeTCP && len(tt.body) > 100 {
					over = policy.TCP
				}
				carrier.invite(carrier.trunkTo(box, oversize), tt.body)
				box.expectCall(tt.body, over)
			}
		})
	}
}
