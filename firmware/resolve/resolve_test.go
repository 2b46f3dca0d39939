package resolve

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"tollgate/firmware/policy"
)

// shown writes an answer as name=addresses:port/priority/weight.
func shown(a Answer) string {
	var list []string
	for _, s := range a.Servers {
		list = append(list, fmt.Sprintf("%s=%v:%d/%d/%d", s.Name, s.Addrs, s.Port, s.Priority, s.Weight))
	}
	return strings.Join(list, " ")
}

func TestADomainIsFoundAsTheRFCSays(t *testing.T) {
	s := serve(t,
		// The whole way: NAPTR, SRV elsewhere, addresses elsewhere again.
		`whole.example. 60 IN NAPTR 20 10 "s" "SIP+D2U" "" _sip._udp.whole.example.`,
		`whole.example. 60 IN NAPTR 10 20 "s" "SIPS+D2T" "" _second._tcp.provider.example.`,
		`whole.example. 60 IN NAPTR 10 10 "s" "SIPS+D2T" "" _first._tcp.provider.example.`,
		`whole.example. 60 IN NAPTR 5 10 "u" "E2U+sip" "!^.*$!sip:x@y!" .`,
		`_first._tcp.provider.example. 60 IN SRV 20 0 5071 b.provider.example.`,
		`_first._tcp.provider.example. 60 IN SRV 10 5 5061 a.provider.example.`,
		`_second._tcp.provider.example. 60 IN SRV 1 0 5061 c.provider.example.`,
		`_sip._udp.whole.example. 60 IN SRV 1 0 5062 c.provider.example.`,
		`a.provider.example. 60 IN A 198.51.100.1`, `a.provider.example. 60 IN AAAA 2001:db8::1`,
		`b.provider.example. 60 IN A 198.51.100.2`, `c.provider.example. 60 IN A 198.51.100.3`,
		// SRV without NAPTR; one of its hosts is not there.
		`_sip._tcp.srv.example. 60 IN SRV 1 0 5060 gone.provider.example.`,
		`_sip._tcp.srv.example. 60 IN SRV 2 0 5070 a.provider.example.`,
		// Neither.
		`plain.example. 60 IN A 198.51.100.9`, `plain.example. 60 IN AAAA 2001:db8::9`,
		// By another name.
		`alias.example. 60 IN CNAME more.example.`, `more.example. 60 IN CNAME plain.example.`,
		// A domain that offers no service (RFC 2782), and its web server.
		`_sip._udp.none.example. 60 IN SRV 0 0 0 .`, `none.example. 60 IN A 198.51.100.10`,
		// A NAPTR whose SRV is missing falls back on the usual name.
		`half.example. 60 IN NAPTR 1 1 "s" "SIP+D2U" "" _nothing._udp.half.example.`,
		`_sip._udp.half.example. 60 IN SRV 1 0 5080 c.provider.example.`,
	)
	r, _ := resolver(s)
	tests := map[string]struct {
		q    Query
		want string // or the beginning of the error
	}{
		"NAPTR chooses the service of the transport": {Query{Host: "whole.example", Transport: policy.TLSTransport},
			"a.provider.example=[198.51.100.1 2001:db8::1]:5061/10/5 b.provider.example=[198.51.100.2]:5071/20/0"},
		"another transport":              {Query{Host: "whole.example", Transport: policy.UDP}, "c.provider.example=[198.51.100.3]:5062/1/0"},
		"IPv6 alone":                     {Query{Host: "whole.example", Transport: policy.TLSTransport, Family: IPv6}, "a.provider.example=[2001:db8::1]:5061/10/5"},
		"SRV without NAPTR":              {Query{Host: "srv.example", Transport: policy.TCP}, "a.provider.example=[198.51.100.1 2001:db8::1]:5070/2/0"},
		"neither":                        {Query{Host: "plain.example", Transport: policy.UDP, Family: IPv4}, "plain.example=[198.51.100.9]:5060/0/0"},
		"neither with TLS":               {Query{Host: "plain.example", Transport: policy.TLSTransport, Family: IPv4}, "plain.example=[198.51.100.9]:5061/0/0"},
		"a port skips SRV and NAPTR":     {Query{Host: "whole.example", Port: 5099, Transport: policy.UDP}, "find whole.example: whole.example has no address"},
		"a port":                         {Query{Host: "a.provider.example", Port: 5099, Transport: policy.UDP, Family: IPv4}, "a.provider.example=[198.51.100.1]:5099/0/0"},
		"an address":                     {Query{Host: "192.0.2.7", Transport: policy.TLSTransport}, "192.0.2.7=[192.0.2.7]:5061/0/0"},
		"an address with a port":         {Query{Host: "2001:db8::7", Port: 5070, Transport: policy.TCP}, "2001:db8::7=[2001:db8::7]:5070/0/0"},
		"capital letters":                {Query{Host: "Plain.Example", Transport: policy.UDP, Family: IPv4}, "Plain.Example=[198.51.100.9]:5060/0/0"},
		"an alias":                       {Query{Host: "alias.example", Transport: policy.UDP, Family: IPv4}, "alias.example=[198.51.100.9]:5060/0/0"},
		"a service that is not offered":  {Query{Host: "none.example", Transport: policy.UDP}, "find none.example: _sip._udp.none.example says that there is no such service"},
		"a NAPTR that leads nowhere":     {Query{Host: "half.example", Transport: policy.UDP}, "c.provider.example=[198.51.100.3]:5080/1/0"},
		"a name that does not exist":     {Query{Host: "nobody.example", Transport: policy.UDP}, "find nobody.example: nobody.example has no address"},
		"no address of the right family": {Query{Host: "b.provider.example", Transport: policy.UDP, Family: IPv6}, "find b.provider.example: b.provider.example has no address"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			a, err := r.Locate(t.Context(), tt.q)
			got := shown(a)
			if err != nil {
				got = err.Error()
				if !errors.Is(err, ErrNoServer) {
					t.Errorf("%v is not ErrNoServer, although the name server answered", err)
				}
			}
			if got != tt.want && (err == nil || !strings.HasPrefix(got, tt.want)) {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestAnAnswerIsKeptAsLongAsItLives(t *testing.T) {
	s := serve(t, `example. 600 IN SOA ns.example. me.example. 1 2 3 4 120`,
		`_sip._udp.carrier.example. 300 IN SRV 1 1 5060 a.carrier.example.`, `a.carrier.example. 40 IN A 198.51.100.1`)
	r, c := resolver(s)
	q := Query{Host: "carrier.example", Transport: policy.UDP, Family: IPv4}
	locate := func() Answer {
		t.Helper()
		a, err := r.Locate(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	if a := locate(); a.Expires.Sub(c.Now()) != 40*time.Second {
		t.Errorf("lives %v, want the 40 s of its shortest record", a.Expires.Sub(c.Now()))
	}
	asked := s.total()
	c.forward(39 * time.Second)
	if locate(); s.total() != asked {
		t.Errorf("asked %d more times within the lifetime", s.total()-asked)
	}
	s.set(t, `_sip._udp.carrier.example. 300 IN SRV 1 1 5060 a.carrier.example.`, `a.carrier.example. 40 IN A 198.51.100.2`)
	c.forward(2 * time.Second)
	if a := locate(); shown(a) != "a.carrier.example=[198.51.100.2]:5060/1/1" {
		t.Errorf("after the lifetime %s", shown(a))
	}
	// The NAPTR that does not exist lives as the SOA says, the SRV 300 s.
	if n, srv := s.count("carrier.example", dns.TypeNAPTR), s.count("_sip._udp.carrier.example", dns.TypeSRV); n != 1 || srv != 1 {
		t.Errorf("NAPTR asked %d times, SRV %d; want each once", n, srv)
	}
	c.forward(80 * time.Second)
	if locate(); s.count("carrier.example", dns.TypeNAPTR) != 2 {
		t.Error("that there is no NAPTR was believed for longer than 120 s")
	}
}

func TestAFailureOfTheNameServersLeavesWhatIsKnown(t *testing.T) {
	for name, fail := range map[string]func(*nameServer){
		"SERVFAIL": func(s *nameServer) { s.rcode = dns.RcodeServerFailure },
		"REFUSED":  func(s *nameServer) { s.rcode = dns.RcodeRefused },
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, `_sip._udp.carrier.example. 60 IN SRV 1 1 5070 a.carrier.example.`, `a.carrier.example. 60 IN A 198.51.100.1`)
			r, c := resolver(s)
			q := Query{Host: "carrier.example", Transport: policy.UDP, Family: IPv4}
			before, err := r.Locate(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			s.change(fail)
			c.forward(24 * time.Hour)
			after, err := r.Locate(t.Context(), q)
			if err != nil || shown(after) != shown(before) {
				t.Errorf("got %s, %v; want %s", shown(after), err, shown(before))
			}
			if left := after.Expires.Sub(c.Now()); left > staleLife || left <= 0 {
				t.Errorf("the name servers are asked again after %v, want within %v", left, staleLife)
			}
			s.change(func(s *nameServer) { s.rcode = 0 })
			s.set(t, `_sip._udp.carrier.example. 60 IN SRV 1 1 5070 a.carrier.example.`, `a.carrier.example. 60 IN A 198.51.100.2`)
			c.forward(staleLife)
			if a, err := r.Locate(t.Context(), q); err != nil || a.Servers[0].Addrs[0] != netip.MustParseAddr("198.51.100.2") {
				t.Errorf("after the failure %s, %v; want the new address", shown(a), err)
			}
		})
	}
}

func TestWithoutAnAnswerAboutSRVNoPortIsGuessed(t *testing.T) {
	s := serve(t, `carrier.example. 60 IN A 198.51.100.1`)
	s.change(func(s *nameServer) { s.rcode = dns.RcodeServerFailure })
	r, _ := resolver(s)
	_, err := r.Locate(t.Context(), Query{Host: "carrier.example", Transport: policy.UDP, Family: IPv4})
	if err == nil || errors.Is(err, ErrNoServer) || !strings.Contains(err.Error(), "look up SRV of _sip._udp.carrier.example: name server "+s.addr.String()+": SERVFAIL") {
		t.Errorf("got %v, want the name server's failure in words", err)
	}
	if n := s.count("carrier.example", dns.TypeA); n != 0 {
		t.Error("the address was asked for all the same")
	}
	asked := s.total()
	if _, err := r.Locate(t.Context(), Query{Host: "carrier.example", Transport: policy.UDP, Family: IPv4}); err == nil || s.total() != asked {
		t.Errorf("the failing name server was asked again at once (%d more), %v", s.total()-asked, err)
	}
}

func TestTheNextNameServerAnswersWhenOneDoesNot(t *testing.T) {
	dead, failing := serve(t), serve(t)
	dead.change(func(s *nameServer) { s.silent = true })
	failing.change(func(s *nameServer) { s.rcode = dns.RcodeServerFailure })
	good := serve(t, `carrier.example. 60 IN A 198.51.100.1`)
	r, _ := resolver(failing, dead, good)
	start := time.Now()
	a, err := r.Locate(t.Context(), Query{Host: "carrier.example", Port: 5060, Transport: policy.UDP, Family: IPv4})
	if err != nil || shown(a) != "carrier.example=[198.51.100.1]:5060/0/0" {
		t.Errorf("got %s, %v", shown(a), err)
	}
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("took %v", took)
	}
	r.Use([]netip.AddrPort{good.addr})
	if _, err := r.Locate(t.Context(), Query{Host: "other.example", Port: 5060, Transport: policy.UDP, Family: IPv4}); !errors.Is(err, ErrNoServer) {
		t.Errorf("after the change of name servers: %v, want ErrNoServer from the good one", err)
	}
}

func TestANameServerThatDropsNAPTRQuestionsDoesNotHideTheCarrier(t *testing.T) {
	s := serve(t, `_sip._udp.carrier.example. 60 IN SRV 1 1 5070 a.carrier.example.`, `a.carrier.example. 60 IN A 198.51.100.1`)
	s.change(func(s *nameServer) { s.drops = dns.TypeNAPTR })
	r, _ := resolver(s)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	a, err := r.Locate(ctx, Query{Host: "carrier.example", Transport: policy.UDP, Family: IPv4})
	if err != nil || shown(a) != "a.carrier.example=[198.51.100.1]:5070/1/1" {
		t.Errorf("got %s, %v", shown(a), err)
	}
}

func TestADeadNameServerCostsTimeOnce(t *testing.T) {
	dead := serve(t)
	dead.change(func(s *nameServer) { s.silent = true })
	good := serve(t, `_sip._udp.carrier.example. 60 IN SRV 1 1 5070 a.carrier.example.`, `a.carrier.example. 60 IN A 198.51.100.1`)
	r, _ := resolver(dead, good)
	start := time.Now()
	a, err := r.Locate(t.Context(), Query{Host: "carrier.example", Transport: policy.UDP, Family: IPv4})
	if err != nil || shown(a) != "a.carrier.example=[198.51.100.1]:5070/1/1" {
		t.Errorf("got %s, %v", shown(a), err)
	}
	if took := time.Since(start); took > 2*tryTimeout || dead.total() != 1 {
		t.Errorf("three questions took %v, %d of them to the dead name server", took, dead.total())
	}
}

func TestLongAnswersAndOldNameServers(t *testing.T) {
	var zone []string
	for i := range 12 {
		zone = append(zone, fmt.Sprintf("carrier.example. 60 IN A 198.51.100.%d", i))
	}
	for name, change := range map[string]func(*nameServer){
		"an answer too long for a datagram": func(s *nameServer) { s.tooLong = true },
		"a name server without EDNS":        func(s *nameServer) { s.noEDNS = true },
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, zone...)
			s.change(change)
			r, _ := resolver(s)
			a, err := r.Locate(t.Context(), Query{Host: "carrier.example", Port: 5060, Transport: policy.UDP, Family: IPv4})
			if err != nil || len(a.Addrs()) != 12 {
				t.Errorf("got %s, %v; want 12 addresses", shown(a), err)
			}
		})
	}
}

func TestOneQuestionIsAskedOnceAtATime(t *testing.T) {
	s := serve(t, `carrier.example. 60 IN A 198.51.100.1`)
	r, _ := resolver(s)
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if _, err := r.Locate(t.Context(), Query{Host: "carrier.example", Port: 5060, Transport: policy.UDP, Family: IPv4}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := s.count("carrier.example", dns.TypeA); n != 1 {
		t.Errorf("asked %d times for 50 calls at once", n)
	}
}

func TestImpatienceOfOneCallerIsNobodyElsesAnswer(t *testing.T) {
	s := serve(t, `carrier.example. 60 IN A 198.51.100.1`)
	s.change(func(s *nameServer) { s.silent = true })
	r, _ := resolver(s)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	q := Query{Host: "carrier.example", Port: 5060, Transport: policy.UDP, Family: IPv4}
	if _, err := r.Locate(ctx, q); err == nil {
		t.Fatal("an answer from a silent name server")
	}
	s.change(func(s *nameServer) { s.silent = false })
	if _, err := r.Locate(t.Context(), q); err != nil {
		t.Errorf("the next caller, who waits for the same question, got %v", err)
	}
}

func TestPriorityThenWeightDecideTheOrder(t *testing.T) {
	addr := func(n byte) []netip.Addr { return []netip.Addr{netip.AddrFrom4([4]byte{198, 51, 100, n})} }
	a := Answer{Servers: []Server{
		{Addrs: addr(9), Port: 5060, Priority: 20, Weight: 100},
		{Addrs: addr(1), Port: 5060, Priority: 10, Weight: 60},
		{Addrs: addr(2), Port: 5060, Priority: 10, Weight: 30},
		{Addrs: addr(3), Port: 5060, Priority: 10, Weight: 10},
		{Addrs: addr(4), Port: 5060, Priority: 10, Weight: 0},
	}}
	r, _ := resolver()
	first := map[netip.Addr]int{}
	const draws = 20000
	for range draws {
		order := a.Order(r.random)
		if len(order) != 5 || order[4].Addr() != addr(9)[0] {
			t.Fatalf("order %v: the higher priority is not last", order)
		}
		first[order[0].Addr()]++
	}
	for n, share := range map[byte]float64{1: .60, 2: .30, 3: .10, 4: .01} {
		if got := float64(first[addr(n)[0]]) / draws; got < share-0.02 || got > share+0.02 {
			t.Errorf("server %d comes first in %.3f of the draws, want %.2f", n, got, share)
		}
	}
}

func TestServersOfOneNameKeepTheirOrderAndAppearOnce(t *testing.T) {
	x, y := netip.MustParseAddr("198.51.100.1"), netip.MustParseAddr("2001:db8::1")
	a := Answer{Servers: []Server{{Addrs: []netip.Addr{x, y}, Port: 5060}, {Addrs: []netip.Addr{y}, Port: 5060, Priority: 5}, {Addrs: []netip.Addr{x}, Port: 5070, Priority: 5}}}
	got := a.Order(func(uint64) uint64 { return 0 })
	want := []netip.AddrPort{netip.AddrPortFrom(x, 5060), netip.AddrPortFrom(y, 5060), netip.AddrPortFrom(x, 5070)}
	if !slices.Equal(got, want) {
		t.Errorf("order %v, want %v", got, want)
	}
	if got := a.Addrs(); !slices.Equal(got, []netip.Addr{x, y}) {
		t.Errorf("addresses %v", got)
	}
}

func TestTheSystemsNameServersAreUsedWhenNoneAreGiven(t *testing.T) {
	file := filepath.Join(t.TempDir(), "resolv.conf")
	for text, want := range map[string]string{
		"# made by a lease\nsearch office.example\nnameserver 192.0.2.53\nnameserver 2001:db8::53\n": "[192.0.2.53:53 [2001:db8::53]:53] <nil>",
		"search office.example\n": "[] " + file + " names no name server: write network.dns_servers",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		list, err := systemServers(file)
		if got := fmt.Sprint(list, err); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
	if _, err := systemServers(file + ".not"); err == nil {
		t.Error("no error without a file")
	}
}

func FuzzAnAnswerOfAnyShapeIsRead(f *testing.F) {
	seed := new(dns.Msg)
	seed.SetQuestion("a.example.", dns.TypeA)
	for _, line := range []string{"a.example. 5 IN CNAME b.example.", "b.example. 5 IN A 198.51.100.1"} {
		rr, err := dns.NewRR(line)
		if err != nil {
			f.Fatal(err)
		}
		seed.Answer = append(seed.Answer, rr)
	}
	b, err := seed.Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	r, c := resolver()
	f.Fuzz(func(t *testing.T, b []byte) {
		m := new(dns.Msg)
		if m.Unpack(b) != nil {
			return
		}
		e := r.read(question{"a.example.", dns.TypeA}, m)
		if left := e.expires.Sub(c.Now()); left < shortestLife || left > longestLife {
			t.Errorf("kept for %v", left)
		}
		for _, rr := range e.records {
			if rr.Header().Rrtype != dns.TypeA {
				t.Errorf("took %s for an address", rr)
			}
		}
	})
}
