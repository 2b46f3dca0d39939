package call

import (
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/event"
	"tollgate/firmware/siptest"
	"tollgate/firmware/ua"
)

// dialReplacing makes the actor call with more header fields.
func (a *actor) dialReplacing(to, body string, headers ...string) *dialog {
	a.t.Helper()
	d := ua.Draft{
		Method: sip.INVITE, URI: "sip:" + to + "@192.0.2.1", From: "sip:207@marked-host.office.lan", To: "sip:" + to + "@192.0.2.1",
		FromTag: ua.NewTag(), CallID: "marked-call-id-" + ua.NewTag(), Seq: 1, Contact: "sip:y@192.0.2.99",
		Local: ua.Local{Host: "192.0.2.97", Port: 5060, Transport: "UDP"}, Body: []byte(body), ContentType: "application/sdp", MaxForwards: ua.MaxForwards,
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		d.Headers = append(d.Headers, sip.NewHeader(name, value))
	}
	return a.send(d)
}

// replacesHeader names a dialog as the one who has it does: its own tag is the box's from-tag.
func (c *dialog) replacesHeader() string {
	return "Replaces: " + c.state.CallID + ";to-tag=" + c.state.RemoteTag + ";from-tag=" + c.state.LocalTag
}

// hangUp ends a call from one side and checks that the other hears of it.
func hangUp(t *testing.T, one, other *dialog) {
	t.Helper()
	bye := one.ask(sip.BYE, "")
	other.request(sip.BYE).Refuse(ua.Reply{Status: 200}) // a phone is answered when its PBX has
	if e := one.next(); e.Sent != bye || e.Response.StatusCode != 200 {
		t.Errorf("BYE: %s", shown(e))
	}
}

func TestAnotherTelephoneOfTheOfficeTakesAnAnsweredCall(t *testing.T) {
	s := newScene(t, nil)
	caller, callee := s.answeredCall()
	other := s.pbx.dialReplacing("0472105518", clearSDP("192.0.2.60"), caller.replacesHeader(), "Require: replaces")
	res := other.expect(200)
	other.ack(res)
	if !strings.Contains(string(res.Body()), "c=IN IP4 192.0.2.1\r\n") || !ua.Lists(res.GetHeaders("Supported"), "replaces") {
		t.Errorf("the newcomer was answered\n%s", res)
	}
	caller.request(sip.BYE).Refuse(ua.Reply{Status: 200})
	offer := offerOf(callee.reinvited(secureSDP("203.0.113.8")))
	if !hasLine(offer, "a=sendrecv") || !hasLine(offer, "c=IN IP4 198.51.100.2") {
		t.Errorf("the one across was offered %q", offer)
	}
	if !s.holes.listens("192.0.2.60") {
		t.Error("the media of the newcomer is not let in")
	}
	find[event.CallTransferred](s)
	if u := s.gate.Usage(); u.Calls != 1 {
		t.Errorf("usage %+v, want the one call", u)
	}
	hangUp(t, other, callee)
	noLeak(t, s.a, "192.0.2.60", "marked")
}

func TestACarrierReplacesItsOwnLeg(t *testing.T) {
	s := newScene(t, nil)
	caller, callee := s.answeredCall()
	other := s.a.dialReplacing("office", secureSDP("203.0.113.9"), callee.replacesHeader())
	other.ack(other.expect(200))
	callee.request(sip.BYE).Refuse(ua.Reply{Status: 200})
	caller.reinvited(clearSDP("192.0.2.50"))
	hangUp(t, caller, other)
	noLeak(t, s.pbx, "203.0.113.9")
}

func TestACallOnHoldIsTakenBack(t *testing.T) {
	s := newScene(t, nil)
	caller, callee := s.answeredCall()
	caller.ask(sip.INVITE, clearSDP("192.0.2.50", "a=sendonly"))
	callee.reinvited(secureSDP("203.0.113.8", "a=recvonly"))
	caller.ackLast(200)
	other := s.pbx.dialReplacing("0472105518", clearSDP("192.0.2.60"), caller.replacesHeader())
	other.ack(other.expect(200))
	caller.request(sip.BYE).Refuse(ua.Reply{Status: 200})
	if offer := offerOf(callee.reinvited(secureSDP("203.0.113.8"))); !hasLine(offer, "a=sendrecv") {
		t.Errorf("the one on hold was offered %q", offer)
	}
	if offer := offerOf(other.reinvited(clearSDP("192.0.2.60"))); !hasLine(offer, "a=sendrecv") {
		t.Errorf("the newcomer was told %q", offer)
	}
	hangUp(t, callee, other)
}

func TestANewcomerWithoutAnOfferGetsOne(t *testing.T) {
	s := newScene(t, nil)
	caller, callee := s.answeredCall()
	other := s.pbx.dialReplacing("0472105518", "", caller.replacesHeader())
	res := other.expect(200)
	if !strings.Contains(string(res.Body()), "m=audio") {
		t.Fatalf("no offer in\n%s", res)
	}
	other.state.Established(res)
	if err := other.out.Ack([]byte(clearSDP("192.0.2.60"))); err != nil {
		t.Fatal(err)
	}
	caller.request(sip.BYE).Refuse(ua.Reply{Status: 200})
	callee.reinvited(secureSDP("203.0.113.8"))
	hangUp(t, other, callee)
}

func TestARingingCallIsPickedUp(t *testing.T) {
	s := newScene(t, nil)
	caller := s.a.dial("+33612345678", "+33123456700", secureSDP("203.0.113.8"))
	ringing := s.pbx.called()
	ringing.respond(180, "")
	caller.expect(180)
	for _, early := range []string{"", ";early-only"} {
		if early == "" { // nobody of the carrier's may
			stranger := s.b.dialReplacing("office", clearSDP("203.0.113.30"), ringing.replacesHeader())
			stranger.expect(481)
			continue
		}
		other := s.pbx.dialReplacing("201", clearSDP("192.0.2.60"), ringing.replacesHeader()+early)
		other.ack(other.expect(200))
		res := caller.expect(200)
		caller.ack(res)
		if !strings.Contains(string(res.Body()), "RTP/SAVP") || strings.Contains(string(res.Body()), "192.0.2.") {
			t.Errorf("the caller was answered\n%s", res)
		}
		if e := ringing.next(); e.Cancelled == nil {
			t.Errorf("the telephone that rang got %s, want CANCEL", shown(e))
		}
		if !s.holes.listens("192.0.2.60") || !s.holes.listens("203.0.113.8") {
			t.Error("the media of the call is not let in")
		}
		find[event.CallAnswered](s)
		hangUp(t, other, caller)
	}
}

func TestWhatCannotBeReplacedIsRefused(t *testing.T) {
	s := newScene(t, nil)
	caller, callee := s.answeredCall()
	ringing := s.pbx.dial("202", "00472105519", clearSDP("192.0.2.50"))
	atCarrier := s.a.called()
	atCarrier.respond(180, "")
	ringing.state.Established(ringing.expect(180))
	valid := caller.replacesHeader()
	for name, c := range map[string]struct {
		from    *actor
		headers []string
		body    string
		status  int
	}{
		"no such call":             {s.pbx, []string{"Replaces: nothing@there;to-tag=1;from-tag=2"}, "", 481},
		"the tags the wrong way":   {s.pbx, []string{"Replaces: " + caller.state.CallID + ";to-tag=" + caller.state.LocalTag + ";from-tag=" + caller.state.RemoteTag}, "", 481},
		"somebody else's call":     {s.b, []string{valid}, "", 481},
		"the far side's dialog":    {s.pbx, []string{callee.replacesHeader()}, "", 481},
		"answered, and early only": {s.pbx, []string{valid + ";early-only"}, "", 486},
		"two of them":              {s.pbx, []string{valid, valid}, "", 400},
		"with Join":                {s.pbx, []string{valid, "Join: a;to-tag=1;from-tag=2"}, "", 400},
		"without a tag":            {s.pbx, []string{"Replaces: a;to-tag=1"}, "", 400},
		"its own ringing":          {s.pbx, []string{ringing.replacesHeader()}, "", 481},
		"an unknown extension":     {s.pbx, []string{valid, "Require: replaces, teleport"}, "", 420},
		"a codec nobody has":       {s.pbx, []string{valid}, strings.ReplaceAll(clearSDP("192.0.2.61"), "8 0 101", "3"), 488},
	} {
		t.Run(name, func(t *testing.T) {
			body := clearSDP("192.0.2.61")
			if c.body != "" {
				body = c.body
			}
			c.from.dialReplacing("0472105518", body, c.headers...).expect(c.status)
		})
	}
	req := caller.state.Request(sip.UPDATE)
	req.AppendHeader(sip.NewHeader("Replaces", strings.TrimPrefix(valid, "Replaces: ")))
	if _, err := caller.box.Send(t.Context(), req, box, s.pbx.end, caller.state, nil); err != nil {
		t.Fatal(err)
	}
	caller.expect(400)
	atCarrier.respond(486, "")
	ringing.expect(486)
	hangUp(t, caller, callee)
}

func TestAnEmergencyCallTakesNobodysPlace(t *testing.T) {
	s := newScene(t, nil)
	office, far := s.answeredCall()
	help := s.pbx.dialReplacing("112", clearSDP("192.0.2.60"), office.replacesHeader())
	rescue := s.a.called()
	rescue.respond(200, secureSDP("203.0.113.9"))
	help.ack(help.expect(200))
	rescue.request(sip.ACK)
	hangUp(t, help, rescue)
	hangUp(t, office, far)
}

func TestAnEmergencyCallIsNotLostByReplaces(t *testing.T) {
	s := newScene(t, nil)
	caller := s.pbx.dialReplacing("112", clearSDP("192.0.2.50"), "Replaces: nothing@there;to-tag=1;from-tag=2")
	callee := s.a.called()
	callee.respond(200, secureSDP("203.0.113.8"))
	caller.ack(caller.expect(200))
	callee.request(sip.ACK)
	hangUp(t, caller, callee)
}

func TestADialogIsNamedAsTheOtherSideKnowsIt(t *testing.T) {
	s := newScene(t, nil)
	caller := s.pbx.dial("201", "00472105518", clearSDP("192.0.2.50"))
	callee := s.a.called()
	callee.respond(180, "")
	caller.state.Established(caller.expect(180))
	near, far := caller.state, callee.state
	peer, id, local, remote, ok := s.desk.Across(s.pbx.peer, near.CallID, near.RemoteTag, near.LocalTag)
	if !ok || peer != s.a.peer || id != far.CallID || local != far.RemoteTag || remote != far.LocalTag {
		t.Errorf("early: %v %s %s %s %v, want the carrier's dialog", peer, id, local, remote, ok)
	}
	callee.respond(200, secureSDP("203.0.113.8"))
	caller.ack(caller.expect(200))
	callee.request(sip.ACK)
	for range 100 {
		if peer, id, local, _, ok = s.desk.Across(s.a.peer, far.CallID, far.RemoteTag, ""); ok {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if !ok || peer != s.pbx.peer || id != near.CallID || local != near.RemoteTag {
		t.Errorf("answered: %v %s %s %v, want the office's dialog", peer, id, local, ok)
	}
	if _, _, _, _, ok := s.desk.Across(s.b.peer, far.CallID, far.RemoteTag, far.LocalTag); ok {
		t.Error("another carrier learned of the call")
	}
	hangUp(t, caller, callee)
}

func TestANewcomerThatGivesUpChangesNothing(t *testing.T) {
	s := newScene(t, nil)
	caller, callee := s.answeredCall()
	in := &ua.Incoming{}
	cancelled := make(chan struct{})
	core := ua.New(func(i *ua.Incoming) { in = i; i.Refuse(ua.Reply{Status: 487}); close(cancelled) }, s.desk.o.Log)
	near, _ := siptest.Join(t, s.pbx.core, box, core, s.pbx.peer)
	end := s.pbx.end
	s.pbx.end = near
	s.pbx.dialReplacing("0472105518", clearSDP("192.0.2.60"), caller.replacesHeader()).expect(487)
	s.pbx.end = end
	<-cancelled
	for _, call := range s.desk.calls {
		reply := make(chan int, 1)
		call.inbox.Post(takeOver{in: in, dialog: dialogID{caller.state.CallID, caller.state.RemoteTag, caller.state.LocalTag}, to: reply})
		if status := <-reply; status != 487 {
			t.Errorf("got %d, want 487", status)
		}
	}
	hangUp(t, caller, callee)
}

func TestATelephoneThatAnswersAsItsCallIsPickedUpIsHungUp(t *testing.T) {
	s := newScene(t, nil)
	caller := s.a.dial("+33612345678", "+33123456700", secureSDP("203.0.113.8"))
	ringing := s.pbx.called()
	ringing.respond(180, "")
	caller.expect(180)
	s.pbx.boxEnd.Lose = func(m string) bool { return strings.HasPrefix(m, "CANCEL ") }
	other := s.pbx.dialReplacing("201", clearSDP("192.0.2.60"), ringing.replacesHeader())
	other.ack(other.expect(200))
	caller.ack(caller.expect(200))
	ringing.respond(200, clearSDP("192.0.2.50"))
	ringing.request(sip.ACK)
	ringing.request(sip.BYE).Refuse(ua.Reply{Status: 200})
	hangUp(t, other, caller)
}
