package call

import (
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/event"
	"tollgate/firmware/policy"
	"tollgate/firmware/ua"
)

// speaks is a description in the clear with these payload types.
func speaks(addr, formats string, extra ...string) string {
	return strings.Replace(clearSDP(addr, extra...), " RTP/AVP 8 0 101", " RTP/AVP "+formats, 1)
}

// formatsOf are the payload types of a description.
func formatsOf(body []byte) string {
	for _, l := range strings.Split(string(body), "\r\n") {
		if words := strings.SplitN(l, " ", 4); strings.HasPrefix(l, "m=audio") && len(words) == 4 {
			return words[3]
		}
	}
	return ""
}

// viaB has calls leave by carrier-b, which is spoken with in the clear.
func viaB(change func(*policy.Policy)) func(*policy.Policy) {
	return func(p *policy.Policy) {
		p.Routes[0].Trunks = []string{"carrier-b"}
		if change != nil {
			change(p)
		}
	}
}

func TestSidesThatShareNoCodecByThePolicyNegotiateTheirOwn(t *testing.T) {
	s := newScene(t, viaB(func(p *policy.Policy) { p.PBX.Codecs, p.Trunks[1].Codecs = []string{"PCMA"}, []string{"PCMU"} }))
	caller := s.pbx.dial("201", "00472105518", speaks("192.0.2.50", "8 0 101"))
	callee := s.b.called()
	if got := formatsOf(callee.in.Body()); got != "0 101" {
		t.Errorf("the carrier is offered %s", got)
	}
	callee.respond(200, speaks("203.0.113.8", "0 101"))
	callee.request(sip.ACK)
	res := caller.expect(200)
	caller.ack(res)
	if got := formatsOf(res.Body()); got != "8 101" {
		t.Errorf("the office is answered %s", got)
	}

	// Within the call too, from either side, with and without an offer.
	callee.ask(sip.INVITE, speaks("203.0.113.8", "0 101", "a=sendonly"))
	again := caller.request(sip.INVITE)
	if got := formatsOf(again.Body()); got != "8 101" {
		t.Errorf("the office is offered %s", got)
	}
	again.Refuse(ua.Reply{Status: 488})
	callee.expect(488)
	out := caller.ask(sip.INVITE, "")
	offer := caller.expect(200)
	if got := formatsOf(offer.Body()); got != "8 101" {
		t.Errorf("the office, asked for nothing, is offered %s", got)
	}
	if err := out.Ack([]byte(speaks("192.0.2.50", "8 101"))); err != nil {
		t.Fatal(err)
	}
}

func TestAPeerThatDeclinesTheCallersG711IsAskedWithTheOther(t *testing.T) {
	s := newScene(t, viaB(nil))
	caller := s.pbx.dial("201", "00472105518", speaks("192.0.2.50", "8 101"))
	first := s.b.called()
	if got := formatsOf(first.in.Body()); got != "8 101" {
		t.Errorf("first the carrier is offered %s", got)
	}
	first.respond(488, "")
	second := s.b.called()
	if got := formatsOf(second.in.Body()); got != "0 101" {
		t.Errorf("then the carrier is offered %s", got)
	}
	second.respond(200, speaks("203.0.113.8", "0 101"))
	second.request(sip.ACK)
	res := caller.expect(200)
	caller.ack(res)
	if got := formatsOf(res.Body()); got != "8 101" {
		t.Errorf("the office is answered %s", got)
	}
	for _, c := range []struct {
		from, to    *dialog
		body, offer string
	}{{caller, second, speaks("192.0.2.50", "8 101", "a=sendonly"), "0 101"}, {second, caller, speaks("203.0.113.8", "0", "a=sendonly"), "8"}} {
		c.from.ask(sip.INVITE, c.body)
		again := c.to.request(sip.INVITE)
		if got := formatsOf(again.Body()); got != c.offer {
			t.Errorf("in a change %s is offered %s, want %s", c.to.a.peer.Name, got, c.offer)
		}
		again.Refuse(ua.Reply{Status: 488})
		c.from.expect(488)
	}
}

func TestAPeerThatDeclinesTheG711OfAChangeIsAskedWithTheOther(t *testing.T) {
	s := newScene(t, viaB(nil))
	caller := s.pbx.dial("201", "00472105518", speaks("192.0.2.50", "8 101"))
	callee := s.b.called()
	callee.respond(200, speaks("203.0.113.8", "8 101"))
	callee.request(sip.ACK)
	caller.ack(caller.expect(200))
	change := speaks("203.0.113.8", "0 101")
	out := callee.ask(sip.INVITE, change)
	first := caller.request(sip.INVITE)
	if got := formatsOf(first.Body()); got != "0 101" {
		t.Errorf("first the office is offered %s", got)
	}
	first.Refuse(ua.Reply{Status: 488})
	second := caller.request(sip.INVITE)
	if got := formatsOf(second.Body()); got != "8 101" {
		t.Errorf("then the office is offered %s", got)
	}
	if err := second.Respond(caller.box, ua.Reply{Status: 200, Contact: "sip:pbx@192.0.2.10", Body: []byte(speaks("192.0.2.50", "8 101")), ContentType: sdpType}); err != nil {
		t.Fatal(err)
	}
	caller.request(sip.ACK)
	res := callee.expect(200)
	if got := formatsOf(res.Body()); got != "0 101" {
		t.Errorf("the carrier is answered %s", got)
	}
	if err := out.Ack(nil); err != nil {
		t.Fatal(err)
	}

	// Who has declined both is not asked a third time, and the call goes on as it was.
	callee.ask(sip.INVITE, strings.Replace(change, "101 telephone-event", "101 telephone-event\r\na=sendonly", 1))
	third := caller.request(sip.INVITE)
	third.Refuse(ua.Reply{Status: 488})
	callee.expect(488)
	caller.ask(sip.BYE, "")
	callee.request(sip.BYE)
}

func TestNobodyIsAskedAgainWhoHasDeclinedBothOrIsNotAllowedTheOther(t *testing.T) {
	for name, c := range map[string]struct {
		offer  string
		change func(*policy.Policy)
	}{
		"both were offered":  {speaks("192.0.2.50", "8 0 101"), nil},
		"the policy says no": {speaks("192.0.2.50", "8 101"), func(p *policy.Policy) { p.Trunks[1].Codecs = []string{"PCMA"} }},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, viaB(c.change))
			caller := s.pbx.dial("201", "00472105518", c.offer)
			s.b.called().respond(488, "")
			caller.expect(488)
		})
	}
}

func TestACallWithoutACodecIsRefusedWithItsReasonAndTheNextTrunkTried(t *testing.T) {
	own := newScene(t, func(p *policy.Policy) { p.PBX.Codecs = []string{"G722"} })
	own.pbx.dial("201", "00472105518", speaks("192.0.2.50", "8 101")).expect(488)
	if e := find[event.CallRefused](own); e.Status != 488 || e.Rule != "pbx.codecs" || !strings.Contains(e.Reason, "no codec of the description is among those allowed") {
		t.Errorf("told %+v", e)
	}

	s := newScene(t, viaB(func(p *policy.Policy) { p.Trunks[1].Codecs = []string{"G722"} }))
	s.pbx.dial("201", "00472105518", speaks("192.0.2.50", "8 101")).expect(488)
	if e := find[event.CallRefused](s); e.Status != 488 || e.Rule != "trunks.codecs" || !strings.Contains(e.Reason, "no codec of the offer is allowed") {
		t.Errorf("told %+v", e)
	}

	s = newScene(t, func(p *policy.Policy) {
		p.Trunks[0].Codecs = []string{"G722"}
	})
	caller := s.pbx.dial("201", "00472105518", speaks("192.0.2.50", "8 101"))
	callee := s.b.called()
	callee.respond(486, "")
	caller.expect(486)
}

func TestThePolicysPacketLengthIsAskedOfTheOtherSide(t *testing.T) {
	s := newScene(t, viaB(func(p *policy.Policy) { p.PBX.Ptime, p.Trunks[1].Ptime = 30, 20 }))
	caller := s.pbx.dial("201", "00472105518", clearSDP("192.0.2.50", "a=ptime:10"))
	callee := s.b.called()
	if !strings.Contains(string(callee.in.Body()), "a=ptime:30\r\n") {
		t.Errorf("the carrier is offered\n%s", callee.in.Body())
	}
	callee.respond(200, clearSDP("203.0.113.8"))
	callee.request(sip.ACK)
	res := caller.expect(200)
	caller.ack(res)
	if !strings.Contains(string(res.Body()), "a=ptime:20\r\n") {
		t.Errorf("the office is answered\n%s", res.Body())
	}
}

func TestAnEmergencyCallSpeaksWhatItsSidesHave(t *testing.T) {
	s := newScene(t, viaB(func(p *policy.Policy) { p.PBX.Codecs, p.Trunks[1].Codecs = []string{"G722"}, []string{"opus"} }))
	caller := s.pbx.dial("201", "112", speaks("192.0.2.50", "8 101"))
	callee := s.b.called()
	if got := formatsOf(callee.in.Body()); got != "8 101" {
		t.Errorf("the carrier is offered %s", got)
	}
	callee.respond(200, speaks("203.0.113.8", "8"))
	callee.request(sip.ACK)
	caller.ack(caller.expect(200))
	if e := find[event.EmergencyException](s); e.Rule != "pbx.codecs" {
		t.Errorf("told %+v", e)
	}
}
