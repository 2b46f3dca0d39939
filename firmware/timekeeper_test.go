package main

import (
	"log/slog"
	"net"
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
		k := &timekeeper{}
		k.begin()
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

func TestTrunksWaitForTheTimeOnlyWhileSomebodyMayTellIt(t *testing.T) {
	server := netip.MustParseAddrPort("192.0.2.123:123")
	named := &policy.Policy{}
	named.Network.TimeServers = []netip.AddrPort{server}
	for name, c := range map[string]struct {
		p      *policy.Policy
		happen func(*timekeeper)
		want   time.Duration
	}{
		"the time is known":            {named, func(k *timekeeper) { k.agreed() }, 100 * time.Millisecond},
		"the server is none":           {named, func(k *timekeeper) { k.refused([]netip.AddrPort{server}) }, 100 * time.Millisecond},
		"another one was none":         {named, func(k *timekeeper) { k.refused(nil) }, timeWait},
		"the server is silent":         {named, func(*timekeeper) {}, timeWait},
		"nobody can be asked":          {&policy.Policy{}, func(*timekeeper) {}, 0},
		"there is no policy":           {nil, func(*timekeeper) {}, 0},
		"it is refused more than once": {named, func(k *timekeeper) { k.refused(k.servers()); k.refused(k.servers()) }, 100 * time.Millisecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := &box{log: slog.New(slog.DiscardHandler)}
			b.options.Appliance = true
			b.time.begin()
			time.AfterFunc(100*time.Millisecond, func() { c.happen(&b.time) })
			begun := time.Now()
			if err := b.setTime(t.Context(), c.p); err != nil || time.Since(begun) != c.want {
				t.Errorf("%s: %v, after %v, want %v", name, err, time.Since(begun), c.want)
			}
		})
	}
}

func TestAMachineThatServesNoTimeSaysSo(t *testing.T) {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	nobody := conn.LocalAddr().(*net.UDPAddr).AddrPort()
	conn.Close()
	if samples, refused := askAll(t.Context(), []netip.AddrPort{nobody}, slog.New(slog.DiscardHandler)); len(samples) != 0 || refused != 1 {
		t.Errorf("%v, %d refused", samples, refused)
	}
}
