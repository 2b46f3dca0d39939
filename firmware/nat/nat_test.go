package nat

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
)

const sent = `REGISTER sip:carrier.example SIP/2.0
Via: SIP/2.0/UDP 192.0.2.10:5060;rport;branch=z9hG4bK1
From: <sip:alice@carrier.example>;tag=a
To: <sip:alice@carrier.example>
Call-ID: c
CSeq: 1 REGISTER
Contact: <sip:alice@192.0.2.10:5060>
Content-Length: 0

`

const answer = `SIP/2.0 200 OK
Via: SIP/2.0/UDP 192.0.2.10:5060;rport=40001;received=203.0.113.5;branch=z9hG4bK1
From: <sip:alice@carrier.example>;tag=a
To: <sip:alice@carrier.example>;tag=b
Call-ID: c
CSeq: 1 REGISTER
Contact: <sip:alice@192.0.2.10:5060>;expires=300
Content-Length: 0

`

func parse(t testing.TB, text string) sip.Message {
	t.Helper()
	m, err := sip.ParseMessage([]byte(strings.ReplaceAll(text, "\n", "\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// read compares the usual request with the usual answer, in which old was replaced by new.
func read(t testing.TB, old, new string) Echo {
	t.Helper()
	changed := strings.Replace(answer, old, new, 1)
	if old != new && changed == answer {
		t.Fatalf("nothing of %q in the answer", old)
	}
	return Read(parse(t, sent).(*sip.Request), parse(t, changed).(*sip.Response))
}

func TestACarrierSaysWhereItSeesTheBox(t *testing.T) {
	const via = "rport=40001;received=203.0.113.5"
	for _, c := range []struct{ name, echo, own, carrier, want string }{
		{"behind a router", via, "192.168.1.10", "198.51.100.2", "203.0.113.5:40001"},
		{"without a router", "rport=5060;received=192.0.2.10", "192.0.2.10", "198.51.100.2", "192.0.2.10:5060"},
		{"without a router and without received", "rport=5060", "192.0.2.10", "198.51.100.2", "192.0.2.10:5060"},
		{"a carrier on the same private network", "rport=5060;received=192.168.1.10", "192.168.1.10", "192.168.1.2", "192.168.1.10:5060"},
		{"a carrier that sees its own load balancer", "rport=40001;received=10.0.0.7", "192.168.1.10", "198.51.100.2", ""},
		{"a carrier within the provider's private network", "rport=40001;received=100.64.3.4", "192.168.1.10", "100.64.0.1", "100.64.3.4:40001"},
		{"the other family", "rport=40001;received=2001:db8::5", "192.168.1.10", "198.51.100.2", ""},
		{"no rport", "received=203.0.113.5", "192.168.1.10", "198.51.100.2", ""},
		{"rport left empty", "rport;received=203.0.113.5", "192.168.1.10", "198.51.100.2", ""},
		{"port 0", "rport=0;received=203.0.113.5", "192.168.1.10", "198.51.100.2", ""},
		{"no address", "rport=40001;received=somewhere", "192.168.1.10", "198.51.100.2", ""},
		{"loopback", "rport=40001;received=127.0.0.1", "192.168.1.10", "198.51.100.2", ""},
		{"multicast", "rport=40001;received=224.0.0.1", "192.168.1.10", "198.51.100.2", ""},
		{"its link alone", "rport=40001;received=169.254.1.1", "192.168.1.10", "198.51.100.2", ""},
	} {
		e := read(t, via, c.echo)
		got, ok := e.Seen(netip.MustParseAddr(c.own), netip.MustParseAddr(c.carrier))
		if ok != (c.want != "") || ok && got.String() != c.want {
			t.Errorf("%s: seen at %v (%v), want %q", c.name, got, ok, c.want)
		}
	}
}

func TestARouterThatChangesMessagesIsFound(t *testing.T) {
	for _, c := range []struct {
		name, old, new string
		what           string
		sure           bool
	}{
		{"nothing changed", "", "", "", false},
		{"sent-by", "UDP 192.0.2.10:5060", "UDP 203.0.113.5:40001", "Via 192.0.2.10:5060 -> 203.0.113.5:40001", true},
		{"the port of sent-by", "UDP 192.0.2.10:5060", "UDP 192.0.2.10:1024", "Via 192.0.2.10:5060 -> 192.0.2.10:1024", true},
		{"Call-ID", "Call-ID: c", "Call-ID: c@203.0.113.5", "Call-ID c -> c@203.0.113.5", true},
		{"From", "From: <sip:alice@carrier.example>", "From: <sip:alice@203.0.113.5>", "From sip:alice@carrier.example -> sip:alice@203.0.113.5", true},
		{"Contact", "Contact: <sip:alice@192.0.2.10:5060>", "Contact: <sip:alice@203.0.113.5:40001>", "Contact 192.0.2.10:5060 -> 203.0.113.5:40001", false},
		{"Contact beside another telephone's", "Contact: <sip:alice@192.0.2.10:5060>;expires=300",
			"Contact: <sip:alice@192.0.2.99:5060>;expires=9, <sip:alice@192.0.2.10:5060>;expires=300", "", false},
		{"Contact gone", "Contact: <sip:alice@192.0.2.10:5060>;expires=300", "X: y", "", false},
	} {
		got := read(t, c.old, c.new).Altered
		if what := strings.Join(got.What, ", "); what != c.what || got.Sure != c.sure {
			t.Errorf("%s: %q, sure %v; want %q, %v", c.name, what, got.Sure, c.what, c.sure)
		}
		if words := got.String(); c.what == "" && words != "" || c.what != "" && (!strings.Contains(words, c.what) || !strings.Contains(words, "transport: tls")) {
			t.Errorf("%s: told as %q", c.name, words)
		}
	}
}

func TestARouterThatHidesWhatItDoesIsFound(t *testing.T) {
	for _, c := range []struct {
		own, carrier string
		want         bool
	}{
		{"192.168.1.10", "198.51.100.2", true},
		{"192.168.1.10", "192.168.2.2", false},  // within the provider's network
		{"203.0.113.10", "198.51.100.2", false}, // no router
	} {
		e := read(t, "rport=40001;received=203.0.113.5", "rport=5060;received="+c.own)
		a := e.Judge(netip.MustParseAddr(c.own), netip.MustParseAddr(c.carrier))
		if a.Found() != c.want || a.Sure != c.want {
			t.Errorf("%s seen by %s: %+v", c.own, c.carrier, a)
		}
	}
}

func TestAnAddressThatKeepsChangingIsFollowedLaterAndLater(t *testing.T) {
	var p Pace
	start := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	var followed []int
	for s := range 120 { // a change in every second
		if p.Follow(start.Add(time.Duration(s) * time.Second)) {
			followed = append(followed, s)
		}
	}
	want := []int{0, 5, 15, 35, 75}
	if len(followed) != len(want) {
		t.Fatalf("followed at %v, want %v", followed, want)
	}
	for i := range want {
		if followed[i] != want[i] {
			t.Fatalf("followed at %v, want %v", followed, want)
		}
	}
	if !p.Follow(start.Add(time.Hour)) {
		t.Error("after an hour of quiet a change is not followed at once")
	}
	if !p.Follow(start.Add(time.Hour + firstPause)) {
		t.Error("the hour of quiet is not forgiven")
	}
}

func FuzzRead(f *testing.F) {
	f.Add(strings.ReplaceAll(answer, "\n", "\r\n"))
	req := parse(f, sent).(*sip.Request)
	f.Fuzz(func(t *testing.T, text string) {
		m, err := sip.ParseMessage([]byte(text))
		if err != nil {
			return
		}
		if res, ok := m.(*sip.Response); ok {
			e := Read(req, res)
			_ = e.Altered.String()
			if a, ok := e.Seen(netip.MustParseAddr("192.0.2.10"), netip.MustParseAddr("198.51.100.2")); ok && !a.IsValid() {
				t.Errorf("seen at nothing: %q", text)
			}
		}
	})
}
