package call

import (
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/policy"
	"tollgate/firmware/ua"
)

func TestACarrierKnowsTheBoxByItsName(t *testing.T) {
	s := newScene(t, func(p *policy.Policy) { p.Trunks[0].OwnName = "sbc.office.example" })
	caller := s.pbx.dial("0123456700", "00123456789", clearSDP("192.0.2.50"))
	callee := s.a.called()
	if got := callee.in.Contact().Address.Host; got != "sbc.office.example" {
		t.Errorf("Contact is at %s", got)
	}
	from, pai := callee.in.From().Address, callee.in.GetHeaders("P-Asserted-Identity")
	if from.Host != "sbc.office.example" || len(pai) != 1 || !strings.Contains(pai[0].Value(), "@sbc.office.example") {
		t.Errorf("the office's number is at %s and in %v", from.Host, pai)
	}
	if callee.in.Recipient.Host != "carrier-a.example" || callee.in.To().Address.Host != "carrier-a.example" {
		t.Errorf("called %s, To %s", callee.in.Recipient.String(), callee.in.To().Address.Host)
	}
	callee.respond(486, "")
	caller.expect(486)
}

func TestOptionsAreAnsweredWithWhatTheBoxTakesAndWhereItIs(t *testing.T) {
	s := newScene(t, func(p *policy.Policy) { p.Trunks[0].OwnName = "sbc.office.example" })
	for _, c := range []struct {
		from *actor
		host string
	}{{s.a, "sbc.office.example"}, {s.b, "198.51.100.2"}, {s.pbx, "192.0.2.1"}} {
		req, err := ua.Draft{
			Method: sip.OPTIONS, URI: "sip:198.51.100.2", From: "sip:ping@carrier-a.example", To: "sip:198.51.100.2", FromTag: ua.NewTag(),
			CallID: ua.NewCallID(), Seq: 1, Local: ua.Local{Host: "203.0.113.7", Port: 5060, Transport: "UDP"}, MaxForwards: 70,
		}.Request()
		if err != nil {
			t.Fatal(err)
		}
		if len(req.GetHeaders("Allow")) != 1 {
			t.Error("an OPTIONS of the box does not tell what it takes")
		}
		res, err := c.from.core.Do(t.Context(), req, box, c.from.end, nil)
		if err != nil {
			t.Fatal(err)
		}
		allow := res.GetHeaders("Allow")
		if res.StatusCode != 200 || res.Contact() == nil || res.Contact().Address.Host != c.host || len(allow) != 1 || allow[0].Value() != ua.Allow {
			t.Errorf("%s got\n%s", c.from.peer.Name, res)
		}
	}
}

func TestACarrierThatKnowsInactiveOnlyIsToldNothingElse(t *testing.T) {
	for said, told := range map[string]string{"a=sendonly": "a=inactive", "a=inactive": "a=inactive", "c=IN IP4 0.0.0.0": "a=inactive", "a=sendrecv": ""} {
		s := newScene(t, func(p *policy.Policy) { p.Trunks[0].Hold = policy.HoldInactive })
		caller, callee := s.answeredCall()
		body := clearSDP("192.0.2.50", said)
		if strings.HasPrefix(said, "c=") {
			body = strings.Replace(clearSDP("192.0.2.50"), "c=IN IP4 192.0.2.50", said, 1)
		}
		body = strings.Replace(body, "42 1 IN", "42 2 IN", 1)
		caller.ask(sip.INVITE, body)
		in := callee.request(sip.INVITE)
		held := hasLine(offerOf(in), "a=inactive")
		if held != (told != "") || hasLine(offerOf(in), "a=sendonly") || hasLine(offerOf(in), "c=IN IP4 0.0.0.0") {
			t.Errorf("%s is told as\n%s", said, offerOf(in))
		}
	}
}

func TestSomeCarriersAreNotAskedForASessionTimer(t *testing.T) {
	for timer, asked := range map[policy.SessionTimer]int{"": 1, policy.TimerAsk: 1, policy.TimerAnswer: 0} {
		s := newScene(t, func(p *policy.Policy) { p.Trunks[0].SessionTimer = timer })
		caller := s.pbx.dial("0123456700", "00123456789", clearSDP("192.0.2.50"))
		callee := s.a.called()
		if n := len(callee.in.GetHeaders("Session-Expires")); n != asked || !ua.Lists(callee.in.GetHeaders("Supported"), "timer") {
			t.Errorf("session_timer %q: asked %d times\n%s", timer, n, callee.in)
		}
		callee.respond(486, "")
		caller.expect(486)
	}
}
