package call

import (
	"errors"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/event"
	"tollgate/firmware/policy"
	"tollgate/firmware/sdp"
	"tollgate/firmware/ua"
)

const someFingerprint = "a=fingerprint:sha-256 19:E2:1C:3B:4B:9F:81:E6:B8:5C:F4:A5:A8:D8:73:04:BB:05:2F:70:9F:04:A9:0E:05:E9:26:33:E8:70:88:A2"

func dtlsSDP(addr, setup string, extra ...string) string {
	return describe("UDP/TLS/RTP/SAVP", addr, append([]string{someFingerprint, "a=setup:" + setup}, extra...)...)
}

// byHandshake has carrier-a spoken with by the given ways to make keys.
func byHandshake(keying ...policy.Keying) func(*policy.Policy) {
	return func(p *policy.Policy) { p.Trunks[0].Keying = keying }
}

// audioOf reads a description of the box.
func audioOf(t *testing.T, body []byte) *sdp.Audio {
	t.Helper()
	d, err := sdp.Parse(body)
	if err != nil {
		t.Fatalf("%v in\n%s", err, body)
	}
	a, ok := d.Audio()
	if !ok {
		t.Fatalf("no audio in\n%s", body)
	}
	return a
}

func TestAHandshakeIsOfferedWhereItIsTheFirstWay(t *testing.T) {
	for answered, active := range map[string]bool{"active": false, "passive": true} {
		s := newScene(t, byHandshake(policy.KeyingDTLS, policy.KeyingSDES))
		caller := s.pbx.dial("201", "00472105518", clearSDP("192.0.2.50"))
		callee := s.a.called()
		offer := audioOf(t, callee.in.Body())
		if !offer.Handshakes() || offer.DTLS.Setup != sdp.SetupEither || !offer.Mux || offer.Keyed() {
			t.Errorf("offered\n%s", callee.in.Body())
		}
		callee.respond(200, dtlsSDP("203.0.113.8", answered, "a=rtcp-mux"))
		res := caller.expect(200)
		if a := audioOf(t, res.Body()); a.Secure() || strings.Contains(string(res.Body()), "fingerprint") {
			t.Errorf("the office got\n%s", res.Body())
		}
		caller.ack(res)
		callee.request(sip.ACK)
		got := s.desk.Calls()[0].Callee
		if !got.Encrypted() || got.Suite != "" {
			t.Errorf("before the handshake the leg is shown as %+v", got)
		}
		if !s.holes.listens("203.0.113.8") {
			t.Error("the handshake is not let in")
		}
		// A change asks for the same handshake, and a refused one changes nothing.
		caller.ask(sip.INVITE, clearSDP("192.0.2.50", "a=sendonly"))
		again := callee.request(sip.INVITE)
		if a := audioOf(t, again.Body()); !a.Handshakes() || a.DTLS.Setup != sdp.SetupEither || a.DTLS.Fingerprints[0] != offer.DTLS.Fingerprints[0] {
			t.Errorf("offered again\n%s", again.Body())
		}
		again.Refuse(ua.Reply{Status: 488})
		caller.expect(488)
		if h := s.session().callee.keys.handshake; h == nil || h.active != active {
			t.Errorf("answered %s: the handshake is %+v", answered, h)
		}
	}
}

func TestAnOfferedHandshakeIsAnsweredInItsRole(t *testing.T) {
	for offered, answered := range map[string]sdp.Setup{"actpass": sdp.SetupActive, "active": sdp.SetupPassive, "passive": sdp.SetupActive} {
		s := newScene(t, byHandshake(policy.KeyingSDES, policy.KeyingDTLS))
		caller := s.a.dial("+33612345678", "+33123456700", dtlsSDP("203.0.113.8", offered))
		callee := s.pbx.called()
		callee.respond(200, clearSDP("192.0.2.51"))
		res := caller.expect(200)
		first := audioOf(t, res.Body())
		if !first.Handshakes() || first.DTLS.Setup != answered || first.Keyed() || first.Mux {
			t.Errorf("%s is answered with\n%s", offered, res.Body())
		}
		caller.ack(res)
		callee.request(sip.ACK)
		// In a change the roles stay, whatever is left open (RFC 8842 §5.3).
		out := caller.ask(sip.INVITE, dtlsSDP("203.0.113.8", "actpass", "a=sendonly"))
		passed := callee.request(sip.INVITE)
		if err := passed.Respond(callee.box, ua.Reply{Status: 200, Contact: "sip:gw@192.0.2.51", Body: []byte(clearSDP("192.0.2.51", "a=recvonly")), ContentType: "application/sdp"}); err != nil {
			t.Fatal(err)
		}
		callee.request(sip.ACK)
		again := audioOf(t, caller.expect(200).Body())
		if again.DTLS == nil || again.DTLS.Setup != answered || again.DTLS.Fingerprints[0] != first.DTLS.Fingerprints[0] {
			t.Errorf("after %s the change is answered as %+v", offered, again)
		}
		if err := out.Ack(nil); err != nil {
			t.Fatal(err)
		}
		// Clear audio and keys in the signalling are both a step back from it; only the second is one that may be.
		caller.ask(sip.INVITE, clearSDP("203.0.113.8"))
		caller.expect(488)
	}
}

// baresip answers a change so when it was the one who called.
func TestAChangeThatIsAnsweredWithBothRolesKeepsThem(t *testing.T) {
	s := newScene(t, byHandshake(policy.KeyingDTLS))
	caller := s.a.dial("+33612345678", "+33123456700", dtlsSDP("203.0.113.8", "actpass"))
	callee := s.pbx.called()
	callee.respond(200, clearSDP("192.0.2.51"))
	caller.ack(caller.expect(200))
	callee.request(sip.ACK)
	out := callee.ask(sip.INVITE, clearSDP("192.0.2.51", "a=sendonly"))
	in := caller.request(sip.INVITE)
	if err := in.Respond(caller.box, ua.Reply{Status: 200, Contact: "sip:gw@203.0.113.7", Body: []byte(dtlsSDP("203.0.113.8", "actpass", "a=recvonly")), ContentType: sdpType}); err != nil {
		t.Fatal(err)
	}
	caller.request(sip.ACK)
	callee.expect(200)
	if err := out.Ack(nil); err != nil {
		t.Fatal(err)
	}
	if h := s.session().caller.keys.handshake; h == nil || !h.active {
		t.Errorf("the handshake is %+v", h)
	}
}

func TestAHandshakeIsRefusedWhereItIsNotSpoken(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*policy.Policy)
		offer  string
		says   string
	}{
		"not allowed":     {nil, dtlsSDP("203.0.113.8", "actpass"), "DTLS, which are not spoken"},
		"nothing else":    {byHandshake(policy.KeyingDTLS), secureSDP("203.0.113.8"), "SDES, which are not spoken"},
		"not even in AVP": {byHandshake(policy.KeyingDTLS), describe("RTP/AVP", "203.0.113.8", someKey), "required"},
		"encryption off":  {func(p *policy.Policy) { p.Trunks[0].SRTP = policy.SRTPOff }, dtlsSDP("203.0.113.8", "actpass"), "is off"},
		"a SHA-1 of it":   {byHandshake(policy.KeyingDTLS), describe("UDP/TLS/RTP/SAVP", "203.0.113.8", "a=fingerprint:sha-1 AA", "a=setup:actpass"), "SHA-256 is needed"},
		"nobody begins":   {byHandshake(policy.KeyingDTLS), dtlsSDP("203.0.113.8", "holdconn"), "nobody to begin"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, c.change)
			s.a.dial("+33612345678", "+33123456700", c.offer).expect(488)
			if e := find[event.CallRefused](s); !strings.Contains(e.Reason, c.says) {
				t.Errorf("told %+v, want %q", e, c.says)
			}
		})
	}
}

func TestAnAnswerThatLeavesTheHandshakeEndsTheCall(t *testing.T) {
	for name, answer := range map[string]string{
		"clear":          clearSDP("203.0.113.8"),
		"SDES":           secureSDP("203.0.113.8"),
		"no fingerprint": describe("UDP/TLS/RTP/SAVP", "203.0.113.8", "a=setup:active"),
		"nobody begins":  dtlsSDP("203.0.113.8", "actpass"),
		"opportunistic":  describe("RTP/AVP", "203.0.113.8", someFingerprint, "a=setup:active"),
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, byHandshake(policy.KeyingDTLS))
			caller := s.pbx.dial("201", "00472105518", clearSDP("192.0.2.50"))
			callee := s.a.called()
			callee.respond(200, answer)
			callee.request(sip.ACK)
			callee.request(sip.BYE).Refuse(ua.Reply{Status: 200})
			caller.expect(488)
			if s.holes.listensNow("203.0.113.8") {
				t.Error("audio of the carrier is let in")
			}
		})
	}
}

func TestAHandshakeThatFailsEndsTheCallWithItsReason(t *testing.T) {
	s := newScene(t, byHandshake(policy.KeyingDTLS))
	caller := s.a.dial("+33612345678", "+33123456700", dtlsSDP("203.0.113.8", "active"))
	callee := s.pbx.called()
	callee.respond(200, clearSDP("192.0.2.51"))
	caller.ack(caller.expect(200))
	callee.request(sip.ACK)
	call := s.session()
	call.terms(call.caller).Failed(errors.New("the certificate is not the one"))
	caller.request(sip.BYE).Refuse(ua.Reply{Status: 200})
	callee.request(sip.BYE).Refuse(ua.Reply{Status: 200})
	if e := find[event.CallEnded](s); !strings.Contains(e.Reason, "carrier-a cannot be encrypted: the certificate is not the one") {
		t.Errorf("told %+v", e)
	}
}

// A browser takes no call without ICE, so that it is offered where the policy says so; who answers without it does without.
func TestICEIsOfferedWhereThePolicySaysSo(t *testing.T) {
	const credentials = "a=ice-ufrag:evtj\r\na=ice-pwd:VOkJxbRl1RmTxUk/WvJxBt\r\na=candidate:1 1 UDP 2130706431 203.0.113.77 50000 typ host"
	const name = "a=mid:0\r\na=rtcp-mux"
	for answered, checks := range map[string]bool{credentials: true, "a=x:y": false} {
		s := newScene(t, func(p *policy.Policy) {
			p.Trunks[0].Keying, p.Trunks[0].OfferICE = []policy.Keying{policy.KeyingDTLS}, true
		})
		caller := s.pbx.dial("201", "00472105518", clearSDP("192.0.2.50"))
		callee := s.a.called()
		offer := audioOf(t, callee.in.Body())
		if offer.DTLS.ICE == nil || offer.Mid != "0" || !strings.Contains(string(callee.in.Body()), "a=ice-lite\r\n") {
			t.Fatalf("offered\n%s", callee.in.Body())
		}
		callee.respond(200, strings.Replace(dtlsSDP("203.0.113.8", "active", name, answered), "t=0 0", "t=0 0\r\na=group:BUNDLE 0", 1))
		caller.ack(caller.expect(200))
		callee.request(sip.ACK)
		if !s.holes.listens("203.0.113.8") || s.holes.listensNow("203.0.113.77") != checks {
			t.Errorf("answered %s, checks of the candidate are let in: %v", answered, !checks)
		}
		// What was agreed on stays in a change.
		caller.ask(sip.INVITE, clearSDP("192.0.2.50", "a=sendonly"))
		again := callee.request(sip.INVITE)
		a := audioOf(t, again.Body())
		if a.Mid != "0" || (a.DTLS.ICE != nil) != checks || checks && a.DTLS.ICE.Pwd != offer.DTLS.ICE.Pwd {
			t.Errorf("answered %s, offered again\n%s", answered, again.Body())
		}
		again.Refuse(ua.Reply{Status: 488})
		caller.expect(488)
	}
}

// A browser or a carrier that offers ICE is answered as by a lite implementation: it makes the checks and begins the
// handshake on the way that they find.
func TestICEIsAnsweredLiteToWhoOffersIt(t *testing.T) {
	const credentials, candidate = "a=ice-ufrag:evtj\r\na=ice-pwd:VOkJxbRl1RmTxUk/WvJxBt", "a=candidate:1 1 UDP 2130706431 203.0.113.77 50000 typ host"
	s := newScene(t, byHandshake(policy.KeyingDTLS))
	caller := s.a.dial("+33612345678", "+33123456700", dtlsSDP("203.0.113.8", "actpass", credentials, candidate, "a=rtcp-mux"))
	callee := s.pbx.called()
	callee.respond(200, clearSDP("192.0.2.51"))
	res := caller.expect(200)
	first := audioOf(t, res.Body())
	if first.DTLS.ICE == nil || first.DTLS.Setup != sdp.SetupPassive || !strings.Contains(string(res.Body()), "a=ice-lite") ||
		len(first.DTLS.ICE.Candidates) != 1 || first.DTLS.ICE.Candidates[0].String() != "198.51.100.2" {
		t.Fatalf("answered\n%s", res.Body())
	}
	caller.ack(res)
	callee.request(sip.ACK)
	for _, addr := range []string{"203.0.113.8", "203.0.113.77"} {
		if !s.holes.listens(addr) {
			t.Errorf("checks from %s are not let in", addr)
		}
	}
	for i, pwd := range []string{"VOkJxbRl1RmTxUk/WvJxBt", "the+peer+begins+its+ICE+anew"} {
		same := i == 0
		out := caller.ask(sip.INVITE, strings.Replace(dtlsSDP("203.0.113.8", "actpass", credentials, "a=sendonly"), "VOkJxbRl1RmTxUk/WvJxBt", pwd, 1))
		passed := callee.request(sip.INVITE)
		if err := passed.Respond(callee.box, ua.Reply{Status: 200, Contact: "sip:gw@192.0.2.51", Body: []byte(clearSDP("192.0.2.51", "a=recvonly")), ContentType: "application/sdp"}); err != nil {
			t.Fatal(err)
		}
		callee.request(sip.ACK)
		again := audioOf(t, caller.expect(200).Body())
		if err := out.Ack(nil); err != nil {
			t.Fatal(err)
		}
		if again.DTLS.ICE == nil || (again.DTLS.ICE.Pwd == first.DTLS.ICE.Pwd) != same || again.DTLS.Setup != sdp.SetupPassive {
			t.Errorf("with the password %s the change is answered with %+v", pwd, again.DTLS)
		}
		first = again
	}
}
