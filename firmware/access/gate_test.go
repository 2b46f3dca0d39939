package access

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/policy"
)

var (
	noon    = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	pbx     = policy.Peer{Side: policy.SideInside, Name: policy.PeerPBX}
	carrier = policy.Peer{Side: policy.SideOutside, Name: "carrier-a"}
)

// office is a policy with a PBX known by its address and two carriers, one over TLS.
func office() *policy.Policy {
	return &policy.Policy{
		Site:    policy.Site{Country: "FR"},
		Network: policy.Network{Gateway: netip.MustParseAddr("192.0.2.1")},
		PBX: policy.PBX{
			Address: netip.MustParseAddrPort("192.0.2.10:5060"), Transport: policy.UDP,
			Sources:        []netip.Prefix{netip.MustParsePrefix("192.0.2.10/32"), netip.MustParsePrefix("2001:db8::10/128")},
			Authentication: policy.AuthAddress,
		},
		Trunks: []policy.Trunk{
			{
				Name: "carrier-a", Domain: "carrier-a.example", Registrar: "sip.carrier-a.example", Transport: policy.TLSTransport,
				SignallingSources: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/25")},
			},
			{Name: "carrier-b", Domain: "carrier-b.example", Registrar: "198.51.100.200:5060", Transport: policy.UDP},
		},
	}
}

func from(side policy.Side, transport policy.Transport, addr string) Source {
	return Source{Side: side, Transport: transport, Addr: netip.AddrPortFrom(netip.MustParseAddr(addr), 5060)}
}

// request builds a request as it comes from the parser.
func request(t testing.TB, method, uri string, headers ...string) *sip.Request {
	t.Helper()
	return requestFrom(t, method, uri, append([]string{"From: <sip:100@pbx.example>;tag=1"}, headers...)...)
}

// requestFrom is request with a From among the headers, or none.
func requestFrom(t testing.TB, method, uri string, headers ...string) *sip.Request {
	t.Helper()
	text := fmt.Sprintf("%s %s SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n"+
		"Call-ID: c1\r\nCSeq: 1 %s\r\n", method, uri, method)
	if !strings.Contains(strings.Join(headers, "\n"), "To: ") {
		headers = append(headers, "To: <"+uri+">")
	}
	for _, h := range headers {
		text += h + "\r\n"
	}
	m, err := sip.ParseMessage([]byte(text + "Content-Length: 0\r\n\r\n"))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return m.(*sip.Request)
}

func TestTheSourceTellsWhoSpeaks(t *testing.T) {
	g := New(office(), rand.Reader)
	g.SetResolved("carrier-b", []netip.Addr{netip.MustParseAddr("203.0.113.7"), netip.MustParseAddr("::ffff:203.0.113.8")})
	in, out := policy.SideInside, policy.SideOutside
	for _, c := range []struct {
		source Source
		peer   string // "": unknown
	}{
		{from(in, policy.UDP, "192.0.2.10"), "pbx"},
		{from(in, policy.TCP, "192.0.2.10"), "pbx"},
		{from(in, policy.TLSTransport, "192.0.2.10"), "pbx"},
		{from(in, policy.UDP, "::ffff:192.0.2.10"), "pbx"},
		{from(in, policy.UDP, "2001:db8::10"), "pbx"},
		{from(in, policy.UDP, "192.0.2.11"), ""},
		{from(out, policy.UDP, "192.0.2.10"), ""}, // the PBX's address on the wrong side
		{from(out, policy.TLSTransport, "198.51.100.1"), "carrier-a"},
		{from(in, policy.TLSTransport, "198.51.100.1"), ""},
		{from(out, policy.TLSTransport, "198.51.100.128"), ""},
		{from(out, policy.UDP, "198.51.100.200"), "carrier-b"}, // the registrar's own address
		{from(out, policy.UDP, "203.0.113.7"), "carrier-b"},
		{from(out, policy.UDP, "203.0.113.8"), "carrier-b"},
		{from(out, policy.UDP, "::ffff:203.0.113.7"), "carrier-b"},
		{from(out, policy.UDP, "203.0.113.9"), ""},
		{Source{Side: out, Transport: policy.TLSTransport, Addr: netip.MustParseAddrPort("203.0.113.99:5061"), Dialled: "carrier-a"}, "carrier-a"},
		{Source{Side: out, Transport: policy.TLSTransport, Addr: netip.MustParseAddrPort("198.51.100.1:5061"), Dialled: "carrier-b"}, "carrier-b"},
		{Source{Side: out, Transport: policy.TLSTransport, Addr: netip.MustParseAddrPort("198.51.100.1:5061"), Dialled: "gone"}, ""},
		{Source{Side: in, Transport: policy.TCP, Addr: netip.MustParseAddrPort("192.0.2.99:5060"), Dialled: "pbx"}, "pbx"},
		{Source{Side: out, Transport: policy.TCP, Addr: netip.MustParseAddrPort("192.0.2.99:5060"), Dialled: "pbx"}, ""},
		{Source{Side: out, Transport: policy.UDP}, ""},
		{Source{Side: in, Transport: policy.UDP}, ""},
	} {
		v := g.Identify(noon, c.source, request(t, "INVITE", "sip:0123456789@192.0.2.2"))
		if known := g.Known(c.source); known != (c.peer != "") {
			t.Errorf("%+v: known %v, want peer %q", c.source, known, c.peer)
		}
		want := Verdict{Action: Accept, Peer: policy.Peer{Side: c.source.Side, Name: c.peer}}
		if c.peer == "" {
			if v.Action != Drop || v.Rule != RuleUnknownSource || v.Reason == "" || v.Peer != (policy.Peer{}) || v.Status != 0 {
				t.Errorf("%+v: %+v, want it dropped", c.source, v)
			}
			continue
		}
		if v.Action != want.Action || v.Peer != want.Peer || v.Rule != "" {
			t.Errorf("%+v: %+v, want %+v", c.source, v, want)
		}
		if !g.Belongs(c.source, want.Peer) || g.Belongs(c.source, policy.Peer{Side: c.source.Side, Name: "other"}) {
			t.Errorf("%+v does not belong to %s alone", c.source, c.peer)
		}
	}
}

func TestTheGatewaysOwnAddressIsNeverInside(t *testing.T) {
	p := office()
	p.PBX.Sources = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	g := New(p, rand.Reader)
	if !g.Known(from(policy.SideInside, policy.UDP, "192.0.2.77")) {
		t.Error("an address of the PBX's network is unknown")
	}
	for _, addr := range []string{"192.0.2.1", "::ffff:192.0.2.1"} {
		if v := g.Identify(noon, from(policy.SideInside, policy.UDP, addr), request(t, "INVITE", "sip:112@192.0.2.2")); v.Action != Drop {
			t.Errorf("%s: %+v, want it dropped", addr, v)
		}
	}
}

func TestThePBXIsKnownByItsAddressWhenNoSourcesAreGiven(t *testing.T) {
	p := office()
	p.PBX.Sources = nil
	g := New(p, rand.Reader)
	if !g.Known(from(policy.SideInside, policy.UDP, "192.0.2.10")) || g.Known(from(policy.SideInside, policy.UDP, "192.0.2.11")) {
		t.Error("the PBX is not known by its address alone")
	}
}

func TestAPeerThatMustUseTLSIsNotHeardInTheClear(t *testing.T) {
	p := office()
	p.PBX.Transport = policy.TLSTransport
	g := New(p, rand.Reader)
	invite := request(t, "INVITE", "sip:0123456789@192.0.2.2")
	for _, transport := range []policy.Transport{policy.UDP, policy.TCP} {
		inside, outside := from(policy.SideInside, transport, "192.0.2.10"), from(policy.SideOutside, transport, "198.51.100.1")
		if v := g.Identify(noon, outside, invite); v.Action != Drop || v.Rule != RuleWrongTransport || v.Peer != carrier {
			t.Errorf("carrier over %s: %+v", transport, v)
		}
		if v := g.Identify(noon, inside, invite); v.Action != Refuse || v.Status != 403 || v.Rule != RuleWrongTransport || v.Peer != pbx {
			t.Errorf("PBX over %s: %+v", transport, v)
		}
		if g.Belongs(inside, pbx) || g.Belongs(outside, carrier) {
			t.Errorf("a source in the clear belongs to a peer of TLS")
		}
	}
}

func TestNobodyRegistersUnlessThePolicySaysSo(t *testing.T) {
	p := office()
	p.PBX.Authentication, p.PBX.User, p.PBX.Secret = policy.AuthDigest, "pbx", "secret"
	g := New(p, rand.Reader)
	register := request(t, "REGISTER", "sip:192.0.2.2", "To: <sip:100@192.0.2.2>")
	for _, source := range []Source{from(policy.SideInside, policy.UDP, "192.0.2.10"), from(policy.SideOutside, policy.UDP, "198.51.100.200")} {
		v := g.Identify(noon, source, register)
		if v.Action != Refuse || v.Status != 405 || v.Rule != RuleNoRegistrar || !strings.Contains(v.Reason, "register") {
			t.Errorf("%s: %+v", source.Side, v)
		}
	}
}

func TestTrunksThatShareAnAddressAreToldApartByWhatIsCalled(t *testing.T) {
	shared := []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}
	p := office()
	p.Trunks = []policy.Trunk{
		{Name: "first", Domain: "one.example", Transport: policy.UDP, SignallingSources: shared, NumberFormat: policy.FormatE164},
		{Name: "sales", Domain: "two.example", Transport: policy.UDP, SignallingSources: shared, NumberFormat: policy.FormatPlain,
			Accounts: []policy.Account{{User: "acct-sales", Numbers: []string{"+33123456780"}}}},
		{Name: "support", Domain: "two.example", Transport: policy.UDP, SignallingSources: shared, NumberFormat: policy.FormatNational,
			Accounts: []policy.Account{{User: "acct-support", Numbers: []string{"+33123456790", "+33123456791"}}}},
	}
	source := from(policy.SideOutside, policy.UDP, "203.0.113.5")
	check := func(country, trunk, uri string, headers ...string) {
		t.Helper()
		p.Site.Country = country
		g := New(p, rand.Reader)
		if v := g.Identify(noon, source, request(t, "INVITE", uri, headers...)); v.Action != Accept || v.Peer.Name != trunk {
			t.Errorf("%s %v: %+v, want %s", uri, headers, v, trunk)
		}
	}
	check("FR", "sales", "sip:acct-sales@192.0.2.2")
	check("FR", "support", "sip:acct-support@192.0.2.2")
	check("FR", "sales", "sip:33123456780@192.0.2.2")
	check("FR", "support", "sip:0123456791@192.0.2.2")
	check("FR", "support", "tel:+33-1-23-45-67-91")
	check("FR", "support", "sip:192.0.2.2", "To: <sip:+33123456790@192.0.2.2>")
	check("FR", "sales", "sip:acct-sales@192.0.2.2", "To: <sip:+33123456790@192.0.2.2>") // the Request-URI counts first
	check("FR", "sales", "sip:999@192.0.2.2", "To: <sip:999@TWO.example>")
	check("FR", "first", "sip:999@192.0.2.2", "To: <sip:999@one.example>")
	check("FR", "first", "sip:999@192.0.2.2")
	check("XX", "support", "sip:+33123456790@192.0.2.2") // no plan: numbers as they are written
}

func TestANewPolicyKeepsTheResolvedAddressesOfTrunksThatStay(t *testing.T) {
	p := office()
	g := New(p, rand.Reader)
	resolved := from(policy.SideOutside, policy.TLSTransport, "203.0.113.7")
	g.SetResolved("carrier-a", []netip.Addr{resolved.Addr.Addr()})
	g.SetResolved("nobody", []netip.Addr{netip.MustParseAddr("203.0.113.66")})
	for range 2 {
		g.Set(p)
		if !g.Known(resolved) {
			t.Fatal("the resolved address was lost")
		}
	}
	if g.Known(from(policy.SideOutside, policy.TLSTransport, "203.0.113.66")) {
		t.Error("an address of a trunk that does not exist is known")
	}
	g.SetResolved("carrier-a", nil)
	if g.Known(resolved) {
		t.Error("an address that is resolved no more is known")
	}
	g.SetResolved("carrier-a", []netip.Addr{resolved.Addr.Addr()})
	p.Trunks = p.Trunks[1:]
	g.Set(p)
	if g.Known(resolved) || g.Known(from(policy.SideOutside, policy.TLSTransport, "198.51.100.1")) {
		t.Error("a trunk that was taken away is known")
	}
}

type noRandom struct{}

func (noRandom) Read([]byte) (int, error) { return 0, errors.New("no entropy") }

func TestWithoutRandomnessNobodyIsChallenged(t *testing.T) {
	p := office()
	p.PBX.Authentication, p.PBX.User, p.PBX.Secret = policy.AuthDigest, "pbx", "secret"
	v := New(p, noRandom{}).Identify(noon, from(policy.SideInside, policy.UDP, "192.0.2.10"), request(t, "INVITE", "sip:1@192.0.2.2"))
	if v.Action != Refuse || v.Status != 500 || v.Rule != RuleChallengeFailed || !strings.Contains(v.Reason, "no entropy") {
		t.Errorf("%+v", v)
	}
}

// Known is asked of every datagram, those of a flood too.
func TestAskingWhetherASourceIsKnownAllocatesNothing(t *testing.T) {
	g := New(office(), rand.Reader)
	for _, s := range []Source{from(policy.SideInside, policy.UDP, "192.0.2.10"), from(policy.SideOutside, policy.UDP, "203.0.113.66")} {
		if n := testing.AllocsPerRun(100, func() { g.Known(s) }); n != 0 {
			t.Errorf("%v: %v allocations", s, n)
		}
	}
}
