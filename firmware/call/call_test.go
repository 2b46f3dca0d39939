package call

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/event"
	"tollgate/firmware/policy"
	"tollgate/firmware/ua"
)

func TestAnOfficeCallIsEncryptedTowardsTheCarrierAndHidesTheOffice(t *testing.T) {
	s := newScene(t, nil)
	caller := s.pbx.dial("201", "00472105518", clearSDP("192.0.2.50"))
	callee := s.a.called()

	in := callee.in
	if got := in.Recipient.String(); got != "sip:+33472105518@carrier-a.example" {
		t.Errorf("Request-URI %s", got)
	}
	if got := in.From().Address.String(); got != "sip:+33123456700@carrier-a.example" {
		t.Errorf("From %s: an extension is replaced by the trunk's number", got)
	}
	if got := in.Request.MaxForwards().Val(); got != 69 {
		t.Errorf("Max-Forwards %d, want one less than the caller's 70 (RFC 7332)", got)
	}
	offer := offerOf(in)
	if !hasLine(offer, "m=audio ") || !hasLine(offer, "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:") || !strings.Contains(string(in.Body()), " RTP/SAVP ") {
		t.Errorf("the offer is not SRTP:\n%s", in.Body())
	}

	callee.respond(180, "")
	caller.expect(180)
	callee.respond(200, secureSDP("203.0.113.8"))
	res := caller.expect(200)
	if body := string(res.Body()); !strings.Contains(body, " RTP/AVP ") || strings.Contains(body, "crypto") || !strings.Contains(body, "c=IN IP4 192.0.2.1") {
		t.Errorf("the office's answer is not clear media at the box:\n%s", body)
	}
	caller.ack(res)
	callee.request(sip.ACK)
	if calls := s.desk.Calls(); len(calls) != 1 || calls[0].State != Answered || calls[0].Trunk != "carrier-a" ||
		!calls[0].Callee.Encrypted() || calls[0].Caller.Encrypted() {
		t.Errorf("shown: %+v", calls)
	}

	bye := caller.ask(sip.BYE, "")
	if e := caller.next(); e.Sent != bye || e.Response.StatusCode != 200 {
		t.Errorf("BYE answered with %s", shown(e))
	}
	callee.request(sip.BYE).Refuse(ua.Reply{Status: 200})
	if e := find[event.CallEnded](s); !e.Answered || e.Reason != "hung up by pbx" {
		t.Errorf("told %+v", e)
	}
	noLeak(t, s.a, "192.0.2.", "marked", "127.", "office.lan")
	noLeak(t, s.pbx, "203.0.113.", "198.51.100.", "marked-server", "marked-tool", "carrier-a.example", "127.")
}

func TestACarriersCallReachesThePBXInItsOwnFormat(t *testing.T) {
	s := newScene(t, nil)
	caller := s.a.dial("+33612345678", "+33123456700", secureSDP("203.0.113.8"))
	callee := s.pbx.called()
	if got := callee.in.Recipient.User; got != "0123456700" {
		t.Errorf("called number %s, want 0123456700", got)
	}
	if got := callee.in.From().Address.User; got != "0612345678" {
		t.Errorf("caller %s, want 0612345678", got)
	}
	if body := string(callee.in.Body()); !strings.Contains(body, " RTP/AVP ") || strings.Contains(body, "crypto") {
		t.Errorf("the PBX wants clear media, got\n%s", body)
	}
	callee.respond(200, clearSDP("192.0.2.51"))
	res := caller.expect(200)
	if !hasLine(strings.Split(string(res.Body()), "\r\n"), "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:") || strings.Contains(string(res.Body()), someKey) {
		t.Errorf("the answer has no key of our own:\n%s", res.Body())
	}
	caller.ack(res)
	callee.request(sip.ACK)
	hangUp := callee.ask(sip.BYE, "")
	if e := callee.next(); e.Sent != hangUp || e.Response.StatusCode != 200 {
		t.Errorf("BYE answered with %s", shown(e))
	}
	caller.request(sip.BYE).Refuse(ua.Reply{Status: 200})
}

func TestEarlyMediaIsAnsweredBeforeTheCallIs(t *testing.T) {
	s := newScene(t, nil)
	caller := s.pbx.dial("201", "00472105518", clearSDP("192.0.2.50"))
	callee := s.a.called()
	callee.respond(183, secureSDP("203.0.113.8"))
	early := caller.expect(183)
	if !strings.Contains(string(early.Body()), " RTP/AVP ") {
		t.Errorf("183 without an answer:\n%s", early.Body())
	}
	callee.respond(200, secureSDP("203.0.113.8"))
	res := caller.expect(200)
	if string(res.Body()) != string(early.Body()) {
		t.Errorf("the same answer was written differently:\n%s\n%s", early.Body(), res.Body())
	}
	caller.ack(res)
	callee.request(sip.ACK)
}

func TestWhatMayNotPassIsRefusedWithItsRule(t *testing.T) {
	tests := map[string]struct {
		change func(*policy.Policy)
		call   func(*scene) *dialog
		status int
		rule   string
		reason string
	}{
		"clear audio from a carrier that must encrypt": {
			call:   func(s *scene) *dialog { return s.a.dial("+33612345678", "+33123456700", clearSDP("203.0.113.8")) },
			status: 488, rule: "trunks.srtp", reason: "SRTP is required, but carrier-a offers unencrypted audio",
		},
		"a number that is not ours": {
			call:   func(s *scene) *dialog { return s.a.dial("+33612345678", "+33199999999", secureSDP("203.0.113.8")) },
			status: 404, rule: "trunks.accounts.numbers",
		},
		"a number of another trunk": {
			call:   func(s *scene) *dialog { return s.a.dial("+33612345678", "+33123456800", secureSDP("203.0.113.8")) },
			status: 404, rule: "trunks.accounts.numbers",
		},
		"no number at all": {
			call:   func(s *scene) *dialog { return s.pbx.dial("201", "hello", clearSDP("192.0.2.50")) },
			status: 484, rule: "site.country",
		},
		"no route": {
			change: func(p *policy.Policy) { p.Routes[0].Prefixes = []string{"+44"} },
			call:   func(s *scene) *dialog { return s.pbx.dial("201", "00472105518", clearSDP("192.0.2.50")) },
			status: 404, rule: "routes",
		},
		"media to nobody": {
			call:   func(s *scene) *dialog { return s.pbx.dial("201", "00472105518", clearSDP("224.0.0.1")) },
			status: 488, rule: "sdp",
		},
		"broken SDP": {
			call:   func(s *scene) *dialog { return s.pbx.dial("201", "00472105518", "v=0\r\nm=audio\r\n") },
			status: 400, rule: "sdp",
		},
		"a loop": {
			call: func(s *scene) *dialog {
				return s.pbx.send(ua.Draft{Method: sip.INVITE, URI: "sip:00472105518@192.0.2.1", From: "sip:201@x", To: "sip:0@x", FromTag: "f",
					CallID: "c", Seq: 1, Local: ua.Local{Host: "192.0.2.98", Port: 5060, Transport: "UDP"}})
			},
			status: 483, rule: "sip",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, tt.change)
			tt.call(s).expect(tt.status)
			e := find[event.CallRefused](s)
			if e.Status != tt.status || e.Rule != tt.rule || e.Reason == "" || !strings.Contains(e.Reason, tt.reason) {
				t.Errorf("told %+v, want status %d by %s: %s", e, tt.status, tt.rule, tt.reason)
			}
			if n := len(s.a.calls) + len(s.b.calls) + len(s.pbx.calls); n != 0 {
				t.Errorf("%d INVITEs left the box", n)
			}
		})
	}
}

func TestAFullTrunkLetsEmergencyCallsPass(t *testing.T) {
	s := newScene(t, func(p *policy.Policy) { p.Limits.Calls = 1 })
	s.answeredCall()
	s.pbx.dial("202", "00472105519", clearSDP("192.0.2.51")).expect(503)
	if e := find[event.CallRefused](s); e.Rule != "limits.calls" {
		t.Errorf("refused by %s, want limits.calls", e.Rule)
	}
	for _, dialled := range []string{"112", "0112", "15"} {
		caller := s.pbx.dial("203", dialled, clearSDP("192.0.2.52"))
		callee := s.a.called()
		if got := callee.in.Recipient.User; got != strings.TrimPrefix(dialled, "0") {
			t.Errorf("%s reached the carrier as %s", dialled, got)
		}
		callee.respond(200, secureSDP("203.0.113.8"))
		caller.ack(caller.expect(200))
	}
}

func TestACallWhoseFirstTrunkIsFullTakesTheSecond(t *testing.T) {
	s := newScene(t, func(p *policy.Policy) { p.Trunks[0].Caps.Calls, p.Trunks[1].Caps.Calls = 1, 1 })
	s.answeredCall()
	caller := s.pbx.dial("202", "00472105519", clearSDP("192.0.2.51"))
	callee := s.b.called()
	callee.respond(200, clearSDP("203.0.113.9"))
	caller.ack(caller.expect(200))
	s.pbx.dial("203", "00472105520", clearSDP("192.0.2.52")).expect(503)
	if e := find[event.CallRefused](s); e.Rule != "trunks.carrier-b.caps.calls" {
		t.Errorf("refused by %s", e.Rule)
	}
}

func TestACallerWhoHangsUpEarlyCancelsTheCallee(t *testing.T) {
	s := newScene(t, nil)
	caller := s.pbx.dial("201", "00472105518", clearSDP("192.0.2.50"))
	callee := s.a.called()
	callee.respond(180, "")
	caller.expect(180)
	caller.out.Cancel()
	caller.expect(487)
	if e := callee.next(); e.Cancelled != callee.in {
		t.Errorf("the carrier got %s, want a CANCEL", shown(e))
	}
	if e := find[event.CallEnded](s); e.Answered || e.Status != 487 {
		t.Errorf("told %+v", e)
	}
}

func TestAnAnswerThatCrossesACancelIsHungUp(t *testing.T) {
	s := newScene(t, nil)
	caller := s.pbx.dial("201", "00472105518", clearSDP("192.0.2.50"))
	callee := s.a.called()
	callee.respond(180, "")
	caller.expect(180)
	s.a.boxEnd.Lose = func(m string) bool { return strings.HasPrefix(m, "CANCEL ") }
	caller.out.Cancel()
	caller.expect(487)
	callee.respond(200, secureSDP("203.0.113.8"))
	callee.request(sip.ACK)
	callee.request(sip.BYE).Refuse(ua.Reply{Status: 200})
}

func TestTheNextTrunkIsTriedWhenTheFirstFails(t *testing.T) {
	tests := map[string]struct {
		first  int
		second bool
		final  int
	}{
		"the trunk is out of order":     {first: 503, second: true, final: 200},
		"it refuses our credentials":    {first: 403, second: true, final: 200},
		"the callee is busy":            {first: 486, second: false, final: 486},
		"the number does not exist":     {first: 404, second: false, final: 404},
		"the callee declines":           {first: 603, second: false, final: 603},
		"a challenge nobody can answer": {first: 407, second: true, final: 200},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, nil)
			caller := s.pbx.dial("201", "00472105518", clearSDP("192.0.2.50"))
			s.a.called().respond(tt.first, "")
			if tt.second {
				callee := s.b.called()
				if got := callee.in.From().Address.User; got != "+33123456800" {
					t.Errorf("the second trunk was shown %s, which is not its own number", got)
				}
				if strings.Contains(string(callee.in.Body()), "crypto") {
					t.Error("keys were sent to a trunk without SRTP")
				}
				callee.respond(200, clearSDP("203.0.113.9"))
			}
			res := caller.expect(tt.final)
			if tt.final == 200 {
				caller.ack(res)
			} else if len(s.b.calls) > 0 {
				t.Error("the second trunk was tried although the first one's answer was final")
			}
		})
	}
}

func TestAnswersThatDoNotFitEndTheCall(t *testing.T) {
	tests := map[string]string{
		"clear audio although SRTP was offered": clearSDP("203.0.113.8"),
		"another suite than was offered":        describe("RTP/SAVP", "203.0.113.8", strings.Replace(someKey, "crypto:1 AES_CM_128_HMAC_SHA1_80", "crypto:2 AES_CM_128_HMAC_SHA1_80", 1)),
		"no codec in common":                    strings.Replace(secureSDP("203.0.113.8"), "8 0 101", "18", 1),
		"nothing":                               "",
	}
	for name, body := range tests {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, nil)
			caller := s.pbx.dial("201", "00472105518", clearSDP("192.0.2.50"))
			callee := s.a.called()
			callee.respond(200, body)
			callee.request(sip.ACK)
			caller.expect(488)
			callee.request(sip.BYE).Refuse(ua.Reply{Status: 200})
		})
	}
}

func TestHoldIsPassedOnUnderTheSameKey(t *testing.T) {
	s := newScene(t, nil)
	caller, callee := s.answeredCall()
	key := func(body []byte) string {
		_, rest, _ := strings.Cut(string(body), "inline:")
		return strings.TrimSpace(strings.SplitN(rest, "\r\n", 2)[0])
	}
	before := key(callee.in.Body())

	out := caller.ask(sip.INVITE, strings.Replace(clearSDP("192.0.2.50", "a=sendonly"), "42 1 IN", "42 2 IN", 1))
	in := callee.request(sip.INVITE)
	if !hasLine(offerOf(in), "a=sendonly") {
		t.Errorf("hold was not passed on:\n%s", in.Body())
	}
	if got := key(in.Body()); got != before {
		t.Error("the key changed: counters and replay windows would be lost")
	}
	if err := in.Respond(callee.box, ua.Reply{Status: 200, Contact: "sip:gw@203.0.113.7", Body: []byte(secureSDP("203.0.113.8", "a=recvonly")), ContentType: sdpType}); err != nil {
		t.Fatal(err)
	}
	res := caller.expect(200)
	if !hasLine(strings.Split(string(res.Body()), "\r\n"), "a=recvonly") {
		t.Errorf("the answer to hold:\n%s", res.Body())
	}
	if err := out.Ack(nil); err != nil {
		t.Fatal(err)
	}
	callee.request(sip.ACK)
}

func TestAChangeIsRefusedWhileTheCallGoesOn(t *testing.T) {
	s := newScene(t, nil)
	caller, callee := s.answeredCall()

	callee.ask(sip.INVITE, clearSDP("203.0.113.8"))
	callee.expect(488) // a downgrade goes no further

	caller.ask(sip.INVITE, clearSDP("192.0.2.50", "a=inactive"))
	in := callee.request(sip.INVITE)
	callee.ask(sip.INVITE, secureSDP("203.0.113.8"))
	callee.expect(491) // glare: one change at a time
	if err := in.Respond(callee.box, ua.Reply{Status: 488}); err != nil {
		t.Fatal(err)
	}
	caller.expect(488)
	if calls := s.desk.Calls(); len(calls) != 1 || calls[0].State != Answered {
		t.Errorf("the call did not go on: %+v", calls)
	}
	noLeak(t, s.pbx, "203.0.113.")
}

func TestACancelledChangeIsCancelledOnTheOtherSide(t *testing.T) {
	s := newScene(t, nil)
	caller, callee := s.answeredCall()
	change := caller.ask(sip.INVITE, clearSDP("192.0.2.50", "a=inactive"))
	in := callee.request(sip.INVITE)
	if err := in.Respond(callee.box, ua.Reply{Status: 180}); err != nil {
		t.Fatal(err)
	}
	time.Sleep(250 * time.Millisecond) // the box's own 100 Trying reaches the one who asked
	change.Cancel()
	caller.expect(487)
	if e := callee.next(); e.Cancelled != in {
		t.Errorf("the carrier got %s, want a CANCEL", shown(e))
	}
	if calls := s.desk.Calls(); len(calls) != 1 || calls[0].State != Answered {
		t.Errorf("the call did not go on: %+v", calls)
	}
}

func TestAStopHangsUpBothSides(t *testing.T) {
	s := newScene(t, nil)
	caller, callee := s.answeredCall()
	ringing := s.pbx.dial("202", "00472105519", clearSDP("192.0.2.51"))
	second := s.a.called()
	second.respond(180, "")
	ringing.expect(180)

	stopped := make(chan time.Duration)
	go func() {
		begun := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), 4*time.Second)
		defer cancel()
		s.desk.Drain(ctx)
		stopped <- time.Since(begun)
	}()
	caller.request(sip.BYE).Refuse(ua.Reply{Status: 200})
	callee.request(sip.BYE).Refuse(ua.Reply{Status: 200})
	if e := second.next(); e.Cancelled == nil {
		t.Errorf("the ringing callee got %s, want a CANCEL", shown(e))
	}
	ringing.expect(503)
	if took := <-stopped; took > time.Second {
		t.Errorf("the stop took %v although everybody answered at once", took)
	}
	s.pbx.dial("203", "00472105520", clearSDP("192.0.2.52")).expect(503)
	emergency := s.pbx.dial("204", "112", clearSDP("192.0.2.53"))
	help := s.a.called()
	help.respond(200, secureSDP("203.0.113.8"))
	emergency.ack(emergency.expect(200))
}

func TestAWithheldNumberIsAssertedToTheCarrierOnly(t *testing.T) {
	s := newScene(t, nil)
	s.pbx.dial("anonymous", "00472105518", clearSDP("192.0.2.50"))
	callee := s.a.called()
	if got := callee.in.From().Address.String(); got != "sip:anonymous@anonymous.invalid" {
		t.Errorf("From %s", got)
	}
	for name, want := range map[string]string{"Privacy": "id", "P-Asserted-Identity": "<sip:+33123456700@carrier-a.example>"} {
		if h := callee.in.GetHeaders(name); len(h) != 1 || h[0].Value() != want {
			t.Errorf("%s: %v, want %s", name, h, want)
		}
	}
	callee.respond(486, "")
}

func TestOptionsTellWhetherCallsAreTaken(t *testing.T) {
	s := newScene(t, nil)
	ask := func() *sip.Response {
		d := ua.Draft{Method: sip.OPTIONS, URI: "sip:192.0.2.1", From: "sip:x@192.0.2.10", To: "sip:192.0.2.1", FromTag: "f", CallID: ua.NewCallID(), Seq: 1,
			Local: ua.Local{Host: "192.0.2.98", Port: 5060, Transport: "UDP"}}
		req, _ := d.Request()
		res, err := s.pbx.core.Do(t.Context(), req, box, s.pbx.end, nil)
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	if res := ask(); res.StatusCode != 200 || res.GetHeaders("Allow")[0].Value() != ua.Allow {
		t.Errorf("got %s", res)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	s.desk.Drain(ctx)
	if res := ask(); res.StatusCode != 503 {
		t.Errorf("while stopping: %d, want 503", res.StatusCode)
	}
}

func TestACallerIsNotHungUpBeforeItsACK(t *testing.T) {
	s := newScene(t, nil)
	caller := s.pbx.dial("201", "00472105518", clearSDP("192.0.2.50"))
	callee := s.a.called()
	callee.respond(200, secureSDP("203.0.113.8"))
	res := caller.expect(200)
	callee.request(sip.ACK)
	callee.state.RemoteTag, _ = callee.in.From().Params.Get("tag")
	bye := callee.ask(sip.BYE, "")
	if e := callee.next(); e.Sent != bye || e.Response.StatusCode != 200 {
		t.Errorf("BYE answered %s", shown(e))
	}
	time.Sleep(50 * time.Millisecond)
	if n := s.pbx.boxEnd.Count("BYE "); n > 0 {
		t.Error("the caller was hung up before it had acknowledged the answer (RFC 3261 §15)")
	}
	caller.ack(res)
	caller.request(sip.BYE).Refuse(ua.Reply{Status: 200})
}
