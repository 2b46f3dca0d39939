package call

import (
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/ua"
)

// moveTo has the carriers see the box at another address.
func (s *scene) moveTo(address string) {
	s.seen.Store(&address)
	s.desk.Moved("carrier-a")
}

// saysPlace checks what a request or answer of the box says about where it is.
func saysPlace(t *testing.T, m sip.Message, address string) {
	t.Helper()
	text := m.String()
	for _, want := range []string{"c=IN IP4 " + address + "\r\n", "Contact: <sip:office@" + address + ":5061>", "Via: SIP/2.0/UDP " + address + ":5061"} {
		if !strings.Contains(text, want) {
			t.Errorf("nothing of %q in\n%s", want, text)
		}
	}
}

func TestARunningCallTellsTheCarrierTheBoxsNewAddress(t *testing.T) {
	s := newScene(t, nil)
	caller, callee := s.answeredCall()
	key := func(body string) string { _, k, _ := strings.Cut(body, "a=crypto:"); return k }
	before := string(callee.in.Body())
	s.moveTo("203.0.113.77")
	again := callee.request(sip.INVITE)
	saysPlace(t, again, "203.0.113.77")
	if old, now := key(before), key(string(again.Body())); !strings.HasPrefix(old, now[:20]) {
		t.Errorf("the key has changed from %q to %q", old, now)
	}
	if err := again.Respond(callee.box, ua.Reply{Status: 200, Contact: "sip:gw@203.0.113.7", Body: []byte(secureSDP("203.0.113.8")), ContentType: sdpType}); err != nil {
		t.Fatal(err)
	}
	if err := callee.request(sip.ACK); err == nil {
		t.Fatal("no ACK")
	}
	if n := s.pbx.boxEnd.Count("INVITE"); n != 0 {
		t.Errorf("the office was troubled with %d re-INVITEs", n)
	}
	s.desk.Moved("carrier-a") // nothing has changed since
	bye := caller.ask(sip.BYE, "")
	over := callee.request(sip.BYE)
	if !strings.Contains(over.String(), "203.0.113.77:5061") {
		t.Errorf("the BYE comes from elsewhere:\n%s", over)
	}
	over.Refuse(ua.Reply{Status: 200})
	if e := caller.next(); e.Sent != bye {
		t.Errorf("got %s", shown(e))
	}
}

func TestAnAddressThatChangesWhileItRingsIsToldAfterTheAnswer(t *testing.T) {
	s := newScene(t, nil)
	caller := s.pbx.dial("201", "00472105518", clearSDP("192.0.2.50"))
	callee := s.a.called()
	callee.respond(180, "")
	caller.expect(180)
	s.moveTo("203.0.113.77")
	callee.respond(200, secureSDP("203.0.113.8"))
	caller.ack(caller.expect(200))
	callee.request(sip.ACK)
	again := callee.request(sip.INVITE)
	saysPlace(t, again, "203.0.113.77")
	again.Refuse(ua.Reply{Status: 491}) // at the same moment the carrier changes something
	third := callee.request(sip.INVITE)
	saysPlace(t, third, "203.0.113.77")
	third.Refuse(ua.Reply{Status: 488}) // it takes none: the call goes on all the same
	bye := caller.ask(sip.BYE, "")
	callee.request(sip.BYE).Refuse(ua.Reply{Status: 200})
	if e := caller.next(); e.Sent != bye {
		t.Errorf("got %s", shown(e))
	}
}

func TestSilenceOfTheCarrierIsNoticed(t *testing.T) {
	s := newScene(t, nil)
	if s.desk.Quiet("carrier-a", 0) {
		t.Error("quiet without a call")
	}
	s.answeredCall()
	c := s.session()
	for _, tt := range []struct {
		after time.Duration
		want  bool
	}{{time.Second, false}, {3 * time.Second, true}, {quietFor + time.Second, false}} {
		if got := c.quiet(2*time.Second, time.Now().Add(tt.after)); got != tt.want {
			t.Errorf("%v after the answer without a packet: quiet %v, want %v", tt.after, got, tt.want)
		}
	}
	if s.desk.Quiet("carrier-b", 0) {
		t.Error("the other carrier is quiet, which has no call")
	}
}
