package media

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tollgate/firmware/policy"
)

func TestPinholesFollowSignalling(t *testing.T) {
	f := newFilter()
	r := newRelay(t, f, labConfig())
	s := openSession(t, r)
	leg := s.Leg(Callee)
	rtp, rtcp := leg.Local()
	expect := func(step string, want ...string) {
		t.Helper()
		got := []string{}
		for h, n := range f.open {
			if n != 1 {
				t.Errorf("%s: %s is open %d times", step, h, n)
			}
			got = append(got, h)
		}
		holes := map[string]bool{}
		for _, w := range want {
			holes[w] = true
		}
		for _, g := range got {
			if !holes[g] {
				t.Errorf("%s: open is %s", step, g)
			}
			delete(holes, g)
		}
		for w := range holes {
			t.Errorf("%s: shut is %s", step, w)
		}
	}
	set := func(p Params) {
		t.Helper()
		if err := leg.Set(p); err != nil {
			t.Fatal(err)
		}
	}
	expect("opened")

	first := Params{Remote: netip.MustParseAddrPort("198.51.100.9:4000"), RemoteRTCP: netip.MustParseAddrPort("198.51.100.8:4001")}
	set(first)
	expect("set", fmt.Sprintf("outside %v from [198.51.100.9/32]", rtp), fmt.Sprintf("outside %v from [198.51.100.8/32]", rtcp))

	moved := first
	moved.Remote = netip.MustParseAddrPort("198.51.100.7:9000")
	moved.Mux = true
	f.moves = nil
	set(moved)
	expect("moved", fmt.Sprintf("outside %v from [198.51.100.7/32]", rtp))
	if !strings.HasPrefix(f.moves[0], "open") {
		t.Errorf("the new pinhole opens after the old one shut: %v", f.moves)
	}

	split := moved
	split.ExtraSources = []netip.Prefix{netip.MustParsePrefix("198.51.100.64/26"), netip.MustParsePrefix("2001:db8::/32")}
	set(split)
	expect("split", fmt.Sprintf("outside %v from [198.51.100.64/26 198.51.100.7/32]", rtp))

	covered := split
	covered.Remote = netip.MustParseAddrPort("198.51.100.65:9000")
	set(covered)
	expect("covered", fmt.Sprintf("outside %v from [198.51.100.64/26]", rtp))

	set(Params{Remote: netip.MustParseAddrPort("0.0.0.0:9000")})
	expect("held")

	set(first)
	s.Close()
	for begun := time.Now(); !f.shut() && time.Since(begun) < patience; {
		time.Sleep(time.Millisecond)
	}
	expect("closed")
}

func TestBothLegsOpenTogether(t *testing.T) {
	f := newFilter()
	s := openSession(t, newRelay(t, f, labConfig()))
	a := Params{Remote: netip.MustParseAddrPort("192.0.2.9:4000"), Mux: true}
	b := Params{Remote: netip.MustParseAddrPort("198.51.100.9:4000"), Mux: true}
	f.fail = func(side policy.Side, _ netip.AddrPort) error {
		if side == policy.SideOutside {
			return errors.New("no buffer space")
		}
		return nil
	}
	if err := s.Set([2]Params{a, b}); err == nil || !f.shut() {
		t.Errorf("Set: %v; open are %v", err, f.open)
	}
	f.fail = nil
	if err := s.Set([2]Params{a, b}); err != nil || len(f.open) != 2 || f.calls != 1 {
		t.Errorf("Set: %v; open after %d transactions are %v", err, f.calls, f.open)
	}
	key := testKeys(gcm, "shared")
	a.Send, a.Receive, b.Send, b.Receive = key, testKeys(gcm, "a"), key, testKeys(gcm, "b")
	if err := s.Set([2]Params{a, b}); err == nil || !strings.Contains(err.Error(), "same key") {
		t.Errorf("both legs send with one key: %v", err)
	}
}

func TestWhenTheFilterFailsTheLegIsAsBefore(t *testing.T) {
	f := newFilter()
	r := newRelay(t, f, labConfig())
	s := openSession(t, r)
	call := &call{Session: s, relay: r, a: newPeer(t, s.Leg(Caller), "127.0.1.9", ""), b: newPeer(t, s.Leg(Callee), "127.0.2.9", gcm)}
	call.a.set()
	call.b.set()
	call.converse(2)
	before := fmt.Sprint(f.open)
	f.fail = func(_ policy.Side, local netip.AddrPort) error {
		if local.Port()%2 == 1 { // RTP opens, RTCP fails
			return errors.New("no buffer space")
		}
		return nil
	}
	p := call.b.params()
	p.Remote = netip.MustParseAddrPort("198.51.100.9:4000")
	p.RemoteRTCP = netip.MustParseAddrPort("198.51.100.9:4001")
	p.Receive = testKeys(aesCM, "new")
	if err := call.b.leg.Set(p); err == nil || !strings.Contains(err.Error(), "no buffer space") {
		t.Errorf("Set: %v", err)
	}
	if diff := cmp.Diff(before, fmt.Sprint(f.open)); diff != "" {
		t.Errorf("pinholes changed (-before +after):\n%s", diff)
	}
	call.converse(2)
}
