package resolve

import (
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// nameServer is a real name server on loopback that serves the records of a test.
type nameServer struct {
	addr netip.AddrPort

	mu      sync.Mutex // guards everything below
	records map[question][]dns.RR
	rcode   int    // answered instead, when not 0
	silent  bool   // no answer at all
	tooLong bool   // over UDP only a truncated answer
	noEDNS  bool   // FORMERR to a question with EDNS
	drops   uint16 // no answer to this kind of question
	asked   map[question]int
}

// serve starts a name server with records in zone file form.
func serve(t *testing.T, zone ...string) *nameServer {
	t.Helper()
	s := &nameServer{asked: map[question]int{}}
	s.set(t, zone...)
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", pc.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	s.addr = netip.MustParseAddrPort(pc.LocalAddr().String())
	var started, running sync.WaitGroup
	servers := []*dns.Server{
		{PacketConn: pc, Handler: s, NotifyStartedFunc: started.Done}, {Listener: l, Handler: s, NotifyStartedFunc: started.Done},
	}
	for _, d := range servers {
		started.Add(1)
		running.Go(func() { _ = d.ActivateAndServe() })
	}
	started.Wait()
	t.Cleanup(func() {
		for _, d := range servers {
			if err := d.Shutdown(); err != nil {
				t.Error(err)
			}
		}
		running.Wait()
	})
	return s
}

// set replaces the records.
func (s *nameServer) set(t *testing.T, zone ...string) {
	t.Helper()
	records := map[question][]dns.RR{}
	for _, line := range zone {
		rr, err := dns.NewRR(line)
		if err != nil {
			t.Fatal(err)
		}
		q := question{strings.ToLower(rr.Header().Name), rr.Header().Rrtype}
		records[q] = append(records[q], rr)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records = records
}

// change changes how the server behaves.
func (s *nameServer) change(f func(*nameServer)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s)
}

func (s *nameServer) count(name string, kind uint16) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[question{dns.Fqdn(name), kind}]
}

func (s *nameServer) total() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.asked {
		n += c
	}
	return n
}

// ServeDNS answers as a recursive server does: with the CNAMEs on the way, and with the zone's SOA when there is nothing.
func (s *nameServer) ServeDNS(w dns.ResponseWriter, ask *dns.Msg) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := question{strings.ToLower(ask.Question[0].Name), ask.Question[0].Qtype}
	s.asked[q]++
	if s.silent || s.drops == q.kind {
		return
	}
	m := new(dns.Msg)
	m.SetReply(ask)
	_, overUDP := w.RemoteAddr().(*net.UDPAddr)
	switch {
	case s.noEDNS && ask.IsEdns0() != nil:
		m.Rcode = dns.RcodeFormatError
	case s.rcode != 0:
		m.Rcode = s.rcode
	case s.tooLong && overUDP:
		m.Truncated = true
	default:
		s.fill(m, q)
	}
	_ = w.WriteMsg(m)
}

func (s *nameServer) fill(m *dns.Msg, q question) {
	for name := q.name; ; {
		m.Answer = append(m.Answer, s.records[question{name, q.kind}]...)
		alias := s.records[question{name, dns.TypeCNAME}]
		if len(alias) == 0 {
			break
		}
		m.Answer = append(m.Answer, alias...)
		name = alias[0].(*dns.CNAME).Target
	}
	if len(m.Answer) == 0 {
		m.Rcode = dns.RcodeNameError
		m.Ns = append(m.Ns, s.records[question{"example.", dns.TypeSOA}]...)
	}
}

// clock is a clock that a test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func resolver(servers ...*nameServer) (*Resolver, *clock) {
	c := &clock{now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	o := Options{Log: slog.New(slog.DiscardHandler), Now: c.Now}
	for _, s := range servers {
		o.Servers = append(o.Servers, s.addr)
	}
	return New(o), c
}
