package call

import (
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/event"
	"tollgate/firmware/ua"
)

func TestATransferToAnEmergencyServiceGoesByEveryTrunkAndInTheClear(t *testing.T) {
	for _, target := range []string{"<sip:0112@192.0.2.1>", "<urn:service:sos>"} {
		s := newScene(t, nil) // carrier-a must encrypt
		caller, callee := s.answeredCall()
		caller.referTo(target)
		caller.expect(202)
		caller.notified("SIP/2.0 100 Trying", "active")
		first := s.a.called()
		first.respond(403, "")
		clear := s.a.called()
		if !strings.Contains(string(first.in.Body()), "RTP/SAVP") || !strings.Contains(string(clear.in.Body()), "RTP/AVP") {
			t.Errorf("offered\n%s\nand then\n%s", first.in.Body(), clear.in.Body())
		}
		clear.respond(603, "")
		last := s.b.called()
		if last.in.Recipient.User != "112" {
			t.Errorf("carrier-b was called at %s", last.in.Recipient.String())
		}
		last.respond(200, clearSDP("203.0.113.9"))
		last.request(sip.ACK)
		caller.notified("SIP/2.0 200 OK", "terminated")
		caller.request(sip.BYE).Refuse(ua.Reply{Status: 200})
		callee.reinvited(secureSDP("203.0.113.8"))
		if e := find[event.EmergencyException](s); e.Rule != "trunks.srtp" {
			t.Errorf("told %+v", e)
		}
		if e := find[event.EmergencyCalled](s); e.To != "112" {
			t.Errorf("told %+v", e)
		}
		if list := s.gate.CallBacks(time.Now()); len(list) != 2 || list[0].Number != "+33123456800" {
			t.Errorf("calls back are expected to %+v", list)
		}
		if calls := s.desk.Calls(); len(calls) != 1 || !calls[0].Emergency {
			t.Errorf("shown are %+v", calls)
		}
		hangUp(t, last, callee)
	}
}

func TestARedirectionToAnEmergencyServiceGoesByEveryTrunkAndInTheClear(t *testing.T) {
	s := newScene(t, nil)
	caller := s.b.dial("+33612345678", "+33123456800", clearSDP("203.0.113.8"))
	s.pbx.called().redirect("<sip:112@192.0.2.10>")
	s.a.called().respond(488, "")
	second := s.a.called()
	if !strings.Contains(string(second.in.Body()), "RTP/AVP") {
		t.Errorf("offered\n%s", second.in.Body())
	}
	second.respond(486, "")
	last := s.b.called()
	if got := last.in.From().Address.User; got != "+33123456800" {
		t.Errorf("the emergency service is shown %s", got)
	}
	last.respond(200, clearSDP("203.0.113.9"))
	caller.ack(caller.expect(200))
	last.request(sip.ACK)
	if e := find[event.EmergencyCalled](s); e.To != "112" || e.Caller != "carrier-b" {
		t.Errorf("told %+v", e)
	}
	if list := s.gate.CallBacks(time.Now()); len(list) != 2 || list[0].Number != "+33123456800" {
		t.Errorf("calls back are expected to %+v", list)
	}
	hangUp(t, caller, last)
}

// A carrier that does not answer is left for the next as soon as with a call that was an emergency call from its beginning.
func TestATransferToAnEmergencyServiceLeavesASilentTrunk(t *testing.T) {
	for name, tt := range map[string]struct {
		answers bool // 100 Trying, and no more
		within  time.Duration
	}{
		"it says nothing":  {within: silenceTimeout},
		"it does not ring": {answers: true, within: stallTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, nil)
			caller, callee := s.answeredCall()
			s.a.boxEnd.Lose = func(m string) bool { return !tt.answers && strings.HasPrefix(m, "INVITE sip:112") }
			caller.referTo("<sip:0112@192.0.2.1>")
			caller.expect(202)
			caller.notified("SIP/2.0 100 Trying", "active")
			if tt.answers {
				s.a.called().respond(100, "")
			}
			last := s.b.calledWithin(tt.within + 3*time.Second)
			last.respond(200, clearSDP("203.0.113.9"))
			last.request(sip.ACK)
			caller.notified("SIP/2.0 200 OK", "terminated")
			caller.request(sip.BYE).Refuse(ua.Reply{Status: 200})
			callee.reinvited(secureSDP("203.0.113.8"))
			hangUp(t, last, callee)
		})
	}
}
