package call

import (
	"testing"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/policy"
	"tollgate/firmware/ua"
)

// contactsOf are the ways that a redirection names.
func contactsOf(res *sip.Response) string {
	all := ""
	for _, v := range ua.Values(res.GetHeaders("Contact")) {
		all += v
	}
	return all
}

// The phone calls there itself, as only it can prove who calls; no address of the PBX's reaches it.
func TestAPhoneIsToldWhereItsPBXSendsItsCall(t *testing.T) {
	s := phonesScene(t, PhoneRules{Survival: policy.SurvivalPhones})
	caller := s.call("101", "104")
	s.hosted.called().redirect("<sip:105@203.0.113.7;secret=1>;q=0.7", "<sip:203.0.113.7>", "<tel:+33612345678>")
	if got := contactsOf(caller.expect(302)); got != "<sip:105@cloud.example><sip:+33612345678@cloud.example>" {
		t.Errorf("the phone was sent to %s", got)
	}
	noLeak(t, s.phones["101"], "203.0.113.7", "secret")
}

// Where the PBX only knows the way, the box goes it.
func TestACallThatThePBXSendsToAPhoneHereRingsThere(t *testing.T) {
	s := phonesScene(t, PhoneRules{})
	caller := s.call("101", "102")
	s.hosted.called().redirect("<sip:token-of-102@198.51.100.2:5060>")
	callee := s.phones["102"].called()
	if in := callee.in; in.Recipient.String() != "sip:102@10.0.0.5:5060;line=x" || in.To().Address.String() != "sip:102@cloud.example" {
		t.Errorf("the other phone was sent\n%s", in)
	}
	answeredBy(caller, callee)
	hangUp(t, caller, callee)
}

// A phone that forwards tells its PBX, which decides.
func TestThePBXIsToldWhereAPhoneSendsACall(t *testing.T) {
	s := phonesScene(t, PhoneRules{})
	caller := s.hosted.invite("sip:102@cloud.example", "sip:token-of-101@198.51.100.2")
	s.phones["101"].called().redirect("<sip:0612345678@marked-host:5060>")
	if got := contactsOf(caller.expect(302)); got != "<sip:0612345678@cloud.example>" {
		t.Errorf("the PBX was sent to %s", got)
	}
	noLeak(t, s.hosted, "marked-host")
}

func TestACarriersCallThatAPhoneSendsElsewhereLeavesByTheRoutes(t *testing.T) {
	s := phonesScene(t, PhoneRules{Inbound: "101"})
	caller := s.b.invite("sip:+33612345678@carrier-b.example", "sip:+33123456800@198.51.100.2")
	s.phones["101"].called().redirect("<sip:0699887766@10.0.0.5>")
	target := s.a.called()
	if got := target.in.Recipient.User; got != "+33699887766" {
		t.Errorf("forwarded to %s", got)
	}
	target.respond(486, "")
	caller.expect(486)
}

func TestARedirectionOfThePBXToNobodyFails(t *testing.T) {
	s := phonesScene(t, PhoneRules{})
	caller := s.call("101", "104")
	s.hosted.called().redirect("<sip:203.0.113.7>")
	caller.expect(502)
}
