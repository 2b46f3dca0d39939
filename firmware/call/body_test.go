package call

import (
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/event"
	"tollgate/firmware/ua"
)

const mixedType = "multipart/mixed;boundary=marked-edge"

// withPlace is a session description beside a location.
func withPlace(description string) string {
	return "--marked-edge\r\nContent-Type: application/pidf+xml\r\nContent-ID: <marked@192.0.2.98>\r\n\r\n<presence/>\r\n" +
		"--marked-edge\r\nContent-Type: application/sdp\r\n\r\n" + description + "\r\n--marked-edge--\r\n"
}

// mustKnow is a session description beside a part that has to be understood.
func mustKnow(description string) string {
	return strings.Replace(withPlace(description), "Content-ID", "Content-Disposition: render;handling=required\r\nContent-ID", 1)
}

// typeOf is the type of a body in the tests.
func typeOf(body string) string {
	if strings.HasPrefix(body, "--") {
		return mixedType
	}
	return sdpType
}

// inviteWith calls with a body of a type.
func (a *actor) inviteWith(uri, contentType, body string) *dialog {
	return a.send(ua.Draft{
		Method: sip.INVITE, URI: uri, From: "sip:201@192.0.2.98", To: uri, FromTag: ua.NewTag(), CallID: ua.NewCallID(), Seq: 1, Contact: "sip:x@192.0.2.98",
		Local: ua.Local{Host: "192.0.2.98", Port: 5060, Transport: "UDP"}, Body: []byte(body), ContentType: contentType, MaxForwards: ua.MaxForwards,
	})
}

func TestOfABodyWithSeveralPartsTheDescriptionIsCarried(t *testing.T) {
	s := newScene(t, nil)
	for _, uri := range []string{"sip:00472105518@192.0.2.1", "sip:112@192.0.2.1"} {
		caller := s.pbx.inviteWith(uri, mixedType, withPlace(clearSDP("192.0.2.50")))
		callee := s.a.called()
		if !callee.in.HasBody(sdpType) || !hasLine(offerOf(callee.in), "m=audio") {
			t.Errorf("%s: the carrier was sent\n%s", uri, callee.in)
		}
		answer := func(status int) {
			if err := callee.in.Respond(callee.box, ua.Reply{Status: status, Contact: "sip:gw@203.0.113.7", ContentType: mixedType, Body: []byte(withPlace(secureSDP("203.0.113.8")))}); err != nil {
				t.Fatal(err)
			}
		}
		for _, status := range []int{183, 200} {
			answer(status)
			res := caller.expect(status)
			if kind := res.ContentType(); kind == nil || kind.Value() != sdpType || !strings.Contains(string(res.Body()), "m=audio") {
				t.Errorf("%s: the PBX was answered\n%s", uri, res)
			}
			if status == 200 {
				caller.ack(res)
			}
		}
		callee.request(sip.ACK)
		noLeak(t, s.a, "presence", "marked")
		noLeak(t, s.pbx, "presence", "marked-edge")
		hangUp(t, caller, callee)
	}
}

func TestAChangeWithSeveralPartsIsCarriedToo(t *testing.T) {
	s := newScene(t, nil)
	caller, callee := s.answeredCall()
	held := strings.Replace(clearSDP("192.0.2.50"), "m=audio", "a=sendonly\r\nm=audio", 1)
	req := caller.state.RequestWith(sip.INVITE, []byte(withPlace(held)), mixedType)
	out, err := caller.box.Send(t.Context(), req, box, caller.a.end, caller.state, nil)
	if err != nil {
		t.Fatal(err)
	}
	change := callee.request(sip.INVITE)
	if !change.HasBody(sdpType) || !strings.Contains(string(change.Body()), "a=sendonly") {
		t.Errorf("the carrier was sent\n%s", change)
	}
	if err := change.Respond(callee.box, ua.Reply{Status: 200, Contact: "sip:gw@203.0.113.7", ContentType: mixedType, Body: []byte(withPlace(secureSDP("203.0.113.8")))}); err != nil {
		t.Fatal(err)
	}
	res := caller.expect(200)
	if kind := res.ContentType(); kind == nil || kind.Value() != sdpType {
		t.Errorf("the PBX was answered\n%s", res)
	}
	if err := out.Ack(nil); err != nil {
		t.Fatal(err)
	}
	callee.request(sip.ACK)
	hangUp(t, caller, callee)
}

func TestAPartThatMustBeUnderstoodStopsOrdinaryCallsOnly(t *testing.T) {
	s := newScene(t, nil)
	res := s.pbx.inviteWith("sip:00472105518@192.0.2.1", mixedType, mustKnow(clearSDP("192.0.2.50"))).expect(415)
	if accept := res.GetHeader("Accept"); accept == nil || !strings.Contains(accept.Value(), sdpType) {
		t.Errorf("the PBX was answered\n%s", res)
	}
	if no := find[event.CallRefused](s); no.Rule != "sdp" || !strings.Contains(no.Reason, "application/pidf+xml") {
		t.Errorf("told %+v", no)
	}
	s.pbx.inviteWith("sip:00472105518@192.0.2.1", mixedType, strings.TrimSuffix(withPlace("v=0"), "--marked-edge--\r\n")).expect(400)
	caller := s.pbx.inviteWith("sip:112@192.0.2.1", mixedType, mustKnow(clearSDP("192.0.2.50")))
	callee := s.a.called()
	callee.respond(200, secureSDP("203.0.113.8"))
	caller.ack(caller.expect(200))
	callee.request(sip.ACK)
	hangUp(t, caller, callee)
}

func TestAnEmergencyCallNeedsNoDescription(t *testing.T) {
	for kind, body := range map[string]string{
		"application/pidf+xml": "<presence/>", mixedType: "--marked-edge\r\nContent-Type: application/pidf+xml\r\n\r\n<presence/>\r\n--marked-edge--",
	} {
		s := newScene(t, nil)
		caller := s.pbx.inviteWith("sip:112@192.0.2.1", kind, body)
		callee := s.a.called()
		callee.respond(200, secureSDP("203.0.113.8"))
		res := caller.expect(200)
		if !strings.Contains(string(res.Body()), "m=audio") {
			t.Errorf("the PBX was offered\n%s", res)
		}
		caller.state.Established(res)
		if err := caller.out.Ack([]byte(clearSDP("192.0.2.50"))); err != nil {
			t.Fatal(err)
		}
		callee.request(sip.ACK)
		hangUp(t, caller, callee)
	}
	s := newScene(t, nil)
	s.pbx.inviteWith("sip:00472105518@192.0.2.1", "application/pidf+xml", "<presence/>").expect(415)
}
