package access

import (
	"crypto/rand"
	"net/netip"
	"strings"
	"testing"
	"time"

	"tollgate/firmware/policy"
)

// banAt bans an address in force at a gate.
func banAt(t *testing.T, g *Gate, source string) {
	t.Helper()
	b := &Bans{}
	ban, err := ByHand(noon, netip.MustParsePrefix(source), "it guessed passwords", "admin", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	b.Put(ban)
	g.SetBans(b)
}

func TestABannedPeerMayDoNothingNewButCallForHelp(t *testing.T) {
	g := New(office(), rand.Reader)
	banAt(t, g, "192.0.2.10/32")
	from10 := from(policy.SideInside, policy.UDP, "192.0.2.10")
	for _, c := range []struct {
		method, uri, to string
		action          Action
		rule            string
	}{
		{"INVITE", "sip:0123456789@192.0.2.2", "", Drop, RuleBanned},
		{"REGISTER", "sip:192.0.2.2", "", Drop, RuleBanned},
		{"OPTIONS", "sip:192.0.2.2", "", Drop, RuleBanned},
		{"MESSAGE", "sip:0123456789@192.0.2.2", "", Drop, RuleBanned},
		{"INVITE", "sip:112@192.0.2.2", "", Accept, RuleBanned},
		{"INVITE", "sip:15@192.0.2.2", "", Accept, RuleBanned},
		{"ACK", "sip:0123456789@192.0.2.2", "To: <sip:0123456789@192.0.2.2>;tag=2", Accept, ""},
		{"BYE", "sip:0123456789@192.0.2.2", "To: <sip:0123456789@192.0.2.2>;tag=2", Accept, ""},
		{"INVITE", "sip:0123456789@192.0.2.2", "To: <sip:0123456789@192.0.2.2>;tag=2", Accept, ""},
		{"CANCEL", "sip:112@192.0.2.2", "", Accept, ""},
	} {
		var headers []string
		if c.to != "" {
			headers = append(headers, c.to)
		}
		v := g.Identify(noon, from10, request(t, c.method, c.uri, headers...))
		if v.Action != c.action || v.Rule != c.rule || v.Peer != pbx || c.rule != "" && !strings.Contains(v.Reason, "it guessed passwords") {
			t.Errorf("%s %s %s: %+v", c.method, c.uri, c.to, v)
		}
		if v := g.Identify(noon.Add(2*time.Hour), from10, request(t, c.method, c.uri, headers...)); c.method != "REGISTER" && v.Action != Accept {
			t.Errorf("%s %s after the ban: %+v", c.method, c.uri, v)
		}
	}
}

func TestABannedPhoneMayCallForHelp(t *testing.T) {
	p := office()
	p.Phones = policy.Phones{Domain: "cloud.example", Sources: []netip.Prefix{netip.MustParsePrefix("192.0.2.128/25")},
		PhoneTransports: []policy.Transport{policy.UDP}, Most: 10, OutsidePrefix: "0"}
	g := New(p, rand.Reader)
	banAt(t, g, "192.0.2.200/32")
	s := from(policy.SideInside, policy.UDP, "192.0.2.200")
	for uri, want := range map[string]Action{"sip:112@192.0.2.2": Accept, "sip:0112@192.0.2.2": Accept, "sip:100@192.0.2.2": Drop} {
		if v := g.Identify(noon, s, request(t, "INVITE", uri)); v.Action != want || v.Rule != RuleBanned || v.Peer.Name != "phone 192.0.2.200" {
			t.Errorf("%s: %+v", uri, v)
		}
	}
	if v := g.Identify(noon, s, request(t, "REGISTER", "sip:cloud.example")); v.Action != Drop {
		t.Errorf("REGISTER: %+v", v)
	}
}

// A carrier's calls to emergency numbers are nobody's calls for help.
func TestABannedCarrierIsNotHeard(t *testing.T) {
	g := New(office(), rand.Reader)
	banAt(t, g, "198.51.100.200/32")
	if v := g.Identify(noon, from(policy.SideOutside, policy.UDP, "198.51.100.200"), request(t, "INVITE", "sip:112@198.51.100.10")); v.Action != Drop || v.Rule != RuleBanned {
		t.Errorf("%+v", v)
	}
}

// Over UDP anybody can send a wrong digest in the PBX's name; only who has been sent the challenge can answer it.
func TestAWrongDigestIsProofOnlyInAnswerToAChallengeSentThere(t *testing.T) {
	g := digestGate()
	c := challenged(t, g, noon, office10)["SHA-256"]
	wrong := func(s Source, now time.Time, nonce string) Verdict {
		return g.Identify(now, s, request(t, "INVITE", called, `Authorization: Digest username="office-pbx", realm="tollgate", nonce="`+nonce+
			`", uri="`+called+`", response="00", algorithm=SHA-256, cnonce="x", qop=auth, nc=00000001`))
	}
	for name, tt := range map[string]struct {
		s     Source
		now   time.Time
		nonce string
		want  bool
	}{
		"the nonce that was sent there": {office10, noon, c.Nonce, true},
		"an old one":                    {office10, noon.Add(time.Hour), c.Nonce, false},
		"one that nobody has issued":    {office10, noon, strings.Repeat("A", 43), false},
		"none of ours, but over TCP":    {Source{Side: office10.Side, Transport: policy.TCP, Addr: office10.Addr}, noon, "xyz", true},
		"one that was sent elsewhere":   {from(policy.SideInside, policy.UDP, "2001:db8::10"), noon, c.Nonce, false},
	} {
		if v := wrong(tt.s, tt.now, tt.nonce); v.Rule != RuleWrongDigest || v.Proven != tt.want || v.User != "office-pbx" {
			t.Errorf("%s: %+v", name, v)
		}
	}
}
