package call

import (
	"testing"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/event"
)

func TestACallForAnEmergencyServiceGoesOutToItsNumber(t *testing.T) {
	for uri, number := range map[string]string{
		"urn:service:sos": "112", "urn:service:sos.police": "17", "urn:service:sos.fire": "18", "URN:service:SOS.ambulance": "15", "urn:service:sos.gas": "112",
	} {
		s := newScene(t, nil)
		caller := s.pbx.invite("sip:201@192.0.2.98", uri)
		callee := s.a.called()
		if to := callee.in.To().Address; callee.in.Recipient.User != number || to.User != number || to.Scheme != "sip" {
			t.Errorf("%s: the carrier was called at %s, To %s", uri, callee.in.Recipient.String(), to.String())
		}
		callee.respond(200, secureSDP("203.0.113.8"))
		caller.ack(caller.expect(200))
		callee.request(sip.ACK)
		if e := find[event.EmergencyCalled](s); e.To != number {
			t.Errorf("told %+v", e)
		}
	}
}

func TestAPhoneThatCallsAnEmergencyServiceReachesItsNumber(t *testing.T) {
	s := phonesScene(t, PhoneRules{OutsidePrefix: "0"})
	caller := s.phones["101"].invite("sip:101@cloud.example", "urn:service:sos.fire")
	for _, a := range []*actor{s.a, s.b, s.hosted} { // the PBX when no carrier takes it
		callee := a.called()
		if callee.in.Recipient.User != "18" {
			t.Errorf("%s was called at %s", a.peer.Name, callee.in.Recipient.String())
		}
		callee.respond(486, "")
	}
	caller.expect(486)
}
