package call

import (
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/policy"
	"tollgate/firmware/ua"
)

// saysWho are the fields by which a message can say whose it is, each with somebody else's number.
func saysWho() []string {
	const forged = "<sip:+33698765432@192.0.2.10>"
	return []string{
		"P-Asserted-Identity: \"0698765432\" " + forged + ", <tel:+33698765432>", "P-Preferred-Identity: " + forged, "Remote-Party-ID: " + forged + ";party=calling;screen=yes;privacy=off",
		"RPID-Privacy: " + forged, "Diversion: " + forged + ";reason=unconditional", "History-Info: " + forged + ";index=1", "Referred-By: " + forged, "Reply-To: " + forged,
		"P-Called-Party-ID: " + forged, "P-Associated-URI: " + forged, "P-Served-User: " + forged, "P-Asserted-Service: +33698765432", "P-Charge-Info: " + forged,
		"Call-Info: " + forged + ";purpose=card", "Alert-Info: " + forged, "Subject: 0698765432", "Organization: 0698765432", "X-Original-From: " + forged,
		"Identity: aGVhZA.Ym9keQ.c2ln;info=<https://698765432.example/p.cer>", "User-Agent: 0698765432",
	}
}

// Whatever the office writes of who it is, and wherever: only From and the field that asserts it reach a carrier, with numbers
// that are the trunk's.
func TestNoFieldTakesSomebodyElsesNumberToACarrier(t *testing.T) {
	for _, unowned := range []policy.UnownedNumbers{policy.UnownedReplace, policy.UnownedRefuse} {
		for _, f := range saysWho() {
			name, _, _ := strings.Cut(f, ":")
			t.Run(string(unowned)+" "+name, func(t *testing.T) {
				s := newScene(t, func(p *policy.Policy) { p.Trunks[0].UnownedNumbers, p.Trunks[0].ClipNoScreening = unowned, true })
				s.forgeInEveryRequest(f)
				s.forgeInEveryAnswer(f)
				noLeak(t, s.a, "698765432")
			})
		}
	}
}

// forgeInEveryRequest makes a call of the office whose every request carries a field.
func (s *scene) forgeInEveryRequest(f string) {
	s.t.Helper()
	d := draftTo("00472105518", clearSDP("192.0.2.50"), f)
	d.FromName = "0698765432"
	caller := s.pbx.send(d)
	callee := s.a.called()
	if got := callee.in.From().Address.User; got != "+33123456700" {
		s.t.Errorf("the carrier is shown %q", got)
	}
	callee.respond(200, secureSDP("203.0.113.8"))
	caller.ack(caller.expect(200))
	callee.request(sip.ACK)
	name, value, _ := strings.Cut(f, ": ")
	ask := func(method sip.RequestMethod, body string) *ua.Outgoing {
		req := caller.state.RequestWith(method, []byte(body), sdpType)
		req.AppendHeader(sip.NewHeader(name, value))
		out, err := caller.box.Send(s.t.Context(), req, box, s.pbx.end, caller.state, nil)
		if err != nil {
			s.t.Fatal(err)
		}
		return out
	}
	out := ask(sip.INVITE, clearSDP("192.0.2.50", "a=sendonly"))
	callee.reinvited(secureSDP("203.0.113.8", "a=recvonly"))
	caller.expect(200)
	if err := out.Ack(nil); err != nil {
		s.t.Fatal(err)
	}
	ask(sip.UPDATE, clearSDP("192.0.2.50", "a=inactive"))
	callee.reinvited(secureSDP("203.0.113.8", "a=inactive"))
	caller.expect(200)
	ask(sip.BYE, "")
	callee.request(sip.BYE).Refuse(ua.Reply{Status: 200})
	caller.expect(200)
}

// forgeInEveryAnswer has a carrier call, and the office answer with a field.
func (s *scene) forgeInEveryAnswer(f string) {
	s.t.Helper()
	caller := s.a.dial("+33612345678", "+33123456700", secureSDP("203.0.113.8"))
	callee := s.pbx.called()
	callee.respondWith(180, "", f)
	caller.expect(180)
	callee.respondWith(200, clearSDP("192.0.2.50"), f)
	caller.ack(caller.expect(200))
	callee.request(sip.ACK)
	hangUp(s.t, caller, callee)
}
