package call

import (
	"testing"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/ua"
)

// wantsProof has a PBX answer with a challenge.
func wantsProof(t *testing.T, d *dialog, in *ua.Incoming) {
	t.Helper()
	asked := sip.NewHeader("WWW-Authenticate", `Digest realm="x", nonce="n"`)
	if err := in.Respond(d.box, ua.Reply{Status: 401, Headers: []sip.Header{asked}}); err != nil {
		t.Fatal(err)
	}
}

// proven sends a request with proof.
func (c *dialog) proven(req *sip.Request) *ua.Outgoing {
	req.AppendHeader(sip.NewHeader("Authorization", "Digest proof"))
	return c.sendRequest(req)
}

// isProven checks that a request has reached the PBX with the proof.
func isProven(t *testing.T, in *ua.Incoming) {
	t.Helper()
	if got := in.GetHeaders("Authorization"); len(got) != 1 || got[0].Value() != "Digest proof" {
		t.Errorf("the PBX was sent\n%s", in)
	}
}

// phoneCall brings a call of a phone by its PBX up.
func (s *phoneScene) phoneCall(headers ...sip.Header) (caller, callee *dialog) {
	caller = s.call("101", "102", headers...)
	callee = s.hosted.called()
	answeredBy(caller, callee)
	return caller, callee
}

func TestAPhonesBYEIsProvenToItsPBX(t *testing.T) {
	s := phonesScene(t, PhoneRules{})
	caller, callee := s.phoneCall()
	caller.ask(sip.BYE, "")
	wantsProof(t, callee, callee.request(sip.BYE))
	if got := caller.expect(401).GetHeaders("WWW-Authenticate"); len(got) != 1 {
		t.Errorf("the phone was asked %v", got)
	}
	caller.proven(caller.state.Request(sip.BYE))
	in := callee.request(sip.BYE)
	isProven(t, in)
	in.Refuse(ua.Reply{Status: 200})
	caller.expect(200)
	noLeak(t, s.hosted, "10.0.0.5")
}

func TestAPhoneMayProveItsBYEUnasked(t *testing.T) {
	s := phonesScene(t, PhoneRules{})
	caller, callee := s.phoneCall()
	caller.proven(caller.state.Request(sip.BYE))
	in := callee.request(sip.BYE)
	isProven(t, in)
	in.Refuse(ua.Reply{Status: 200})
	caller.expect(200)
}

// A phone is not kept waiting by a PBX that says nothing, nor by one that it does not answer to.
func TestAPhonesBYEIsAnsweredWhateverItsPBXDoes(t *testing.T) {
	s := phonesScene(t, PhoneRules{})
	caller, callee := s.phoneCall()
	caller.ask(sip.BYE, "")
	callee.request(sip.BYE)
	caller.expect(200)
	caller, callee = s.phoneCall()
	caller.ask(sip.BYE, "")
	wantsProof(t, callee, callee.request(sip.BYE))
	caller.expect(401) // and nothing more is heard of it: the call is over all the same
}

func TestKeyPressesOfAPhoneAreProven(t *testing.T) {
	s := phonesScene(t, PhoneRules{})
	caller, callee := s.phoneCall()
	press := func() *sip.Request {
		return caller.state.RequestWith(sip.INFO, []byte("Signal=5\r\nDuration=160\r\n"), "application/dtmf-relay")
	}
	caller.sendRequest(press())
	wantsProof(t, callee, callee.request(sip.INFO))
	caller.expect(401)
	caller.proven(press())
	in := callee.request(sip.INFO)
	isProven(t, in)
	in.Refuse(ua.Reply{Status: 200})
	caller.expect(200)
	hangUp(t, caller, callee)
}

// Neither phone nor PBX leaves refreshes to the box unless it says so.
func TestAPhoneAndItsPBXRefreshTheirSessionsThemselves(t *testing.T) {
	timer := sip.NewHeader("Supported", "timer")
	s := phonesScene(t, PhoneRules{})
	caller := s.call("101", "102", timer)
	callee := s.hosted.called()
	if got := valueOf(callee.in, "Session-Expires"); got != "1800;refresher=uas" {
		t.Errorf("the PBX is asked for %q", got)
	}
	callee.respond(200, clearSDP("203.0.113.8"))
	res := caller.expect(200)
	if got := valueOf(res, "Session-Expires"); got != "1800;refresher=uac" {
		t.Errorf("the phone was granted %q", got)
	}
	caller.ack(res)
	callee.request(sip.ACK)
	hangUp(t, caller, callee)
}

// A PBX that has the box refresh the session and then wants proof of it gets the phone's refreshes.
func TestARefreshThatThePBXWantsProofForIsThePhones(t *testing.T) {
	for _, method := range []sip.RequestMethod{sip.UPDATE, sip.INVITE} {
		s := phonesScene(t, PhoneRules{})
		caller := s.call("101", "102", sip.NewHeader("Supported", "timer"))
		callee := s.hosted.called()
		if err := callee.in.Respond(callee.box, ua.Reply{Status: 200, Contact: "sip:gw@203.0.113.7", Body: []byte(clearSDP("203.0.113.8")), ContentType: sdpType,
			Headers: []sip.Header{sip.NewHeader("Session-Expires", "600;refresher=uac"), sip.NewHeader("Require", "timer")}}); err != nil {
			t.Fatal(err)
		}
		caller.ack(caller.expect(200))
		callee.request(sip.ACK)
		c := s.session()
		c.inbox.Post(refreshDue{c.callee})
		wantsProof(t, callee, callee.request(sip.UPDATE))
		callee.ask(sip.OPTIONS, "")
		callee.expect(200) // the challenge came before that, by the same way

		refresh := func() *sip.Request {
			if method == sip.INVITE {
				return caller.state.RequestWith(method, []byte(clearSDP("10.0.0.5")), sdpType)
			}
			return caller.state.Request(method)
		}
		caller.sendRequest(refresh())
		wantsProof(t, callee, callee.request(method))
		caller.expect(401)
		out := caller.proven(refresh())
		in := callee.request(method)
		isProven(t, in)
		if got := valueOf(in, "Session-Expires"); got != "600;refresher=uac" {
			t.Errorf("the PBX is asked for %q", got)
		}
		reply := ua.Reply{Status: 200, Contact: "sip:gw@203.0.113.7", Headers: []sip.Header{sip.NewHeader("Session-Expires", "600;refresher=uac")}}
		if method == sip.INVITE {
			reply.Body, reply.ContentType = []byte(clearSDP("203.0.113.8")), sdpType
		}
		if err := in.Respond(callee.box, reply); err != nil {
			t.Fatal(err)
		}
		caller.expect(200)
		if method == sip.INVITE {
			if err := out.Ack(nil); err != nil {
				t.Fatal(err)
			}
			callee.request(sip.ACK)
		}
		hangUp(t, caller, callee)
	}
}

// What a phone proves within a call is for the name that the box has there, and the PBX sees it.
func TestAPhoneKnowsTheBoxByTheDomainOfItsPBX(t *testing.T) {
	const contact, way = "<sip:cloud.example>", "<sip:192.0.2.1:5060;lr>"
	s := phonesScene(t, PhoneRules{})
	caller := s.call("101", "102")
	callee := s.hosted.called()
	callee.respond(180, "")
	ringing := caller.expect(180)
	callee.respond(200, clearSDP("203.0.113.8"))
	res := caller.expect(200)
	for _, m := range []*sip.Response{ringing, res} {
		if valueOf(m, "Contact") != contact || valueOf(m, "Record-Route") != way {
			t.Errorf("the phone that calls was answered\n%s", m)
		}
	}
	caller.ack(res)
	callee.request(sip.ACK)
	bye := caller.state.Request(sip.BYE)
	bye.AppendHeader(sip.NewHeader("Authorization", `Digest username="101", uri="sip:192.0.2.1:5060"`))
	bye.Recipient.Host = "192.0.2.1" // as a phone would that minds no routes
	caller.sendRequest(bye)
	in := callee.request(sip.BYE)
	if got := in.GetHeaders("Authorization"); len(got) > 0 {
		t.Errorf("the PBX was shown the inside: %v", got)
	}
	in.Refuse(ua.Reply{Status: 200})
	caller.expect(200)

	caller = s.hosted.invite("sip:102@cloud.example", "sip:token-of-101@198.51.100.2")
	callee = s.phones["101"].called()
	if valueOf(callee.in, "Contact") != contact || valueOf(callee.in, "Record-Route") != way {
		t.Errorf("the phone that is called was sent\n%s", callee.in)
	}
	callee.respond(486, "")
	caller.expect(486)
}
