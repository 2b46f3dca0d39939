package main

import (
	"fmt"
	"net/netip"
	"testing"

	"tollgate/firmware/event"
)

func TestEqualRefusalsAreCountedTogetherAndTheNewestComesFirst(t *testing.T) {
	r := &refusals{}
	stranger := event.SourceRefused{Side: "outside", Source: netip.MustParseAddrPort("198.51.100.66:5060"), Rule: "unknown source", Count: 1}
	r.note(stranger)
	r.note(event.CallRefused{From: "201", To: "+33899000000", Side: "inside", Caller: "pbx", Status: 403, Rule: "routes"})
	stranger.Source = netip.MustParseAddrPort("198.51.100.66:40000") // another port of the same host
	stranger.Count = 41
	r.note(stranger)
	r.note(event.CallAnswered{}) // no refusal
	got := r.latest()
	if got[0].Side != "outside" || got[1].Side != "inside" {
		t.Errorf("the sides are %q and %q", got[0].Side, got[1].Side)
	}
	if len(got) != 2 || got[0].Rule != "unknown source" || got[0].Count != 42 || got[1].Count != 1 {
		t.Errorf("got %+v", got)
	}
}

func TestOnlyTheLatestRefusalsAreKept(t *testing.T) {
	r := &refusals{}
	for i := range 3 * refusalsKept {
		r.note(event.CallRefused{To: fmt.Sprint(i), Rule: "routes"})
	}
	got := r.latest()
	if len(got) != refusalsKept || got[0].To != fmt.Sprint(3*refusalsKept-1) {
		t.Errorf("%d are kept, the first is to %s", len(got), got[0].To)
	}
}
