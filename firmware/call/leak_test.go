package call

import (
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/ua"
)

// asks has an actor answer a request with a challenge of carrier-a's realm, as somebody does who wants to be told a proof
// that he can guess the password from.
func asks(t *testing.T, d *dialog, in *ua.Incoming, status int) {
	t.Helper()
	name := map[int]string{401: "WWW-Authenticate", 407: "Proxy-Authenticate"}[status]
	challenge := sip.NewHeader(name, `Digest realm="carrier-a.example", nonce="chosen-by-the-thief", algorithm=MD5, qop="auth"`)
	if err := in.Respond(d.box, ua.Reply{Status: status, Headers: []sip.Header{challenge}}); err != nil {
		t.Fatal(err)
	}
}

// proofs counts what an actor was sent with a proof.
func proofs(a *actor) (n int) {
	for _, m := range a.boxEnd.Sent() {
		if strings.Contains(m, "\nAuthorization:") || strings.Contains(m, "\nProxy-Authorization:") {
			n++
		}
	}
	return n
}

// Attack 12, the digest leak: who is called asks for a proof in the name of the carrier.
func TestNobodyButTheCarrierIsToldAProofOfItsPassword(t *testing.T) {
	t.Run("the office, for the BYE", func(t *testing.T) {
		s := newScene(t, nil)
		s.secret = "the-password-of-carrier-a"
		caller, callee := s.answeredCall()
		callee.ask(sip.BYE, "")
		asks(t, caller, caller.request(sip.BYE), 401)
		callee.expect(200)
		if n := proofs(s.pbx); n != 0 {
			t.Errorf("the office was told %d proofs", n)
		}
	})
	t.Run("the office, for a change of the call", func(t *testing.T) {
		s := newScene(t, nil)
		s.secret = "the-password-of-carrier-a"
		caller, callee := s.answeredCall()
		callee.ask(sip.INVITE, secureSDP("203.0.113.8", "a=sendonly"))
		asks(t, caller, caller.request(sip.INVITE), 407)
		if res := callee.next().Response; res == nil || res.StatusCode < 400 {
			t.Errorf("the carrier got %v", res)
		}
		if n := proofs(s.pbx); n != 0 {
			t.Errorf("the office was told %d proofs", n)
		}
		caller.ask(sip.BYE, "")
		callee.request(sip.BYE).Refuse(ua.Reply{Status: 200})
		caller.expect(200)
	})
	t.Run("another carrier", func(t *testing.T) {
		s := newScene(t, nil)
		s.secret = "the-password-of-carrier-a"
		s.down = "carrier-a"
		caller := s.pbx.dial("201", "00472105518", clearSDP("192.0.2.50"))
		callee := s.b.called()
		asks(t, callee, callee.in, 407)
		s.a.called().respond(486, "") // which is tried last
		caller.expect(486)
		if n := proofs(s.b); n != 0 {
			t.Errorf("the other carrier was told %d proofs", n)
		}
	})
	t.Run("the carrier itself is", func(t *testing.T) {
		s := newScene(t, nil)
		s.secret = "the-password-of-carrier-a"
		caller, callee := s.answeredCall()
		caller.ask(sip.BYE, "")
		asks(t, callee, callee.request(sip.BYE), 401)
		again := callee.request(sip.BYE)
		if n := proofs(s.a); n != 1 || len(again.GetHeaders("Authorization")) != 1 {
			t.Errorf("the carrier was told %d proofs:\n%s", n, again)
		}
		again.Refuse(ua.Reply{Status: 200})
		caller.expect(200)
	})
}
