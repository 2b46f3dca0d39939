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
