package media

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"tollgate/firmware/policy"
)

// hairpin is two calls whose outer legs the peer outside has introduced to one another, seen under an address that a router
// before the box gives it.
func hairpin(t *testing.T, advertised string) (r *Relay, a, b *Session, one, two *peer) {
	config := labConfig()
	if advertised != "" {
		config.Outside.Advertised = netip.MustParseAddr(advertised)
	}
	r = newRelay(t, nil, config)
	a, b = openSession(t, r), openSession(t, r)
	one, two = newPeer(t, a.Leg(Caller), "127.0.1.9", ""), newPeer(t, b.Leg(Caller), "127.0.1.10", "")
	one.set()
	two.set()
	return r, a, b, one, two
}

// leadTo has the outer leg of a call lead to that of another.
func leadTo(from, to *Session) error {
	rtp, rtcp := to.Leg(Callee).Local()
	return from.Leg(Callee).Set(Params{Remote: rtp, RemoteRTCP: rtcp, Returns: true})
}

func TestACallThatComesBackIsHeard(t *testing.T) {
	for _, advertised := range []string{"", "203.0.113.10"} {
		t.Run("advertised "+advertised, func(t *testing.T) {
			_, a, b, one, two := hairpin(t, advertised)
			if err := errors.Join(leadTo(a, b), leadTo(b, a)); err != nil {
				t.Fatal(err)
			}
			for range 5 {
				one.talk([]byte("from one"))
				two.hears([]byte("from one"))
				two.talk([]byte("from two"))
				one.hears([]byte("from two"))
			}
		})
	}
}

// Each side has its ports: the inner leg of one call may have the number of the outer leg of another.
func TestACallThatComesBackMayHaveTheSameNumbers(t *testing.T) {
	config := labConfig()
	config.Ports = PortRange{Low: 21000, High: 21007}
	r := newRelay(t, nil, config)
	var calls []*Session
	for range 4 {
		calls = append(calls, openSession(t, r))
	}
	inner, _ := calls[0].Leg(Caller).Local()
	for _, other := range calls[1:] {
		if outer, _ := other.Leg(Callee).Local(); outer.Port() == inner.Port() {
			if err := leadTo(calls[0], other); err != nil {
				t.Error(err)
			}
			return
		}
	}
	t.Log("the call has the same number on both sides") // one time in four
}

func TestNothingGoesRoundForEver(t *testing.T) {
	r, a, b, _, _ := hairpin(t, "")
	if err := errors.Join(leadTo(a, b), leadTo(b, a)); err != nil {
		t.Fatal(err)
	}
	other, _ := b.Leg(Caller).Local()
	if err := a.Leg(Caller).Set(Params{Remote: other, Returns: true}); !errors.Is(err, errRound) {
		t.Errorf("the second leg that leads back: %v", err)
	}
	third, err := r.Open("third", policy.SideOutside, policy.SideOutside)
	if err != nil {
		t.Fatal(err)
	}
	if err := leadTo(third, a); err != nil {
		t.Fatal(err)
	}
	if err := r.Exchange(third, Caller, a, Callee); !errors.Is(err, errRound) {
		t.Errorf("two legs that lead back joined: %v", err)
	}
	own, _ := third.Leg(Caller).Local()
	if err := third.Leg(Callee).Set(Params{Remote: own, Returns: true}); err == nil || !strings.Contains(err.Error(), "of this very call") {
		t.Errorf("a call that leads to itself: %v", err)
	}
	if err := b.Leg(Callee).Set(Params{Remote: own}); err == nil || !strings.Contains(err.Error(), "of our own") {
		t.Errorf("a peer that may not send calls back: %v", err)
	}
	inside, _ := a.Leg(Caller).Local()
	if err := third.Leg(Callee).Set(Params{Remote: inside, Returns: true}); err == nil || !strings.Contains(err.Error(), "of our own") {
		t.Errorf("a leg of the other side: %v", err)
	}
}
