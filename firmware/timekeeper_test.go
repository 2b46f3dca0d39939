package main

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"tollgate/board/link"
	"tollgate/firmware/policy"
)

func TestAnImageSaysWhenItWasMade(t *testing.T) {
	path := filepath.Join(t.TempDir(), "release")
	for text, want := range map[string]time.Time{
		"board=virt\nrelease=1.0.0 (abc)\nbuilt=1790000000\n": time.Unix(1790000000, 0), "board=virt\n": {}, "built=soon\n": {},
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := imageMade(path); !got.Equal(want) {
			t.Errorf("%q: %v, not %v", text, got, want)
		}
	}
	if got := imageMade(filepath.Join(t.TempDir(), "none")); !got.IsZero() {
		t.Errorf("no image: %v", got)
	}
}

func TestTheTimeIsAskedOfThePolicysServersOrTheRouterAndThoseOfDHCP(t *testing.T) {
	b := &box{}
	b.network.lease = link.Lease{Router: netip.MustParseAddr("192.0.2.1"), NTP: []netip.Addr{netip.MustParseAddr("192.0.2.123")}}
	named, gateway := &policy.Policy{}, &policy.Policy{}
	named.Network.TimeServers = []netip.AddrPort{netip.MustParseAddrPort("203.0.113.123:123")}
	gateway.Network.Gateway = netip.MustParseAddr("198.51.100.1")
	for _, c := range []struct {
		p    *policy.Policy
		want []string
	}{
		{nil, []string{"192.0.2.123:123", "192.0.2.1:123"}},
		{named, []string{"203.0.113.123:123"}},
		{gateway, []string{"192.0.2.123:123", "198.51.100.1:123"}},
	} {
		var got []string
		for _, s := range b.timeServers(c.p) {
			got = append(got, s.String())
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%v are asked, not %v", got, c.want)
		}
	}
}

func TestATimeThatStaysUnknownIsToldAfterAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &timekeeper{changed: make(chan struct{}, 1), first: make(chan struct{})}
		if k.unknown() {
			t.Error("told although nobody is asked")
		}
		k.ask(nil)
		time.Sleep(alarmAfter - time.Second)
		if k.unknown() {
			t.Error("told too early")
		}
		time.Sleep(2 * time.Second)
		if !k.unknown() {
			t.Error("never told")
		}
		k.agreed()
		k.agreed()
		if k.unknown() {
			t.Error("told although it is known")
		}
		<-k.first
	})
}
