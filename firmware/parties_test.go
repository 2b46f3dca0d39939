package main

import (
	"net/netip"
	"testing"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/call"
	"tollgate/firmware/phones"
	"tollgate/firmware/policy"
	"tollgate/firmware/registrar"
)

// The audio of a PBX behind a router comes from where its SIP comes from, whatever its descriptions say.
func TestTheAudioOfAPBXBehindARouterIsExpectedWhereItsSIPComesFrom(t *testing.T) {
	now := &policy.Policy{PBX: policy.PBX{ReachedBy: policy.ReachRegistration}}
	source := netip.MustParseAddrPort("192.0.2.77:34000")
	for contact, want := range map[string]netip.Addr{
		"10.0.0.5": source.Addr(), "192.0.2.77": {}, "pbx.office.example": {}, "[2001:db8::5]": source.Addr(),
	} {
		s := registrar.State{Registered: true, Binding: registrar.Binding{Contact: sip.Uri{Host: contact}, Transport: policy.UDP, Source: source}}
		var party call.Party
		if registered(&party, s, now); party.MediaAt != want {
			t.Errorf("Contact %s, heard from %v: audio is expected at %v, want %v", contact, source, party.MediaAt, want)
		}
	}
	var party call.Party
	if registered(&party, registrar.State{}, now); party.MediaAt.IsValid() {
		t.Errorf("a PBX that is not there is at %v", party.MediaAt)
	}
}

func TestThePolicySaysWhenAudioMayMove(t *testing.T) {
	p := &policy.Policy{
		PBX:    policy.PBX{Address: netip.MustParseAddrPort("192.0.2.20:5060"), MediaLatching: policy.LatchDynamic},
		Phones: policy.Phones{Domain: "cloud.example", MediaLatching: policy.LatchStrict},
	}
	box := &parties{}
	box.policy.Store(p)
	if pbx, ok := box.PBX(); !ok || pbx.Latching != policy.LatchDynamic {
		t.Errorf("PBX: %q", pbx.Latching)
	}
	if phone := (telephones{parties: box}).phone(phones.Line{}); phone.Latching != policy.LatchStrict {
		t.Errorf("phone: %q", phone.Latching)
	}
	if remote := p.Carriers()[0]; remote.MediaLatching != policy.LatchStrict {
		t.Errorf("the phones' PBX: %q", remote.MediaLatching)
	}
	if limit := patience(policy.Limits{SilenceTimeout: 60, HoldTimeout: 3600}); limit.Active.Seconds() != 60 || limit.Held.Seconds() != 3600 {
		t.Errorf("patience %+v", limit)
	}
}
