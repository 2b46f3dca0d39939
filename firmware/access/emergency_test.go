package access

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/icholy/digest"

	"tollgate/firmware/policy"
)

// helpGate guards a PBX that has to prove itself and dials 0 for an outside line.
func helpGate() *Gate {
	p := office()
	p.PBX.Authentication, p.PBX.User, p.PBX.Secret, p.PBX.OutsidePrefix = policy.AuthDigest, user, secret, "0"
	return New(p, rand.Reader)
}

func TestWhoCallsForHelpIsNotAskedForAPassword(t *testing.T) {
	g := helpGate()
	for _, uri := range []string{
		"sip:112@192.0.2.2", "sip:0112@192.0.2.2", "sip:15@192.0.2.2;user=phone", "tel:18", "sip:%31%38@192.0.2.2", "sip:+33112@192.0.2.2", "sip:191@192.0.2.2",
		"urn:service:sos", "URN:service:sos.police",
	} {
		if v := g.Identify(time.Now(), office10, request(t, "INVITE", uri)); v.Action != Accept || v.Peer.Name != policy.PeerPBX || v.Rule != "" {
			t.Errorf("%s: %+v", uri, v)
		}
	}
}

func TestWrongCredentialsOfAnEmergencyCallAreToldAndDoNotStopIt(t *testing.T) {
	g := helpGate()
	c := challenged(t, g, time.Now(), office10)[algSHA256]
	wrong := authorization(t, c, digest.Options{URI: "sip:112@192.0.2.2", Password: "not-the-secret-of-the-pbx"})
	v := g.Identify(time.Now(), office10, request(t, "INVITE", "sip:112@192.0.2.2", wrong))
	if v.Action != Accept || v.Rule != RuleWrongDigest || v.Reason != "an emergency call passed, although the PBX's user or secret is wrong" {
		t.Errorf("%+v", v)
	}
}

func TestOnlyExactlyAnEmergencyCallPassesUnproven(t *testing.T) {
	g := helpGate()
	for _, tc := range []struct{ method, uri string }{
		{"INVITE", "sip:1120@192.0.2.2"}, {"INVITE", "sip:00112@192.0.2.2"}, {"INVITE", "sip:0123456112@192.0.2.2"}, {"INVITE", "sip:112.example@192.0.2.2"},
		{"INVITE", "sip:0899112112@192.0.2.2"}, {"INVITE", "tel:+33899112112"}, {"MESSAGE", "sip:112@192.0.2.2"}, {"REFER", "sip:112@192.0.2.2"},
		{"SUBSCRIBE", "sip:112@192.0.2.2"}, {"MESSAGE", "urn:service:sos"}, {"INVITE", "urn:service:counseling"}, {"INVITE", "urn:service:sosx"},
	} {
		if v := g.Identify(time.Now(), office10, request(t, tc.method, tc.uri)); v.Action != Challenge {
			t.Errorf("%s %s: %+v", tc.method, tc.uri, v)
		}
	}
	if v := g.Identify(time.Now(), office10, request(t, "INVITE", "sip:112@192.0.2.2", "Replaces: a;to-tag=b;from-tag=c")); v.Action != Challenge {
		t.Errorf("an INVITE with Replaces: %+v", v)
	}
	if v := g.Identify(time.Now(), from(policy.SideInside, policy.UDP, "192.0.2.77"), request(t, "INVITE", "sip:112@192.0.2.2")); v.Action != Drop {
		t.Errorf("a stranger: %+v", v)
	}
}
