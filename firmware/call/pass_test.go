package call

import (
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/field"
	"tollgate/firmware/policy"
	"tollgate/firmware/ua"
)

// fields are header fields of a message that the box has sent, as text, in the order of names.
func fields(m field.Message, names ...string) string {
	var list []string
	for _, name := range names {
		for _, h := range field.All(m, name) {
			list = append(list, name+": "+h.Value())
		}
	}
	return strings.Join(list, "\n")
}

// headers makes header fields of "Name: value".
func headers(list ...string) []sip.Header {
	var out []sip.Header
	for _, h := range list {
		name, value, _ := strings.Cut(h, ": ")
		out = append(out, sip.NewHeader(name, value))
	}
	return out
}

// askWith sends a request in the dialog with header fields.
func (c *dialog) askWith(method sip.RequestMethod, list ...string) *ua.Outgoing {
	c.a.t.Helper()
	req := c.state.Request(method)
	for _, h := range headers(list...) {
		req.AppendHeader(h)
	}
	out, err := c.box.Send(c.a.t.Context(), req, box, c.a.end, c.state, nil)
	if err != nil {
		c.a.t.Fatal(err)
	}
	return out
}

// respondWith answers the call with header fields.
func (c *dialog) respondWith(status int, body string, list ...string) {
	c.a.t.Helper()
	r := ua.Reply{Status: status, Contact: "sip:gw@203.0.113.7", Headers: headers(list...)}
	if body != "" {
		r.Body, r.ContentType = []byte(body), sdpType
	}
	if err := c.in.Respond(c.box, r); err != nil {
		c.a.t.Fatal(err)
	}
}

func TestWhatTheRFCsLetThroughCrossesWithoutNamesOfTheOtherSide(t *testing.T) {
	s := newScene(t, nil)
	caller := s.pbx.send(draftTo("00472105518", clearSDP("192.0.2.50"), "Alert-Info: <http://marked-host.office.lan/Bellcore-dr2>",
		"Call-Info: <sip:192.0.2.99>;answer-after=0, <http://192.0.2.99/me.png>;purpose=icon", "P-Early-Media: supported", "User-to-User: 00c8;encoding=hex", "X-Marked: 1",
		"Reason: Q.850;cause=16"))
	callee := s.a.called()
	names := []string{"Alert-Info", "Call-Info", "P-Early-Media", "User-to-User", "Reason", "X-Marked"}
	const want = "Alert-Info: <http://anonymous.invalid/Bellcore-dr2>\nCall-Info: <sip:anonymous.invalid>;answer-after=0\nP-Early-Media: supported\nUser-to-User: 00c8;encoding=hex"
	if got := fields(callee.in, names...); got != want {
		t.Errorf("the carrier got\n%s", got)
	}
	callee.respondWith(183, secureSDP("203.0.113.8"), "P-Early-Media: sendrecv", `Reason: Q.850;cause=1;text="marked-text"`, "X-Marked: 2")
	if got := fields(caller.expect(183), names...); got != "P-Early-Media: sendrecv\nReason: Q.850;cause=1;text=\"Unallocated number\"" {
		t.Errorf("with 183 the office got\n%s", got)
	}
	callee.respondWith(200, secureSDP("203.0.113.8"), "User-to-User: 00aa", "Alert-Info: <urn:alert:source:internal>")
	res := caller.expect(200)
	if got := fields(res, names...); got != "User-to-User: 00aa" {
		t.Errorf("with 200 the office got\n%s", got)
	}
	caller.ack(res)
	callee.request(sip.ACK)
	callee.askWith(sip.BYE, `Reason: Q.850;cause=16;text="by marked-host"`, "User-to-User: 00bb", "Alert-Info: <urn:alert:source:internal>")
	bye := caller.request(sip.BYE)
	if got := fields(bye, names...); got != "User-to-User: 00bb\nReason: Q.850;cause=16;text=\"Normal call clearing\"" {
		t.Errorf("with BYE the office got\n%s", got)
	}
	bye.Refuse(ua.Reply{Status: 200})
	noLeak(t, s.pbx, "203.0.113.", "marked")
	noLeak(t, s.a, "192.0.2.9", "192.0.2.5", "marked")
}

func TestAReInviteCarriesWhatItMay(t *testing.T) {
	s := newScene(t, nil)
	caller, callee := s.answeredCall()
	req := callee.state.RequestWith(sip.INVITE, []byte(secureSDP("203.0.113.8", "a=sendonly")), sdpType)
	req.AppendHeader(sip.NewHeader("Call-Info", "<sip:203.0.113.7>;answer-after=0"))
	out, err := callee.box.Send(t.Context(), req, box, s.a.end, callee.state, nil)
	if err != nil {
		t.Fatal(err)
	}
	in := caller.request(sip.INVITE)
	if got := fields(in, "Call-Info"); got != "Call-Info: <sip:anonymous.invalid>;answer-after=0" {
		t.Errorf("the office got %q", got)
	}
	if err := in.Respond(caller.box, ua.Reply{Status: 200, Body: []byte(clearSDP("192.0.2.50", "a=recvonly")), ContentType: sdpType, Headers: headers("User-to-User: 00aa")}); err != nil {
		t.Fatal(err)
	}
	if got := fields(callee.expect(200), "User-to-User"); got != "User-to-User: 00aa" {
		t.Errorf("the carrier got %q", got)
	}
	if err := out.Ack(nil); err != nil {
		t.Fatal(err)
	}
	caller.request(sip.ACK)
}

func TestWhyARingingCallIsGivenUpIsPassedOn(t *testing.T) {
	for name, give := range map[string]func(*dialog){
		"CANCEL": func(c *dialog) {
			c.out.Cancel(headers(`Reason: SIP;cause=200;text="answered at marked-host"`)...)
			c.expect(487)
		},
		"early BYE": func(c *dialog) { c.askWith(sip.BYE, "Reason: SIP;cause=200") },
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, nil)
			caller := s.a.dial("+33987654321", "+33123456700", secureSDP("203.0.113.8"))
			callee := s.pbx.called()
			callee.respond(180, "")
			caller.state.Established(caller.expect(180))
			give(caller)
			e := callee.next()
			if e.Cancelled == nil || fields(e.Cancel, "Reason") != `Reason: SIP;cause=200;text="Call completed elsewhere"` {
				t.Errorf("the office got %s with %v", shown(e), e.Cancel)
			}
		})
	}
}

func TestWhyACallFailedIsPassedOn(t *testing.T) {
	s := newScene(t, nil)
	caller := s.a.dial("+33987654321", "+33123456700", secureSDP("203.0.113.8"))
	s.pbx.called().respondWith(480, "", "Reason: Q.850;cause=20", "Reason: SIP;cause=480;text=\"marked\"")
	if got := fields(caller.expect(480), "Reason"); got != `Reason: Q.850;cause=20;text="Subscriber absent"` {
		t.Errorf("the carrier got %q", got)
	}
}

func TestHeaderRulesActOnEachLeg(t *testing.T) {
	rule := func(d policy.Direction, a policy.HeaderAction, name, value string, requests ...string) policy.HeaderRule {
		return policy.HeaderRule{Direction: d, Requests: requests, Action: a, Name: name, Value: value}
	}
	s := newScene(t, func(p *policy.Policy) {
		p.PBX.Headers = []policy.HeaderRule{
			rule("from", "remove", "User-to-User", "", "INVITE"), rule("from", "set", "Reason", "Q.850;cause=31", "BYE"),
			rule("to", "add", "X-Line", "1", "INVITE", "BYE"),
		}
		p.Trunks[0].Headers = []policy.HeaderRule{
			rule("to", "set", "X-Customer", "1234", "INVITE", "CANCEL"), rule("to", "add", "User-to-User", "00ff", "BYE"),
			rule("to", "remove", "p-asserted-identity", "", "INVITE"), rule("from", "remove", "Reason", "", "BYE", "CANCEL"),
			rule("from", "set", "Privacy", "id", "INVITE"),
		}
	})
	caller := s.pbx.send(draftTo("00472105518", clearSDP("192.0.2.50"), "User-to-User: 00c8", "X-Customer: mine"))
	callee := s.a.called()
	if got := fields(callee.in, "X-Customer", "User-to-User", "P-Asserted-Identity"); got != "X-Customer: 1234" {
		t.Errorf("the carrier got %q", got)
	}
	callee.respond(200, secureSDP("203.0.113.8"))
	caller.ack(caller.expect(200))
	callee.request(sip.ACK)
	caller.askWith(sip.BYE, "Reason: Q.850;cause=16")
	bye := callee.request(sip.BYE)
	if got := fields(bye, "Reason", "User-to-User", "X-Customer"); got != "Reason: Q.850;cause=31;text=\"Normal, unspecified\"\nUser-to-User: 00ff" {
		t.Errorf("the carrier got the BYE with %q", got)
	}
	bye.Refuse(ua.Reply{Status: 200})
	caller.expect(200)

	cancelled := s.pbx.dial("201", "00472105518", clearSDP("192.0.2.50"))
	ringing := s.a.called()
	ringing.respond(180, "")
	cancelled.expect(180)
	cancelled.out.Cancel()
	if e := ringing.next(); e.Cancelled == nil || fields(e.Cancel, "X-Customer") != "X-Customer: 1234" {
		t.Errorf("the carrier got %s with %v", shown(e), e.Cancel)
	}
	s.await(0) // the trunk has room for two

	inward := s.a.dial("+33987654321", "+33123456700", secureSDP("203.0.113.8"))
	rung := s.pbx.called()
	if got := fields(rung.in, "X-Line", "From"); !strings.HasPrefix(got, "X-Line: 1\nFrom: \"Anonymous\" <sip:anonymous@anonymous.invalid>") {
		t.Errorf("the office got %q", got)
	}
	rung.respond(180, "")
	inward.expect(180)
	inward.out.Cancel(headers("Reason: SIP;cause=200")...)
	if e := rung.next(); e.Cancelled == nil || fields(e.Cancel, "Reason") != "" {
		t.Errorf("the office got %s with %v", shown(e), e.Cancel)
	}
}

func TestHeaderRulesActOnResponsesOfEachLeg(t *testing.T) {
	rule := func(d policy.Direction, a policy.HeaderAction, name, value string) policy.HeaderRule {
		return policy.HeaderRule{Direction: d, Responses: []string{"INVITE"}, Action: a, Name: name, Value: value}
	}
	s := newScene(t, func(p *policy.Policy) {
		p.PBX.Headers = []policy.HeaderRule{rule("to", "set", "X-Line", "1"), rule("to", "remove", "call-info", "")}
		p.Trunks[0].Headers = []policy.HeaderRule{rule("from", "remove", "P-Early-Media", ""), rule("from", "set", "Reason", "Q.850;cause=17")}
	})
	caller := s.pbx.send(draftTo("00472105518", clearSDP("192.0.2.50"), "X-Line: mine"))
	callee := s.a.called()
	if got := fields(callee.in, "X-Line"); got != "" {
		t.Errorf("a rule for responses has put %q into a request", got)
	}
	callee.respondWith(180, "", "P-Early-Media: supported", "Alert-Info: <urn:alert:service:call-waiting>", "Call-Info: <sip:x@203.0.113.7>;answer-after=0")
	if got := fields(caller.expect(180), "X-Line", "P-Early-Media", "Alert-Info", "Call-Info"); got != "X-Line: 1\nAlert-Info: <urn:alert:service:call-waiting>" {
		t.Errorf("the office got the 180 with %q", got)
	}
	callee.respondWith(486, "", "Reason: Q.850;cause=21")
	if got := fields(caller.expect(486), "X-Line", "Reason"); !strings.HasPrefix(got, "X-Line: 1\nReason: Q.850;cause=17;") {
		t.Errorf("the office got the 486 with %q", got)
	}
	caller, callee = s.answeredCall()
	hold := caller.ask(sip.INVITE, clearSDP("192.0.2.50", "a=sendonly"))
	callee.reinvited(secureSDP("203.0.113.8", "a=recvonly"))
	if got := fields(caller.expect(200), "X-Line"); got != "X-Line: 1" {
		t.Errorf("the office got the answer to its re-INVITE with %q", got)
	}
	if err := hold.Ack(nil); err != nil {
		t.Fatal(err)
	}
	hangUp(t, caller, callee)
}
