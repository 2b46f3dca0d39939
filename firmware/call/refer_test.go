package call

import (
	"net/url"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/event"
	"tollgate/firmware/policy"
	"tollgate/firmware/ua"
)

// referTo sends a REFER from a party of a call.
func (c *dialog) referTo(target string) *ua.Outgoing {
	c.a.t.Helper()
	req := c.state.Request(sip.REFER)
	req.AppendHeader(sip.NewHeader("Refer-To", target))
	req.AppendHeader(sip.NewHeader("Contact", "<sip:x@192.0.2.99>"))
	out, err := c.box.Send(c.a.t.Context(), req, box, c.a.end, c.state, nil)
	if err != nil {
		c.a.t.Fatal(err)
	}
	return out
}

// notified waits for a NOTIFY of the transfer and answers it.
func (c *dialog) notified(fragment, state string) {
	c.a.t.Helper()
	in := c.request(sip.NOTIFY)
	in.Refuse(ua.Reply{Status: 200})
	if got := strings.TrimSpace(string(in.Body())); got != fragment || !strings.HasPrefix(valueOf(in, "Subscription-State"), state) || valueOf(in, "Event") != "refer" {
		c.a.t.Errorf("%s was told %q, %s; want %q, %s", c.a.peer.Name, got, valueOf(in, "Subscription-State"), fragment, state)
	}
}

// reinvited answers a re-INVITE of the box.
func (c *dialog) reinvited(body string) *ua.Incoming {
	c.a.t.Helper()
	in := c.request(sip.INVITE)
	if err := in.Respond(c.box, ua.Reply{Status: 200, Contact: "sip:gw@203.0.113.7", Body: []byte(body), ContentType: sdpType}); err != nil {
		c.a.t.Fatal(err)
	}
	c.request(sip.ACK)
	return in
}

func TestTheOfficeTransfersACallToAnotherNumberOutside(t *testing.T) {
	s := newScene(t, nil)
	caller, callee := s.answeredCall()
	caller.referTo("<sip:00612345678@192.0.2.1>")
	caller.expect(202)
	caller.notified("SIP/2.0 100 Trying", "active")
	target := s.a.called()
	if got := target.in.Recipient.User; got != "+33612345678" {
		t.Errorf("the target is %s", got)
	}
	if got := target.in.From().Address.User; got != "+33123456700" {
		t.Errorf("presented as %s, want a number of the trunk", got)
	}
	if strings.Contains(string(target.in.Body()), "203.0.113.") || len(target.in.GetHeaders("Referred-By")) > 0 {
		t.Errorf("something of the first call reached the target:\n%s", target.in.Request)
	}
	target.respond(180, "")
	caller.notified("SIP/2.0 180 Ringing", "active")
	target.respond(200, secureSDP("203.0.113.20"))
	target.request(sip.ACK)
	caller.notified("SIP/2.0 200 OK", "terminated")
	caller.request(sip.BYE).Refuse(ua.Reply{Status: 200})
	offer := string(callee.reinvited(secureSDP("203.0.113.8")).Body())
	if strings.Contains(offer, "203.0.113.20") || !strings.Contains(offer, " RTP/SAVP ") {
		t.Errorf("the one who stays was offered\n%s", offer)
	}
	if e := find[event.CallTransferred](s); e.To != "+33612345678" || e.By != "pbx" {
		t.Errorf("told %+v", e)
	}
	if !s.holes.listens("203.0.113.20") || !s.holes.listens("203.0.113.8") {
		t.Error("the media of the joined call is not let in")
	}
	if u := s.gate.Usage(); u.Calls != 2 || u.Trunks["carrier-a"] != 2 {
		t.Errorf("both halves hold a line: %+v", u)
	}
	hangUp := target.ask(sip.BYE, "")
	if e := target.next(); e.Sent != hangUp || e.Response.StatusCode != 200 {
		t.Errorf("BYE: %s", shown(e))
	}
	callee.request(sip.BYE).Refuse(ua.Reply{Status: 200})
}

func TestACarriersCallIsTransferredWithinTheOffice(t *testing.T) {
	s := newScene(t, nil)
	caller := s.a.dial("+33612345678", "+33123456700", secureSDP("203.0.113.8"))
	callee := s.pbx.called()
	callee.respond(200, clearSDP("192.0.2.51"))
	caller.ack(caller.expect(200))
	callee.request(sip.ACK)
	callee.referTo("<sip:+33123456800@192.0.2.10>")
	callee.expect(202)
	callee.notified("SIP/2.0 100 Trying", "active")
	target := s.pbx.called()
	if got := target.in.Recipient.User + " from " + target.in.From().Address.User; got != "0123456800 from 0612345678" {
		t.Errorf("called %s", got)
	}
	target.respond(200, clearSDP("192.0.2.52"))
	target.request(sip.ACK)
	callee.notified("SIP/2.0 200 OK", "terminated")
	callee.request(sip.BYE).Refuse(ua.Reply{Status: 200})
	caller.reinvited(secureSDP("203.0.113.8"))
	hangUp := caller.ask(sip.BYE, "")
	if e := caller.next(); e.Sent != hangUp || e.Response.StatusCode != 200 {
		t.Errorf("BYE: %s", shown(e))
	}
	target.request(sip.BYE).Refuse(ua.Reply{Status: 200})
}

func TestTwoCallsOfTheOfficeAreJoined(t *testing.T) {
	s := newScene(t, nil)
	caller, first := s.answeredCall()
	caller.ask(sip.INVITE, clearSDP("192.0.2.50", "a=sendonly")) // the first one waits
	first.reinvited(secureSDP("203.0.113.8", "a=recvonly"))
	caller.ackLast(200)
	consult := s.pbx.dial("201", "00612345678", clearSDP("192.0.2.50"))
	second := s.a.called()
	second.respond(200, secureSDP("203.0.113.20"))
	consult.ack(consult.expect(200))
	second.request(sip.ACK)

	d := consult.state
	caller.referTo("<sip:+33612345678@192.0.2.1?Replaces=" + url.QueryEscape(d.CallID+";to-tag="+d.RemoteTag+";from-tag="+d.LocalTag) + ">")
	caller.expect(202)
	caller.notified("SIP/2.0 100 Trying", "active")
	caller.notified("SIP/2.0 200 OK", "terminated")
	caller.request(sip.BYE).Refuse(ua.Reply{Status: 200})
	consult.request(sip.BYE).Refuse(ua.Reply{Status: 200})
	for _, far := range []struct {
		d    *dialog
		addr string
	}{{second, "203.0.113.20"}, {first, "203.0.113.8"}} {
		offer := offerOf(far.d.reinvited(secureSDP(far.addr)))
		if !hasLine(offer, "a=sendrecv") || hasLine(offer, "c=IN IP4 203.0.113.") {
			t.Errorf("offered %q", offer)
		}
	}
	if u := s.gate.Usage(); u.Calls != 2 || u.Trunks["carrier-a"] != 2 {
		t.Errorf("both halves hold a line: %+v", u)
	}
	if calls := s.desk.Calls(); len(calls) != 1 || calls[0].To != "+33612345678" || calls[0].Caller.Peer != "carrier-a" ||
		calls[0].Caller.Side != policy.SideOutside || calls[0].Callee.Peer != "carrier-a" {
		t.Errorf("shown: %+v", calls)
	}
	hangUp := second.ask(sip.BYE, "")
	if e := second.next(); e.Sent != hangUp || e.Response.StatusCode != 200 {
		t.Errorf("BYE: %s", shown(e))
	}
	first.request(sip.BYE).Refuse(ua.Reply{Status: 200})
	noLeak(t, s.a, "192.0.2.5", "192.0.2.9", "marked", "office.lan")
}

// ackLast acknowledges the answer to a re-INVITE.
func (c *dialog) ackLast(status int) {
	c.a.t.Helper()
	e := c.next()
	if e.Response == nil || e.Response.StatusCode != status {
		c.a.t.Fatalf("%s got %s, want %d", c.a.peer.Name, shown(e), status)
	}
	if err := e.Sent.Ack(nil); err != nil {
		c.a.t.Fatal(err)
	}
}

func TestACallGoesOnWhenItsTransferFails(t *testing.T) {
	s := newScene(t, nil)
	caller, callee := s.answeredCall()
	caller.referTo("<sip:00612345678@192.0.2.1>")
	caller.expect(202)
	caller.notified("SIP/2.0 100 Trying", "active")
	s.a.called().respond(486, "")
	caller.notified("SIP/2.0 486 Busy Here", "terminated")
	if u := s.gate.Usage(); u.Calls != 1 {
		t.Errorf("a ticket is left over: %+v", u)
	}
	caller.ask(sip.INVITE, clearSDP("192.0.2.50", "a=sendonly"))
	in := callee.request(sip.INVITE) // the two still talk
	in.Refuse(ua.Reply{Status: 488})
	caller.expect(488)
}

func TestTheOneWhoStaysMayHangUpWhileTheTargetRings(t *testing.T) {
	s := newScene(t, nil)
	caller, callee := s.answeredCall()
	caller.referTo("<sip:00612345678@192.0.2.1>")
	caller.expect(202)
	caller.notified("SIP/2.0 100 Trying", "active")
	target := s.a.called()
	target.respond(180, "")
	caller.notified("SIP/2.0 180 Ringing", "active")
	callee.ask(sip.BYE, "")
	if e := target.next(); e.Cancelled == nil {
		t.Errorf("the target got %s, want a CANCEL", shown(e))
	}
	caller.notified("SIP/2.0 487 Request Terminated", "terminated")
	caller.request(sip.BYE).Refuse(ua.Reply{Status: 200})
}

func TestATransferorWhoHangsUpLeavesTheTransferToTheBox(t *testing.T) {
	s := newScene(t, nil)
	caller, callee := s.answeredCall()
	caller.referTo("<sip:00612345678@192.0.2.1>")
	caller.expect(202)
	caller.notified("SIP/2.0 100 Trying", "active")
	target := s.a.called()
	bye := caller.ask(sip.BYE, "")
	if e := caller.next(); e.Sent != bye || e.Response.StatusCode != 200 {
		t.Errorf("BYE: %s", shown(e))
	}
	target.respond(200, secureSDP("203.0.113.20"))
	target.request(sip.ACK)
	callee.reinvited(secureSDP("203.0.113.8"))
	callee.ask(sip.BYE, "")
	target.request(sip.BYE).Refuse(ua.Reply{Status: 200})
}

// closePremium leaves what is open by default.
func closePremium(p *policy.Policy) { p.Admission.Classes = policy.OpenClasses() }

func TestTransfersThatMayNotBeAreRefused(t *testing.T) {
	tests := map[string]struct {
		change func(*policy.Policy)
		by     func(caller, callee *dialog) *dialog
		to     string
		status int
		rule   string
	}{
		"by a carrier":                {by: func(_, callee *dialog) *dialog { return callee }, to: "<sip:+33612345678@x>", status: 403, rule: "transfer"},
		"to no number":                {to: "<sip:teleport@192.0.2.1>", status: 484, rule: "site.country"},
		"to where no route leads":     {change: func(p *policy.Policy) { p.Routes[0].Prefixes = []string{"+334"} }, to: "<sip:00612345678@192.0.2.1>", status: 404, rule: "routes"},
		"to a premium number":         {change: closePremium, to: "<sip:00899123456@192.0.2.1>", status: 403, rule: "admission.classes"},
		"beyond the limit":            {change: func(p *policy.Policy) { p.Limits.Calls = 1 }, to: "<sip:00612345678@192.0.2.1>", status: 503, rule: "limits.calls"},
		"to a call that is not there": {to: "<sip:x@y?Replaces=abc%3Bto-tag%3D1%3Bfrom-tag%3D2>", status: 481, rule: "transfer"},
		"with a broken Refer-To":      {to: "<<<", status: 400, rule: "sip"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, tt.change)
			caller, callee := s.answeredCall()
			by := caller
			if tt.by != nil {
				by = tt.by(caller, callee)
			}
			by.referTo(tt.to)
			by.expect(tt.status)
			if e := find[event.CallRefused](s); e.Rule != tt.rule {
				t.Errorf("refused by %q (%s), want %q", e.Rule, e.Reason, tt.rule)
			}
			if calls := s.desk.Calls(); len(calls) != 1 || calls[0].State != Answered {
				t.Errorf("the call did not go on: %+v", calls)
			}
		})
	}
}
