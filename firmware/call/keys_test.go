package call

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/event"
	"tollgate/firmware/policy"
	"tollgate/firmware/sdp"
	"tollgate/firmware/ua"
)

// cryptoLine is an a=crypto line of a peer under a key of its own.
func cryptoLine(tag int, suite policy.Suite, more ...string) string {
	key := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", sdp.KeyLength(suite))))
	return strings.Join(append([]string{fmt.Sprintf("a=crypto:%d %s inline:%s", tag, suite, key)}, more...), " ")
}

var cryptos = regexp.MustCompile(`a=crypto:(\d+) (\S+) inline:(\S+)`)

// keysIn are the keys of a description, by suite.
func keysIn(body []byte) map[policy.Suite]string {
	keys := map[policy.Suite]string{}
	for _, m := range cryptos.FindAllStringSubmatch(string(body), -1) {
		keys[policy.Suite(m[2])] = m[3]
	}
	return keys
}

// suiteOrder are the suites of a description, as they stand.
func suiteOrder(body []byte) (suites []policy.Suite) {
	for _, m := range cryptos.FindAllStringSubmatch(string(body), -1) {
		suites = append(suites, policy.Suite(m[2]))
	}
	return suites
}

func TestEachPeerIsOfferedItsSuitesInItsOrder(t *testing.T) {
	for _, suites := range [][]policy.Suite{
		policy.DefaultSuites(), {policy.SuiteAEADAES256GCM}, {policy.SuiteAESCM128SHA132, policy.SuiteAES256CMSHA180},
	} {
		s := newScene(t, func(p *policy.Policy) { p.Trunks[0].Suites = suites })
		caller := s.pbx.dial("201", "00472105518", clearSDP("192.0.2.50"))
		callee := s.a.called()
		if got := suiteOrder(callee.in.Body()); fmt.Sprint(got) != fmt.Sprint(suites) {
			t.Errorf("offered %v, want %v", got, suites)
		}
		last := len(suites) - 1
		callee.respond(200, describe("RTP/SAVP", "203.0.113.8", cryptoLine(last+1, suites[last])))
		caller.ack(caller.expect(200))
		callee.request(sip.ACK)
		if got := s.desk.Calls()[0].Callee.Suite; got != suites[last] {
			t.Errorf("the call is shown under %s, want %s", got, suites[last])
		}
	}
}

func TestACallersOfferIsAnsweredByOurOrderWithASuiteOfItsPeer(t *testing.T) {
	s := newScene(t, func(p *policy.Policy) {
		p.Trunks[0].Suites = []policy.Suite{policy.SuiteAEADAES256GCM, policy.SuiteAES256CMSHA132}
	})
	caller := s.a.dial("+33612345678", "+33123456700", describe("RTP/SAVP", "203.0.113.8",
		cryptoLine(1, policy.SuiteAESCM128SHA180), cryptoLine(2, policy.SuiteAES256CMSHA132), cryptoLine(7, policy.SuiteAEADAES256GCM)+"|2^31|1:4"))
	s.pbx.called().respond(200, clearSDP("192.0.2.51"))
	res := caller.expect(200)
	if !strings.Contains(string(res.Body()), "a=crypto:7 AEAD_AES_256_GCM inline:") || len(keysIn(res.Body())) != 1 {
		t.Errorf("the answer is\n%s", res.Body())
	}
	caller.ack(res)

	refused := s.a.dial("+33612345678", "+33123456700", describe("RTP/SAVP", "203.0.113.8",
		cryptoLine(1, policy.SuiteAESCM128SHA180), cryptoLine(2, policy.SuiteAEADAES256GCM, "UNENCRYPTED_SRTP")))
	refused.expect(488)
	if e := find[event.CallRefused](s); e.Rule != "trunks.srtp" || !strings.Contains(e.Reason, "crypto line 2 for AEAD_AES_256_GCM: its session parameter UNENCRYPTED_SRTP is not accepted") {
		t.Errorf("told %+v", e)
	}
}

// Whatever the answer to an offer of SRTP is, clear audio does not follow from it.
func TestAnAnswerThatDoesNotFitTheOfferedKeysEndsTheCall(t *testing.T) {
	for name, answer := range map[string]string{
		"another suite":         describe("RTP/SAVP", "203.0.113.8", cryptoLine(2, policy.SuiteAESCM128SHA180)),
		"a suite nobody named":  describe("RTP/SAVP", "203.0.113.8", cryptoLine(1, policy.SuiteAESCM128SHA132)),
		"another tag":           describe("RTP/SAVP", "203.0.113.8", cryptoLine(9, policy.SuiteAESCM128SHA180)),
		"two keys":              describe("RTP/SAVP", "203.0.113.8", cryptoLine(1, policy.SuiteAESCM128SHA180), cryptoLine(2, policy.SuiteAEADAES128GCM)),
		"a weakened one":        describe("RTP/SAVP", "203.0.113.8", cryptoLine(1, policy.SuiteAESCM128SHA180, "UNENCRYPTED_SRTP")),
		"no key":                describe("RTP/SAVP", "203.0.113.8"),
		"clear audio":           clearSDP("203.0.113.8"),
		"clear audio and a key": describe("RTP/AVP", "203.0.113.8", cryptoLine(1, policy.SuiteAESCM128SHA180)),
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, nil)
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

func TestNoTwoInvitesShareAKey(t *testing.T) {
	s := newScene(t, func(p *policy.Policy) {
		p.Trunks[1].SRTP, p.Trunks[1].Suites = policy.SRTPRequired, policy.DefaultSuites()
	})
	seen := map[string]bool{}
	note := func(body []byte) {
		t.Helper()
		keys := keysIn(body)
		if len(keys) == 0 {
			t.Fatalf("no keys in\n%s", body)
		}
		for suite, k := range keys {
			if seen[k] {
				t.Errorf("a key of %s was offered before", suite)
			}
			seen[k] = true
		}
	}
	for range 2 { // each call tries both carriers
		caller := s.pbx.dial("201", "00472105518", clearSDP("192.0.2.50"))
		first := s.a.called()
		note(first.in.Body())
		first.respond(503, "")
		second := s.b.called()
		note(second.in.Body())
		second.respond(486, "")
		caller.expect(486)
	}
}

// opportunistic has carrier-a take keys in clear streams (RFC 8643).
func opportunistic(p *policy.Policy) { p.Trunks[0].SRTP = policy.SRTPOpportunistic }

func TestKeysAreOfferedInAClearStreamAndTakenOrLeft(t *testing.T) {
	for name, c := range map[string]struct {
		answer    string
		encrypted bool
		refused   bool
	}{
		"taken":                {answer: describe("RTP/AVP", "203.0.113.8", cryptoLine(2, policy.SuiteAEADAES128GCM)), encrypted: true},
		"left":                 {answer: clearSDP("203.0.113.8")},
		"taken by another":     {answer: describe("RTP/AVP", "203.0.113.8", cryptoLine(2, policy.SuiteAESCM128SHA180)), refused: true},
		"taken and weakened":   {answer: describe("RTP/AVP", "203.0.113.8", cryptoLine(1, policy.SuiteAESCM128SHA180, "UNENCRYPTED_SRTP")), refused: true},
		"in another transport": {answer: describe("RTP/SAVP", "203.0.113.8", cryptoLine(1, policy.SuiteAESCM128SHA180)), refused: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, opportunistic)
			caller := s.pbx.dial("201", "00472105518", clearSDP("192.0.2.50"))
			callee := s.a.called()
			if body := string(callee.in.Body()); !strings.Contains(body, " RTP/AVP ") || len(keysIn([]byte(body))) != 4 {
				t.Errorf("offered\n%s", body)
			}
			callee.respond(200, c.answer)
			callee.request(sip.ACK)
			if c.refused {
				callee.request(sip.BYE).Refuse(ua.Reply{Status: 200})
				caller.expect(488)
				return
			}
			caller.ack(caller.expect(200))
			if got := s.desk.Calls()[0].Callee; got.Encrypted() != c.encrypted || got.Media.Encrypted != c.encrypted {
				t.Errorf("shown %+v", got)
			}
		})
	}
}

func TestAnOfferOfKeysInAClearStreamIsTakenUnlessEncryptionIsOff(t *testing.T) {
	for mode, want := range map[policy.SRTPMode]int{policy.SRTPOff: 0, policy.SRTPOptional: 1, policy.SRTPOpportunistic: 1, policy.SRTPRequired: 1} {
		t.Run(string(mode), func(t *testing.T) {
			s := newScene(t, func(p *policy.Policy) { p.Trunks[0].SRTP = mode })
			caller := s.a.dial("+33612345678", "+33123456700", describe("RTP/AVP", "203.0.113.8", cryptoLine(3, policy.SuiteAESCM128SHA180)))
			s.pbx.called().respond(200, clearSDP("192.0.2.51"))
			res := caller.expect(200)
			if body := string(res.Body()); len(keysIn(res.Body())) != want || !strings.Contains(body, " RTP/AVP ") || want == 1 && !strings.Contains(body, "a=crypto:3 ") {
				t.Errorf("answered\n%s", body)
			}
			caller.ack(res)
		})
	}
	// A weakened key is none, so that the stream is clear; where encryption is required that is not enough.
	for mode, status := range map[policy.SRTPMode]int{policy.SRTPOpportunistic: 200, policy.SRTPRequired: 488} {
		s := newScene(t, func(p *policy.Policy) { p.Trunks[0].SRTP = mode })
		caller := s.a.dial("+33612345678", "+33123456700", describe("RTP/AVP", "203.0.113.8", cryptoLine(3, policy.SuiteAESCM128SHA180, "UNENCRYPTED_SRTP")))
		if status == 200 {
			s.pbx.called().respond(200, clearSDP("192.0.2.51"))
		}
		res := caller.expect(status)
		if len(keysIn(res.Body())) != 0 {
			t.Errorf("answered\n%s", res.Body())
		}
		if status == 200 {
			caller.ack(res)
		}
	}
}

// encryptedCall brings a call of carrier-a to the PBX up, with keys in a stream of any transport.
func encryptedCall(t *testing.T, s *scene, proto string) (caller, callee *dialog, answer []byte) {
	t.Helper()
	caller = s.a.dial("+33612345678", "+33123456700", describe(proto, "203.0.113.8", cryptoLine(1, policy.SuiteAESCM128SHA180)))
	callee = s.pbx.called()
	callee.respond(200, clearSDP("192.0.2.51"))
	res := caller.expect(200)
	caller.ack(res)
	callee.request(sip.ACK)
	return caller, callee, res.Body()
}

func TestWhatWasEncryptedStaysEncrypted(t *testing.T) {
	for _, proto := range []string{"RTP/SAVP", "RTP/AVP"} {
		for name, offer := range map[string]string{
			"clear":            clearSDP("203.0.113.9"),
			"clear on hold":    clearSDP("203.0.113.9", "a=sendonly"),
			"weakened":         describe("RTP/AVP", "203.0.113.9", cryptoLine(1, policy.SuiteAESCM128SHA180, "UNENCRYPTED_SRTP")),
			"an unknown suite": describe("RTP/SAVP", "203.0.113.9", "a=crypto:1 NULL_HMAC_SHA1_80 inline:AAAA"),
		} {
			t.Run(proto+" "+name, func(t *testing.T) {
				s := newScene(t, opportunistic)
				caller, callee, _ := encryptedCall(t, s, proto)
				caller.ask(sip.INVITE, offer)
				caller.expect(488)
				if got := s.desk.Calls()[0].Caller; !got.Encrypted() || !got.Media.Encrypted || s.holes.listensNow("203.0.113.9") {
					t.Errorf("after the refusal the call is shown as %+v", got)
				}
				// What the office changes is offered with the key in use, and an answer without it ends the call.
				callee.ask(sip.INVITE, clearSDP("192.0.2.51", "a=sendonly"))
				again := caller.request(sip.INVITE)
				if keys := keysIn(again.Body()); len(keys) != 1 || !strings.Contains(string(again.Body()), proto) {
					t.Errorf("offered again:\n%s", again.Body())
				}
				if err := again.Respond(caller.box, ua.Reply{Status: 200, Contact: "sip:gw@203.0.113.7", Body: []byte(clearSDP("203.0.113.8")), ContentType: "application/sdp"}); err != nil {
					t.Fatal(err)
				}
				caller.request(sip.ACK)
				callee.expect(488)
				caller.request(sip.BYE).Refuse(ua.Reply{Status: 200})
				callee.request(sip.BYE).Refuse(ua.Reply{Status: 200})
			})
		}
	}
}

// RFC 3261 §14.1: after a refused change the call goes on as it was, keys and all.
func TestARefusedChangeLeavesTheKeysAsTheyWere(t *testing.T) {
	s := newScene(t, opportunistic)
	caller, callee, first := encryptedCall(t, s, "RTP/SAVP")
	caller.ask(sip.INVITE, describe("RTP/SAVP", "203.0.113.8", "a=sendonly", cryptoLine(5, policy.SuiteAEADAES256GCM)))
	offered := callee.request(sip.INVITE)
	offered.Refuse(ua.Reply{Status: 488})
	caller.expect(488)
	callee.ask(sip.INVITE, clearSDP("192.0.2.51", "a=inactive"))
	again := caller.request(sip.INVITE)
	if got, want := fmt.Sprint(keysIn(again.Body())), fmt.Sprint(keysIn(first)); got != want {
		t.Error("the key in use is not the one from before the refused change")
	}
	again.Refuse(ua.Reply{Status: 488})
	callee.expect(488)
}

func TestAReOfferKeepsOurKeyAndANewSuiteGetsAFreshOne(t *testing.T) {
	s := newScene(t, nil)
	caller, callee, first := encryptedCall(t, s, "RTP/SAVP")
	for _, c := range []struct {
		line string
		kept bool
	}{
		{cryptoLine(4, policy.SuiteAESCM128SHA180), true}, {strings.Replace(cryptoLine(2, policy.SuiteAESCM128SHA180), "inline:a", "inline:b", 1), true},
		{cryptoLine(1, policy.SuiteAEADAES128GCM), false},
	} {
		out := caller.ask(sip.INVITE, describe("RTP/SAVP", "203.0.113.8", "a=sendonly", c.line))
		passed := callee.request(sip.INVITE)
		if err := passed.Respond(callee.box, ua.Reply{Status: 200, Contact: "sip:gw@192.0.2.51", Body: []byte(clearSDP("192.0.2.51", "a=recvonly")), ContentType: "application/sdp"}); err != nil {
			t.Fatal(err)
		}
		callee.request(sip.ACK)
		res := caller.expect(200)
		if err := out.Ack(nil); err != nil {
			t.Fatal(err)
		}
		before, now := keysIn(first), keysIn(res.Body())
		if same := fmt.Sprint(before) == fmt.Sprint(now); len(now) != 1 || same != c.kept {
			t.Errorf("to %.30s the key stays: %v, want %v", c.line, same, c.kept)
		}
	}
}

// The forks of one INVITE all know the key that it offered: audio goes to, and comes from, the last one that has described
// itself, and nobody else.
func TestForksOfOneInviteShareAKeySoThatOneAloneIsHeard(t *testing.T) {
	s := newScene(t, nil)
	caller := s.pbx.dial("201", "00472105518", clearSDP("192.0.2.50"))
	callee := s.a.called()
	only := func(fork, other string) {
		t.Helper()
		if !s.holes.listens(fork) || s.holes.listensNow(other) {
			t.Errorf("the audio of %s is let in: %v, of %s: %v", fork, s.holes.listensNow(fork), other, s.holes.listensNow(other))
		}
	}
	callee.respond(183, secureSDP("203.0.113.8"))
	caller.expect(183)
	only("203.0.113.8", "203.0.113.9")
	first := callee.in.Tag
	callee.in.Tag = "the-other-fork"
	callee.respond(183, describe("RTP/SAVP", "203.0.113.9", cryptoLine(2, policy.SuiteAEADAES128GCM)))
	caller.expect(183)
	only("203.0.113.9", "203.0.113.8")
	callee.in.Tag = first
	callee.respond(200, secureSDP("203.0.113.8"))
	caller.ack(caller.expect(200))
	callee.request(sip.ACK)
	only("203.0.113.8", "203.0.113.9")
	if got := s.desk.Calls()[0].Callee.Suite; got != policy.SuiteAESCM128SHA180 {
		t.Errorf("the call is shown under %s", got)
	}
}
