package main

import (
	"net/netip"
	"testing"
	"time"

	"tollgate/firmware/call"
	"tollgate/firmware/media"
	"tollgate/firmware/policy"
	"tollgate/firmware/trunk"
)

func TestACallIsShownWithWhoIsAtEachEnd(t *testing.T) {
	const in, out = policy.SideInside, policy.SideOutside
	for want, sides := range map[string][2]policy.Side{"out": {in, out}, "in": {out, in}, "within": {in, in}, "through": {out, out}} {
		shown := shownCall(call.Snapshot{
			Caller: call.LegSnapshot{Peer: "one", Side: sides[0], Suite: "S", Media: media.LegStats{Encrypted: true, Handshakes: true}},
			Callee: call.LegSnapshot{Peer: "two", Side: sides[1], Media: media.LegStats{Encrypted: want == "in"}},
		})
		caller, callee := shown.Legs.Caller, shown.Legs.Callee
		if shown.Direction != want || caller.Peer != "one" || caller.Side != string(sides[0]) || callee.Peer != "two" || callee.Side != string(sides[1]) {
			t.Errorf("%s: %+v", want, shown)
		}
		if caller.Keying != "dtls" || (callee.Keying == "sdes") != (want == "in") {
			t.Errorf("%s: the keys come by %q and %q", want, caller.Keying, callee.Keying)
		}
	}
}

func TestAServerIsShownByWhatIsKnownOfIt(t *testing.T) {
	members := []trunk.MemberState{
		{Host: "sip.a.example", Addr: netip.MustParseAddrPort("198.51.100.10:5061"), RoundTrip: 8250 * time.Microsecond, Registered: true},
		{RoundTrip: time.Millisecond, Avoided: time.Now().Add(time.Minute), Reason: "503 Service Unavailable"},
		{RoundTrip: time.Millisecond, Avoided: time.Now(), Down: true},
		{},
	}
	got := shownServers(members)
	for i, want := range []string{"up", "avoided", "down", "unknown"} {
		if got[i].State != want {
			t.Errorf("server %d is %s, want %s", i, got[i].State, want)
		}
	}
	if s := got[0]; s.Address != "198.51.100.10:5061" || s.Host != "sip.a.example" || s.RoundTrip != 8.25 || !s.Registered || s.AvoidedUntil != nil {
		t.Errorf("the first is %+v", s)
	}
	if got[1].Reason == "" || got[1].AvoidedUntil == nil {
		t.Errorf("the second is %+v", got[1])
	}
}
