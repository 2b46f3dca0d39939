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

func TestAnEmergencyCallGoesInTheClearWhereSRTPIsDeclinedAndThatIsTold(t *testing.T) {
	s := newScene(t, nil) // carrier-a must encrypt
	caller := s.pbx.dial("201", "112", clearSDP("192.0.2.50"))
	first := s.a.called()
	if !strings.Contains(string(first.in.Body()), "RTP/SAVP") {
		t.Errorf("the first offer is not encrypted:\n%s", first.in.Body())
	}
	first.respond(415, "")
	second := s.a.called()
	if !strings.Contains(string(second.in.Body()), "RTP/AVP") {
		t.Errorf("the second offer is not clear:\n%s", second.in.Body())
	}
	second.respond(200, clearSDP("203.0.113.8"))
	caller.ack(caller.expect(200))
	if e := find[event.EmergencyException](s); e.Rule != "trunks.srtp" || e.Call == "" || !strings.Contains(e.Reason, "carrier-a is not encrypted") {
		t.Errorf("told %+v", e)
	}
	if e := find[event.EmergencyCalled](s); e.To != "112" || e.Caller != policy.PeerPBX {
		t.Errorf("told %+v", e)
	}
}

func TestAPBXThatMustEncryptCallsForHelpInTheClear(t *testing.T) {
	s := newScene(t, func(p *policy.Policy) { p.PBX.SRTP = policy.SRTPRequired })
	caller := s.pbx.dial("201", "112", clearSDP("192.0.2.50"))
	s.a.called().respond(200, secureSDP("203.0.113.8"))
	caller.ack(caller.expect(200))
	if e := find[event.EmergencyException](s); e.Rule != "pbx.srtp" {
		t.Errorf("told %+v", e)
	}
	s.pbx.dial("201", "00472105518", clearSDP("192.0.2.50")).expect(488)
}

func TestAnEmergencyCallTriesEveryTrunkWhateverTheOnesBeforeHaveSaid(t *testing.T) {
	for _, status := range []int{404, 484, 486, 600, 603} {
		s := newScene(t, nil)
		caller := s.pbx.dial("201", "15", clearSDP("192.0.2.50"))
		s.a.called().respond(status, "")
		s.b.called().respond(200, clearSDP("203.0.113.9"))
		caller.ack(caller.expect(200))
		s.pbx.dial("201", "00472105518", clearSDP("192.0.2.50"))
		s.a.called().respond(status, "")
	}
}

func TestAnAnswerThatCannotBeUsedIsHungUpBeforeTheNextTrunkIsTried(t *testing.T) {
	s := newScene(t, func(p *policy.Policy) { p.Trunks[0].SRTP = policy.SRTPOff })
	caller := s.pbx.dial("201", "112", clearSDP("192.0.2.50"))
	useless := s.a.called()
	useless.respond(200, "v=0\r\n")
	s.b.called().respond(200, clearSDP("203.0.113.9"))
	caller.ack(caller.expect(200))
	useless.request(sip.ACK)
	useless.request(sip.BYE).Refuse(ua.Reply{Status: 200})
}

func TestAnEmergencyCallShowsItsNumber(t *testing.T) {
	s := newScene(t, nil)
	caller := s.pbx.dial("anonymous", "112", clearSDP("192.0.2.50"))
	callee := s.a.called()
	if got := callee.in.From().Address.User; got != "+33123456700" || len(callee.in.GetHeaders("Privacy")) > 0 {
		t.Errorf("From %s, Privacy %v", callee.in.From(), callee.in.GetHeaders("Privacy"))
	}
	callee.respond(200, secureSDP("203.0.113.8"))
	caller.ack(caller.expect(200))
	callee.request(sip.ACK)
}

func TestAnEmergencyCallIsNotTransferred(t *testing.T) {
	s := newScene(t, nil)
	caller := s.pbx.dial("201", "112", clearSDP("192.0.2.50"))
	callee := s.a.called()
	callee.respond(200, secureSDP("203.0.113.8"))
	caller.ack(caller.expect(200))
	req := caller.state.RequestWith(sip.REFER, nil, "")
	req.AppendHeader(sip.NewHeader("Refer-To", "<sip:00899123456@192.0.2.1>"))
	if _, err := caller.box.Send(t.Context(), req, box, s.pbx.end, caller.state, nil); err != nil {
		t.Fatal(err)
	}
	caller.expect(403)
	if e := find[event.CallRefused](s); e.Rule != "emergency" || !strings.Contains(e.Reason, "not transferred") {
		t.Errorf("told %+v", e)
	}
}

func TestAStopWaitsForEmergencyCalls(t *testing.T) {
	s := newScene(t, nil)
	ordinary, far := s.answeredCall()
	help := s.pbx.dial("202", "112", clearSDP("192.0.2.51"))
	service := s.a.called()
	service.respond(200, secureSDP("203.0.113.8"))
	help.ack(help.expect(200))
	service.request(sip.ACK)

	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	drained := make(chan struct{})
	go func() { s.desk.Drain(ctx); close(drained) }()
	ordinary.request(sip.BYE).Refuse(ua.Reply{Status: 200})
	far.request(sip.BYE).Refuse(ua.Reply{Status: 200})
	<-drained
	finished := make(chan struct{})
	go func() { s.desk.Finish(ctx); close(finished) }()
	select {
	case <-finished:
		t.Fatal("the stop did not wait")
	case <-time.After(100 * time.Millisecond):
	}
	if calls := s.desk.Calls(); len(calls) != 1 || !calls[0].Emergency {
		t.Errorf("calls: %+v", calls)
	}
	help.ask(sip.BYE, "")
	service.request(sip.BYE).Refuse(ua.Reply{Status: 200})
	select {
	case <-finished:
	case <-time.After(time.Second):
		t.Error("the stop goes on waiting")
	}
}

func TestAnOrdinaryCallMakesRoomForAnEmergencyCall(t *testing.T) {
	s := newScene(t, nil)
	s.ports(30998, 30999)
	ordinary, far := s.answeredCall()
	help := s.pbx.dial("202", "112", clearSDP("192.0.2.51"))
	ordinary.request(sip.BYE).Refuse(ua.Reply{Status: 200})
	far.request(sip.BYE).Refuse(ua.Reply{Status: 200})
	s.a.called().respond(200, secureSDP("203.0.113.8"))
	help.ack(help.expect(200))
	if e := find[event.EmergencyException](s); e.Rule != "network.media_ports" {
		t.Errorf("told %+v", e)
	}
	if e := find[event.CallEnded](s); e.Reason != "its media ports were needed for an emergency call" {
		t.Errorf("told %+v", e)
	}
	second := s.pbx.dial("203", "15", clearSDP("192.0.2.52")) // emergency calls end none of their kind
	second.expect(503)
}
