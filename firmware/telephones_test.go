package main

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"tollgate/firmware/phones"
	"tollgate/firmware/policy"
)

func TestPhonesAreShownWithWhatTheyMayDoWithoutTheirPBX(t *testing.T) {
	if shownPhones(phones.State{}) != nil {
		t.Error("phones are shown where the policy has none")
	}
	now := time.Now()
	s := phones.State{Used: true, PBX: "cloud.example", Most: 10, Registers: []phones.Registered{
		{User: "101", Transport: policy.UDP, Source: netip.MustParseAddrPort("192.0.2.77:5060"), BehindNAT: true, Since: now, Expires: now, Verified: now},
	}}
	shown := shownPhones(s)
	if !shown.Reachable || shown.Reason != "" || len(shown.Registered) != 1 || shown.Registered[0].Source != "192.0.2.77:5060" || !shown.Registered[0].BehindNAT {
		t.Errorf("shown %+v", shown)
	}
	for survival, says := range map[policy.Survival]string{
		policy.SurvivalOff: "Only emergency calls", policy.SurvivalPhones: "call one another", policy.SurvivalRoutes: "by the routes",
	} {
		s.Away, s.Survival = "the phones' PBX cannot be reached: it does not answer", survival
		if shown := shownPhones(s); shown.Reachable || !strings.HasPrefix(shown.Reason, s.Away+". ") || !strings.Contains(shown.Reason, says) {
			t.Errorf("%s: %q", survival, shown.Reason)
		}
	}
}

// What the policy says about the encryption of phones holds for those that use TLS, which hides the keys.
func TestPhonesAreSpokenWithAsThePolicySays(t *testing.T) {
	p := &policy.Policy{Phones: policy.Phones{
		Domain: "cloud.example", PhoneSRTP: policy.SRTPOptional, PhoneKeying: []policy.Keying{policy.KeyingDTLS}, PhoneSuites: []policy.Suite{policy.SuiteAEADAES128GCM},
	}}
	box := &parties{}
	box.policy.Store(p)
	line := phones.Line{User: "101", Peer: policy.PhonePeer(netip.MustParseAddr("192.0.2.77")), Transport: policy.TLSTransport}
	if got := (telephones{parties: box}).phone(line); got.SRTP != policy.SRTPOptional || !slices.Equal(got.Keying, p.Phones.PhoneKeying) || !slices.Equal(got.Suites, p.Phones.PhoneSuites) {
		t.Errorf("over TLS: %s by %v with %v", got.SRTP, got.Keying, got.Suites)
	}
	line.Transport = policy.UDP
	if got := (telephones{parties: box}).phone(line); got.SRTP != policy.SRTPOff || len(got.Keying)+len(got.Suites) > 0 {
		t.Errorf("over UDP: %s by %v with %v", got.SRTP, got.Keying, got.Suites)
	}
}
