package peer_test

import (
	"context"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"tollgate/scripts/lab"
	"tollgate/scripts/lab/peer"
	"tollgate/scripts/lab/tone"
)

func open(t *testing.T) *lab.Lab {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root to make network namespaces")
	}
	if err := lab.Missing("ip", "kamailio", "baresip"); err != nil {
		t.Fatal(err)
	}
	l, err := lab.Open(lab.TwoPorts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// phones starts two phones at a server.
func phones(t *testing.T, two [2]*peer.Phone) {
	t.Helper()
	for _, p := range two {
		if err := p.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.Stop)
	}
}

// talk lets the first phone call a number at which the second answers, and checks that each heard the other.
func talk(t *testing.T, two [2]*peer.Phone, number string) {
	t.Helper()
	if err := two[0].Dial(t.Context(), number); err != nil {
		t.Fatal(err)
	}
	time.Sleep(1500 * time.Millisecond)
	if err := two[0].HangUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := two[1].Ended(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, p := range two {
		heard, err := p.Heard()
		if err != nil {
			t.Fatal(err)
		}
		if j := tone.Judge(heard, two[1-i].Tone, p.Tone); !j.Heard() {
			t.Errorf("%s did not hear the other: %s", p.Name, j)
		}
	}
}

func TestPhonesOfThePBXHearEachOther(t *testing.T) {
	l := open(t)
	pbx := &peer.PBX{
		Host: l.PBX, Domain: "pbx.office.example", Box: l.Net.BoxInside,
		Extensions: []peer.Login{{User: "101", Password: "one", Number: "+33123456701"}, {User: "102", Password: "two", Number: "+33123456702"}},
	}
	if err := pbx.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	var two [2]*peer.Phone
	for i, e := range pbx.Extensions {
		two[i] = &peer.Phone{
			Host: l.Phones[i], Name: "phone" + e.User, Login: e, AOR: e.User + "@" + pbx.Domain, Transport: "udp",
			Registrar: netip.AddrPortFrom(l.PBX.Address, 5060), Tone: []float64{620, 850}[i],
		}
	}
	phones(t, two)
	talk(t, two, "102")
}

func carrier(t *testing.T, l *lab.Lab) *peer.Carrier {
	t.Helper()
	ca, err := peer.NewAuthority("Carrier CA")
	if err != nil {
		t.Fatal(err)
	}
	c := &peer.Carrier{
		Host: l.Carrier, Authority: ca, Domain: "sip.carrier.example",
		Trunk: peer.Login{User: "trunk", Password: "secret", Number: "+33123456700"}, TrunkPrefix: "+331234567", TrunkAddress: l.Net.BoxOutside,
		Subscribers: []peer.Login{{User: "alice", Password: "a", Number: "+33987654321"}, {User: "bob", Password: "b", Number: "+33987654322"}},
		Extra:       []string{"112"},
	}
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return c
}

func subscribers(c *peer.Carrier, l *lab.Lab) [2]*peer.Phone {
	var two [2]*peer.Phone
	for i, s := range c.Subscribers {
		two[i] = &peer.Phone{
			Host: l.Subscribers[i], Name: s.User, Login: s, AOR: s.Number + "@" + c.Domain, Transport: "tls", Authority: c.Authority,
			Registrar: netip.AddrPortFrom(l.Carrier.Address, peer.CarrierPort), SRTP: true, Codec: "pcmu", Tone: []float64{1150, 1480}[i],
		}
	}
	return two
}

func TestSubscribersOfTheCarrierHearEachOtherOverSRTP(t *testing.T) {
	l := open(t)
	c := carrier(t, l)
	two := subscribers(c, l)
	phones(t, two)
	talk(t, two, "+33987654322")
	messages, err := c.Messages()
	if err != nil {
		t.Fatal(err)
	}
	if len(messages) < 10 {
		t.Errorf("the carrier wrote down %d messages of two registrations and a call", len(messages))
	}
}

func TestTheCarrierRefusesACallWithoutSRTP(t *testing.T) {
	l := open(t)
	two := subscribers(carrier(t, l), l)
	two[0].SRTP = false
	phones(t, two)
	err := two[0].Dial(t.Context(), "+33987654322")
	if err == nil || !strings.Contains(err.Error(), "488") {
		t.Errorf("a call with plain RTP ended with %v, want 488", err)
	}
}

func TestTheCarrierRefusesAWrongPassword(t *testing.T) {
	l := open(t)
	alice := subscribers(carrier(t, l), l)[0]
	alice.Login.Password = "wrong"
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	t.Cleanup(alice.Stop)
	if err := alice.Start(ctx); err == nil {
		t.Error("a phone with a wrong password was registered")
	}
}
