package trunk_test

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"tollgate/firmware/policy"
	"tollgate/firmware/resolve"
	"tollgate/firmware/trunk"
	"tollgate/firmware/ua"
)

// zone is a name server on loopback.
type zone struct {
	mu      sync.Mutex
	records []dns.RR
	broken  bool
}

func (z *zone) ServeDNS(w dns.ResponseWriter, ask *dns.Msg) {
	z.mu.Lock()
	defer z.mu.Unlock()
	m := new(dns.Msg)
	m.SetReply(ask)
	if z.broken {
		m.Rcode = dns.RcodeServerFailure
	}
	for _, rr := range z.records {
		if rr.Header().Name == ask.Question[0].Name && rr.Header().Rrtype == ask.Question[0].Qtype && !z.broken {
			m.Answer = append(m.Answer, rr)
		}
	}
	_ = w.WriteMsg(m)
}

func (z *zone) set(t *testing.T, lines ...string) {
	t.Helper()
	var records []dns.RR
	for _, l := range lines {
		rr, err := dns.NewRR(l)
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, rr)
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	z.records = records
}

func serveZone(t *testing.T) (*zone, netip.AddrPort) {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	z := &zone{}
	started := make(chan struct{})
	server := &dns.Server{PacketConn: pc, Handler: z, NotifyStartedFunc: func() { close(started) }}
	var running sync.WaitGroup
	running.Go(func() { _ = server.ActivateAndServe() })
	<-started
	t.Cleanup(func() {
		if err := server.Shutdown(); err != nil {
			t.Error(err)
		}
		running.Wait()
	})
	return z, netip.MustParseAddrPort(pc.LocalAddr().String())
}

// heard collects the addresses told to the filter.
type heard struct {
	mu   sync.Mutex
	last []netip.Addr
}

func (h *heard) Resolved(_ string, addrs []netip.Addr) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last = addrs
}

func (h *heard) get() []netip.Addr {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.last)
}

// TestATrunkFollowsItsNames goes the whole way: NAPTR, SRV and addresses from a name server, connections to the servers.
func TestATrunkFollowsItsNames(t *testing.T) {
	first := newStation(t, free(t, "127.0.0.2"), "127.0.0.1", "box", policy.TCP)
	second := newStation(t, free(t, "127.0.0.3"), "127.0.0.1", "box", policy.TCP)
	z, server := serveZone(t)
	port := func(s *station) string { return s.addr.String()[len("127.0.0.2:"):] }
	z.set(t, `carrier.example. 5 IN NAPTR 10 10 "s" "SIP+D2T" "" _calls._tcp.provider.example.`,
		`_calls._tcp.provider.example. 5 IN SRV 10 0 `+port(first)+` one.provider.example.`,
		`_calls._tcp.provider.example. 5 IN SRV 20 0 `+port(second)+` two.provider.example.`,
		`one.provider.example. 5 IN A 127.0.0.2`, `two.provider.example. 5 IN A 127.0.0.3`)

	box := newStation(t, free(t, "127.0.0.1"), "127.0.0.2", "carrier-a", policy.TCP)
	log := slog.New(slog.DiscardHandler)
	addrs := &heard{}
	trunks := trunk.New(trunk.Options{
		Core: box.core, Dialer: box, Resolver: resolve.New(resolve.Options{Log: log, Servers: []netip.AddrPort{server}}),
		Addresses: addrs, Sink: noFacts{}, Log: log,
	})
	p := policy.Trunk{
		Name: "carrier-a", Domain: "carrier.example", OutboundProxy: policy.Hosts{"carrier.example"}, Transport: policy.TCP,
		Health: policy.HealthOff, Accounts: []policy.Account{{User: "office"}},
	}
	local := func(policy.Transport) ua.Local {
		return ua.Local{Host: "127.0.0.1", Port: int(box.addr.Port()), Transport: "tcp"}
	}
	if err := trunks.Set(t.Context(), trunk.Config{Trunks: []policy.Trunk{p}, Local: local}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { trunks.Close(context.Background()) })
	tr, _ := trunks.Trunk("carrier-a")

	box.invite(tr, long())
	first.expectCall(long(), policy.TCP)
	if got := addrs.get(); !slices.Equal(got, []netip.Addr{netip.MustParseAddr("127.0.0.2"), netip.MustParseAddr("127.0.0.3")}) {
		t.Errorf("the filter was told %v", got)
	}
	first.edge.Close()
	z.mu.Lock()
	z.broken = true // and nobody can be asked
	z.mu.Unlock()
	// The edge notices the loss when it reads; until then its connection counts as alive.
	for deadline := time.Now().Add(5 * time.Second); tr.State().Members[0].Addr.Addr() != second.addr.Addr(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("calls go to %v", tr.State().Members)
		}
		if _, err := tr.Path().Conn(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	box.invite(tr, long())
	second.expectCall(long(), policy.TCP)
	if got := len(addrs.get()); got != 2 {
		t.Errorf("after the failure of the name server %d addresses may speak, want 2", got)
	}
}
