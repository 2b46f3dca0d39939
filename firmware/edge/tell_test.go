package edge

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"tollgate/firmware/access"
	"tollgate/firmware/policy"
)

func stranger(n int) access.Source {
	a := netip.AddrFrom4([4]byte{203, 0, byte(n >> 8), byte(n)})
	return access.Source{Side: policy.SideOutside, Transport: policy.UDP, Addr: netip.AddrPortFrom(a, 5060)}
}

func (t *teller) remembers() (sources int, timer bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.held), t.timer != nil
}

func TestAFloodIsToldOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{}
		teller := newTeller(s)
		teller.refused(stranger(1), refusal{rule: "unknown source", reason: "Nobody.", method: "REGISTER"})
		time.Sleep(5 * time.Millisecond)
		for range 350 { // 3.5 s at 100 a second
			teller.refused(stranger(1), refusal{rule: "unknown source", reason: "Nobody.", method: "REGISTER"})
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(3 * time.Second)
		var got []int
		for _, f := range s.all() {
			got = append(got, f.Count)
		}
		if want := []int{1, 100, 100, 100, 50}; !slices.Equal(got, want) {
			t.Errorf("told of %v, want %v", got, want)
		}
		if n, timer := teller.remembers(); n != 0 || timer {
			t.Errorf("%d sources remain, a timer: %v", n, timer)
		}
	})
}

func TestEachSourceAndRuleIsToldForItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{}
		teller := newTeller(s)
		teller.refused(stranger(1), refusal{rule: "unknown source"})
		teller.refused(stranger(2), refusal{rule: "unknown source"})
		teller.refused(stranger(1), refusal{rule: "malformed"})
		teller.refused(stranger(1), refusal{rule: "malformed"})
		if n := len(s.all()); n != 3 {
			t.Errorf("told %d facts, want 3", n)
		}
		teller.close()
		if n := len(s.all()); n != 4 {
			t.Errorf("told %d facts by the end, want 4", n)
		}
		teller.refused(stranger(3), refusal{rule: "unknown source"})
		synctest.Wait()
		if _, timer := teller.remembers(); timer {
			t.Error("a timer runs after close")
		}
	})
}

func TestOneHostOfIPv6IsOneSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{}
		teller := newTeller(s)
		for i := range 50 {
			a := netip.MustParseAddrPort(fmt.Sprintf("[2001:db8::%x]:5060", i+1))
			teller.refused(access.Source{Side: policy.SideOutside, Transport: policy.UDP, Addr: a}, refusal{rule: "unknown source"})
		}
		if n := len(s.all()); n != 1 {
			t.Errorf("told %d facts, want 1", n)
		}
		teller.close()
	})
}

func TestManySourcesAreRememberedWithinBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{}
		teller := newTeller(s)
		for i := range 10 * tellSources {
			teller.refused(stranger(i), refusal{rule: "unknown source"})
		}
		if n, _ := teller.remembers(); n > tellSources+1 {
			t.Errorf("%d sources are remembered", n)
		}
		if n := len(s.all()); n > tellSources+1 {
			t.Errorf("told %d facts", n)
		}
		teller.close()
	})
}

func TestDroppingAStrangersDatagramAllocatesNothing(t *testing.T) {
	b := newBench(t)
	b.rules.known = func(access.Source) bool { return false }
	b.listen(t, inside(policy.UDP, nil))
	var u *udpSocket
	for _, s := range b.sockets {
		u = s.(*udpSocket)
	}
	from, datagram := netip.MustParseAddrPort("203.0.113.1:5060"), []byte(good)
	u.datagram(datagram, from)
	if n := testing.AllocsPerRun(1000, func() { u.datagram(datagram, from) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
