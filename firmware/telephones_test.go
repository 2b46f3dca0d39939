package main

import (
	"net/netip"
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
