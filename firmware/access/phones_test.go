package access

import (
	"crypto/rand"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"tollgate/firmware/policy"
)

// branch is a policy whose phones register with a PBX elsewhere, beside a PBX of the office's own.
func branch() *policy.Policy {
	p := office()
	p.Phones = policy.Phones{
		Domain: "cloud.example", Proxy: "203.0.113.70:5061", Transport: policy.TLSTransport, OutsidePrefix: "0", Most: 100,
		Sources: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, PhoneTransports: []policy.Transport{policy.UDP, policy.TCP},
	}
	return p
}

// bound holds the sources that a phone of user 101 has registered from.
type bound []netip.AddrPort

func (b bound) Bound(_ policy.Transport, source netip.AddrPort, user string) bool {
	for _, s := range b {
		if s == source && user == "101" {
			return true
		}
	}
	return false
}

func TestAPhoneMayRegisterAndThenCall(t *testing.T) {
	g := New(branch(), rand.Reader)
	g.SetFlows(bound{netip.MustParseAddrPort("192.0.2.77:5060")})
	caller := "From: <sip:101@cloud.example>;tag=1"
	for _, c := range []struct {
		what, method, uri, source string
		transport                 policy.Transport
		header                    string
		rule                      string // "": accepted
	}{
		{"a registration", "REGISTER", "sip:cloud.example", "192.0.2.99", policy.UDP, "", ""},
		{"a phone that has registered", "INVITE", "sip:102@cloud.example", "192.0.2.77", policy.UDP, caller, ""},
		{"one that has not", "INVITE", "sip:102@cloud.example", "192.0.2.99", policy.UDP, caller, RuleNotRegistered},
		{"one that has not, to the fire brigade", "INVITE", "sip:18@cloud.example", "192.0.2.99", policy.UDP, caller, ""},
		{"the same with the outside line", "INVITE", "sip:018@cloud.example", "192.0.2.99", policy.UDP, caller, ""},
		{"a number that begins like an emergency", "INVITE", "sip:1801@cloud.example", "192.0.2.99", policy.UDP, caller, RuleNotRegistered},
		{"within a dialog", "BYE", "sip:192.0.2.2", "192.0.2.99", policy.UDP, "To: <sip:102@cloud.example>;tag=9", ""},
		{"a ping", "OPTIONS", "sip:cloud.example", "192.0.2.99", policy.UDP, "", ""},
		{"a subscription without a registration", "SUBSCRIBE", "sip:101@cloud.example", "192.0.2.99", policy.UDP, "", RuleNotRegistered},
		{"a transport that is not listed", "REGISTER", "sip:cloud.example", "192.0.2.77", policy.TLSTransport, "", RuleWrongTransport},
	} {
		var headers []string
		if c.header != "" {
			headers = []string{c.header}
		}
		v := g.Identify(noon, from(policy.SideInside, c.transport, c.source), requestFrom(t, c.method, c.uri, headers...))
		want := Verdict{Action: Accept, Peer: policy.PhonePeer(netip.MustParseAddr(c.source)), Rule: c.rule}
		if c.rule != "" {
			want.Action, want.Status = Refuse, 403
		}
		if v.Action != want.Action || v.Peer != want.Peer || v.Rule != want.Rule || v.Status != want.Status || (v.Reason == "") != (c.rule == "") {
			t.Errorf("%s: %+v, want %+v", c.what, v, want)
		}
	}
}

func TestAnAddressOfThePBXIsNoPhones(t *testing.T) {
	g := New(branch(), rand.Reader)
	if v := g.Identify(noon, from(policy.SideInside, policy.UDP, "192.0.2.10"), request(t, "INVITE", "sip:102@192.0.2.2")); v.Peer != pbx || v.Action != Accept {
		t.Errorf("the PBX is taken for %+v", v)
	}
	if v := g.Identify(noon, from(policy.SideOutside, policy.TLSTransport, "203.0.113.70"), request(t, "INVITE", "sip:token@198.51.100.10")); v.Peer.Name != policy.PeerRemotePBX {
		t.Errorf("the phones' PBX is taken for %+v", v)
	}
	if v := g.Identify(noon, from(policy.SideOutside, policy.UDP, "192.0.2.77"), request(t, "REGISTER", "sip:cloud.example")); v.Action != Drop {
		t.Errorf("a phone's address outside: %+v", v)
	}
}

func TestAPhoneInItsDialogIsKnownByItsAddress(t *testing.T) {
	g := New(branch(), rand.Reader)
	one, other := netip.MustParseAddr("192.0.2.77"), netip.MustParseAddr("192.0.2.78")
	if s := from(policy.SideInside, policy.UDP, "192.0.2.77"); !g.Belongs(s, policy.PhonePeer(one)) || g.Belongs(s, policy.PhonePeer(other)) {
		t.Error("a phone's dialog is open to another's address")
	}
	dialled := from(policy.SideInside, policy.TCP, "192.0.2.77")
	dialled.Dialled = policy.PhonePeer(one).Name
	if !g.Known(dialled) {
		t.Error("a connection that the box made to a phone is a stranger's")
	}
}

// A hundred phones behind one address come back within ten seconds: each registers, is challenged, registers again, and
// half of them repeat themselves.
func TestAHundredPhonesBehindOneAddressRegisterAtOnce(t *testing.T) {
	g := New(branch(), rand.Reader)
	for i := range 100 {
		to := fmt.Sprintf("To: <sip:%d@cloud.example>", 100+i)
		for range 3 {
			now := noon.Add(time.Duration(i) * 100 * time.Millisecond)
			if v := g.Identify(now, from(policy.SideInside, policy.UDP, "192.0.2.77"), request(t, "REGISTER", "sip:cloud.example", to)); v.Action != Accept {
				t.Fatalf("phone %d: %+v", i, v)
			}
		}
	}
}

func TestAFloodOfRegistrationsIsBounded(t *testing.T) {
	flooding := func(g *Gate, count int, to func(i int) string) (passed int) {
		for i := range count {
			now := noon.Add(time.Duration(i) * 100 * time.Microsecond) // ten thousand a second
			v := g.Identify(now, from(policy.SideInside, policy.UDP, "192.0.2.77"), request(t, "REGISTER", "sip:cloud.example", to(i)))
			switch {
			case v.Action == Accept:
				passed++
			case v.Action != Refuse || v.Rule != RuleTooMuch || v.Status != 503:
				t.Fatalf("%+v", v)
			}
		}
		return passed
	}
	one := New(branch(), rand.Reader)
	if n := flooding(one, 10_000, func(int) string { return "To: <sip:101@cloud.example>" }); n > 32 {
		t.Errorf("%d registrations of one user passed within a second", n)
	}
	if v := one.Identify(noon.Add(2*time.Second), from(policy.SideInside, policy.UDP, "192.0.2.78"), request(t, "REGISTER", "sip:cloud.example", "To: <sip:101@cloud.example>")); v.Action != Accept {
		t.Errorf("the user's own phone, elsewhere, is shut out: %+v", v)
	}
	many := New(branch(), rand.Reader)
	if n := flooding(many, 10_000, func(i int) string { return fmt.Sprintf("To: <sip:%d@cloud.example>", i) }); n > 560 {
		t.Errorf("%d registrations of made-up users passed within a second", n)
	}
	if n := len(many.flood.buckets); n > maxBuckets {
		t.Errorf("%d buckets are kept", n)
	}
}

func TestBucketsAreForgottenWhenTheyAreFull(t *testing.T) {
	var f flood
	for i := range 3 * maxBuckets {
		now := noon.Add(time.Duration(i) * time.Millisecond)
		f.allow(now, sender{user: fmt.Sprint(i)}, pace{burst: 2, interval: time.Second})
	}
	if n := len(f.buckets); n > maxBuckets {
		t.Errorf("%d buckets are kept", n)
	}
	if !f.allow(noon.Add(time.Hour), sender{user: "late"}, pace{burst: 1, interval: time.Second}) {
		t.Error("after the flood nobody is let in")
	}
}
