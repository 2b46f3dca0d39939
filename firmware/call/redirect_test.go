package call

import (
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/event"
	"tollgate/firmware/policy"
	"tollgate/firmware/ua"
)

// redirect answers a call with another place to try.
func (c *dialog) redirect(contacts ...string) {
	c.a.t.Helper()
	r := ua.Reply{Status: 302}
	for _, contact := range contacts {
		r.Headers = append(r.Headers, sip.NewHeader("Contact", contact))
	}
	if err := c.in.Respond(c.box, r); err != nil {
		c.a.t.Fatal(err)
	}
}

func TestARedirectionIsFollowedByTheBoxsOwnRoutes(t *testing.T) {
	s := newScene(t, nil)
	caller := s.a.dial("+33612345678", "+33123456700", secureSDP("203.0.113.8"))
	s.pbx.called().redirect("<sip:nobody@192.0.2.10>", "<sip:0699887766@192.0.2.10>")
	target := s.a.called()
	if got := target.in.Recipient.String(); got != "sip:+33699887766@carrier-a.example" {
		t.Errorf("forwarded to %s", got)
	}
	if got := target.in.From().Address.User; got != "+33123456700" {
		t.Errorf("presented as %s, want the number of ours that was called", got)
	}
	target.respond(200, secureSDP("203.0.113.20"))
	res := caller.expect(200)
	if strings.Contains(res.String(), "203.0.113.20") {
		t.Errorf("the forwarded side shows:\n%s", res)
	}
	caller.ack(res)
	target.request(sip.ACK)
	if u := s.gate.Usage(); u.Trunks["carrier-a"] != 2 {
		t.Errorf("both halves hold a line of the trunk: %+v", u)
	}
	caller.ask(sip.BYE, "")
	target.request(sip.BYE).Refuse(ua.Reply{Status: 200})
}

func TestARedirectionIsJudgedAndBounded(t *testing.T) {
	t.Run("where no route leads", func(t *testing.T) {
		s := newScene(t, func(p *policy.Policy) { p.Routes[0].Prefixes = []string{"+33"} })
		caller := s.pbx.dial("201", "00472105518", clearSDP("192.0.2.50"))
		s.a.called().redirect("<sip:+882123456789@203.0.113.7>")
		caller.expect(404)
		if e := find[event.CallRefused](s); e.Rule != "routes" {
			t.Errorf("refused by %s: %s", e.Rule, e.Reason)
		}
	})
	t.Run("beyond the limit", func(t *testing.T) {
		s := newScene(t, func(p *policy.Policy) { p.Limits.Calls = 1 })
		caller := s.a.dial("+33612345678", "+33123456700", secureSDP("203.0.113.8"))
		s.pbx.called().redirect("<sip:0699887766@192.0.2.10>")
		caller.expect(503)
		if e := find[event.CallRefused](s); e.Rule != "limits.calls" {
			t.Errorf("refused by %s", e.Rule)
		}
	})
	t.Run("to a premium number, by a carrier", func(t *testing.T) {
		s := newScene(t, closePremium)
		caller := s.pbx.dial("201", "00472105518", clearSDP("192.0.2.50"))
		s.a.called().redirect("<sip:+33899123456@203.0.113.7>")
		caller.expect(403)
		if e := find[event.CallRefused](s); e.Rule != "admission.classes" || len(e.Steps) == 0 || e.Steps[len(e.Steps)-1].Says != "refuses" {
			t.Errorf("refused by %s: %s, %+v", e.Rule, e.Reason, e.Steps)
		}
	})
	t.Run("to a premium number, by the office", func(t *testing.T) {
		s := newScene(t, closePremium)
		caller := s.a.dial("+33612345678", "+33123456700", secureSDP("203.0.113.8"))
		s.pbx.called().redirect("<sip:0899123456@192.0.2.10>")
		caller.expect(403)
		if e := find[event.CallRefused](s); e.Rule != "admission.classes" {
			t.Errorf("refused by %s", e.Rule)
		}
	})
	t.Run("in a circle", func(t *testing.T) {
		s := newScene(t, func(p *policy.Policy) { p.Limits.Calls, p.Trunks[0].Caps.Calls = 100, 0 })
		caller := s.pbx.dial("201", "00472105518", clearSDP("192.0.2.50"))
		for range maxRedirects + 1 {
			s.a.called().redirect("<sip:+33472105519@203.0.113.7>")
		}
		caller.expect(502)
	})
	t.Run("to nobody", func(t *testing.T) {
		s := newScene(t, nil)
		caller := s.pbx.dial("201", "00472105518", clearSDP("192.0.2.50"))
		s.a.called().redirect()
		s.b.called().respond(486, "") // then another trunk may do better
		caller.expect(486)
	})
}
