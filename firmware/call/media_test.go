package call

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/policy"
	"tollgate/firmware/ua"
)

// openTo is for whom how many pinholes are open.
func (h *holes) openTo(addresses ...string) (n []int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, a := range addresses {
		n = append(n, h.open[a])
	}
	return n
}

// opens waits until so many pinholes are open for an address.
func (s *scene) opens(when, address string, want int) {
	s.t.Helper()
	for begun := time.Now(); s.holes.openTo(address)[0] != want; time.Sleep(time.Millisecond) {
		if time.Since(begun) > 3*time.Second {
			s.t.Fatalf("%s: %d pinholes are open for %s, want %d", when, s.holes.openTo(address)[0], address, want)
		}
	}
}

func TestMediaPassesBothWaysBeforeTheAnswer(t *testing.T) {
	s := newScene(t, nil)
	caller := s.pbx.dial("201", "00472105518", clearSDP("192.0.2.50"))
	callee := s.a.called()
	s.opens("ringing", "203.0.113.8", 0)
	callee.respond(183, secureSDP("203.0.113.8"))
	caller.expect(183)
	s.opens("early", "203.0.113.8", 2)
	s.opens("early", "192.0.2.50", 2)
	callee.respond(200, secureSDP("203.0.113.8"))
	caller.ack(caller.expect(200))
	callee.request(sip.ACK)
	s.opens("answered", "203.0.113.8", 2)
}

func TestAPeerThatMovesInMidCallIsFollowed(t *testing.T) {
	s := newScene(t, nil)
	caller, callee := s.answeredCall()
	s.opens("answered", "203.0.113.8", 2)
	out := callee.ask(sip.INVITE, secureSDP("203.0.113.99"))
	in := caller.request(sip.INVITE)
	if strings.Contains(string(in.Body()), "203.0.113.99") {
		t.Errorf("the caller is told where the callee is:\n%s", in.Body())
	}
	if err := in.Respond(caller.box, ua.Reply{Status: 200, Contact: "sip:x@192.0.2.99", Body: []byte(clearSDP("192.0.2.51")), ContentType: sdpType}); err != nil {
		t.Fatal(err)
	}
	callee.expect(200)
	if err := out.Ack(nil); err != nil {
		t.Fatal(err)
	}
	caller.request(sip.ACK)
	for address, want := range map[string]int{"203.0.113.99": 2, "203.0.113.8": 0, "192.0.2.51": 2, "192.0.2.50": 0} {
		s.opens("moved", address, want)
	}
}

// One leg has RTP and RTCP on one port, the other has RTCP at another host.
func TestEachLegHasRTCPWhereItsPeerWantsIt(t *testing.T) {
	s := newScene(t, nil)
	caller := s.pbx.dial("201", "00472105518", clearSDP("192.0.2.50", "a=rtcp-mux"))
	callee := s.a.called()
	callee.respond(200, secureSDP("203.0.113.8", "a=rtcp:4444 IN IP4 203.0.113.9"))
	res := caller.expect(200)
	if !hasLine(strings.Split(string(res.Body()), "\r\n"), "a=rtcp-mux") || hasLine(offerOf(callee.in), "a=rtcp-mux") {
		t.Errorf("offered:\n%s\nanswered:\n%s", callee.in.Body(), res.Body())
	}
	caller.ack(res)
	callee.request(sip.ACK)
	for address, want := range map[string]int{"192.0.2.50": 1, "203.0.113.8": 1, "203.0.113.9": 1} {
		s.opens("answered", address, want)
	}
}

func TestSourcesOfACarrierThatSplitsMediaAreLetIn(t *testing.T) {
	s := newScene(t, func(p *policy.Policy) {
		p.Trunks[0].MediaSources, p.Trunks[0].MediaLatching = []netip.Prefix{netip.MustParsePrefix("198.51.100.96/27")}, policy.LatchDynamic
	})
	s.answeredCall()
	s.opens("answered", "198.51.100.96", 2)
	c := s.session()
	if p := agreed(c.callee).params(agreed(c.caller)); p.Latching != policy.LatchDynamic || len(p.ExtraSources) != 1 {
		t.Errorf("the relay is told %+v", p)
	}
	if p := agreed(c.caller).params(agreed(c.callee)); p.Latching != "" || len(p.ExtraSources) != 0 {
		t.Errorf("of the PBX the relay is told %+v", p)
	}
}

// agreed is a leg with what it has agreed on, for reading: those of the call are its own.
func agreed(l *Leg) *Leg {
	return &Leg{Party: l.Party, agreement: agreement{heard: l.heard, body: l.body, keys: l.keys}}
}

func TestComfortNoisePassesTheBorder(t *testing.T) {
	s := newScene(t, nil)
	noise := func(body string) string { return strings.Replace(body, " 8 0 101", " 8 0 13 101", 1) }
	caller := s.pbx.dial("201", "00472105518", noise(clearSDP("192.0.2.50")))
	callee := s.a.called()
	if !hasLine(offerOf(callee.in), "m=audio") || !strings.Contains(string(callee.in.Body()), " RTP/SAVP 8 0 13 101") {
		t.Errorf("offered:\n%s", callee.in.Body())
	}
	callee.respond(200, noise(secureSDP("203.0.113.8")))
	res := caller.expect(200)
	if !strings.Contains(string(res.Body()), " RTP/AVP 8 0 13 101") {
		t.Errorf("answered:\n%s", res.Body())
	}
	caller.ack(res)
	callee.request(sip.ACK)
	if p := agreed(s.session().caller).params(agreed(s.session().callee)); p.PayloadMap[13] != 0 && p.PayloadMap[13] != 13 {
		t.Errorf("payload type 13 becomes %d", p.PayloadMap[13])
	}
}

// A description that says b=RS:0 and b=RR:0 asks for no RTCP (RFC 3556); one that says nothing does not.
func TestAPeerThatWantsNoRTCPIsSentNone(t *testing.T) {
	s := newScene(t, viaB(nil))
	caller := s.pbx.dial("201", "00472105518", speaks("192.0.2.50", "8 101"))
	callee := s.b.called()
	callee.respond(200, speaks("203.0.113.8", "8 101")+"b=RS:0\r\nb=RR:0\r\n")
	callee.request(sip.ACK)
	caller.ack(caller.expect(200))
	c := s.session()
	if a, b := agreed(c.caller), agreed(c.callee); !b.params(a).NoRTCP || a.params(b).NoRTCP {
		t.Error("RTCP goes to the one who wants none, or not to the other")
	}
}
