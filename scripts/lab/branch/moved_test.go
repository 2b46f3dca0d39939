package branch_test

import (
	"net/netip"
	"testing"
	"time"

	"tollgate/scripts/lab/branch"
	"tollgate/scripts/lab/tone"
)

// TestAPhoneWhoseRouterMovesItsPortIsHeardAgain has the router before a phone forget its flows in the middle of a call, as one
// does that is started anew: the phone's audio, which is not encrypted, then comes from another port, and what the box sends
// to the old one arrives nowhere.
func TestAPhoneWhoseRouterMovesItsPortIsHeardAgain(t *testing.T) {
	h := hosted(t, &branch.Hosted{})
	desk, routed := h.Phones[0], h.Phones[1]
	desk.Forget()
	if err := routed.Dial(t.Context(), "101"); err != nil {
		t.Fatal(err)
	}
	if err := desk.Answered(t.Context()); err != nil {
		t.Fatal(err)
	}
	hearOneAnother(t, h, "at first")
	before := audioSeenAt(t, h)
	if err := h.Lab.Phones[1].ForgetFlows(); err != nil {
		t.Fatal(err)
	}
	hearOneAnother(t, h, "after the router has forgotten")
	if after := audioSeenAt(t, h); after == before {
		t.Errorf("the phone's audio comes from %v as before: nothing has moved", after)
	} else {
		t.Logf("the phone's audio came from %v and comes from %v", before, after)
	}
	if err := routed.HangUp(t.Context()); err != nil {
		t.Error(err)
	}
	if err := desk.Ended(t.Context()); err != nil {
		t.Error(err)
	}
}

// hearOneAnother waits until both phones hear the other one's tone.
func hearOneAnother(t *testing.T, h *branch.Hosted, when string) {
	t.Helper()
	begun := time.Now()
	for {
		for _, p := range h.Phones {
			if err := p.Mark(); err != nil {
				t.Fatal(err)
			}
		}
		pause(t, 1)
		var heard [2]tone.Judgement
		for i, p := range h.Phones {
			samples, err := p.HeardSince()
			if err != nil {
				t.Fatal(err)
			}
			heard[i] = tone.Judge(samples, h.Phones[1-i].Tone, p.Tone)
		}
		if heard[0].Heard() && heard[1].Heard() {
			t.Logf("%s, within %v: the desk %s; behind the router %s", when, time.Since(begun).Round(time.Second/10), heard[0], heard[1])
			return
		}
		if time.Since(begun) > 8*time.Second {
			t.Fatalf("%s: the desk %s; behind the router %s", when, heard[0], heard[1])
		}
	}
}

// audioSeenAt is where the box sees the audio of the phone behind the router come from.
func audioSeenAt(t *testing.T, h *branch.Hosted) netip.AddrPort {
	t.Helper()
	flows, err := h.Lab.Phones[1].Flows()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range flows {
		if f.Source.Addr() == h.Behind.Address && f.Source.Port() >= 30000 && f.Source.Port()%2 == 0 && f.Destination.Addr() == h.Lab.Net.BoxInside {
			return f.Outside
		}
	}
	t.Fatalf("no audio of the phone is among %v", flows)
	return netip.AddrPort{}
}
