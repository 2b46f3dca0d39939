package main

import (
	"net/netip"
	"slices"
	"testing"
	"time"
)

func TestAnAddressThatLeftACarriersNameCountsForAWhile(t *testing.T) {
	a, b, c := netip.MustParseAddr("203.0.113.1"), netip.MustParseAddr("203.0.113.2"), netip.MustParseAddr("203.0.113.3")
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var g graces
	want := func(after time.Duration, addrs ...netip.Addr) {
		t.Helper()
		if got := g.of("carrier", start.Add(after)); !slices.Equal(got, addrs) {
			t.Errorf("after %v it may be at %v, want %v", after, got, addrs)
		}
	}
	want(0)
	if g.note("carrier", []netip.Addr{a, b}, start) {
		t.Error("something has gone at once")
	}
	want(time.Hour, a, b)
	if !g.note("carrier", []netip.Addr{b, c}, start) {
		t.Error("nothing has gone")
	}
	want(graceTime-1, b, c, a)
	want(graceTime, b, c)
	g.note("carrier", []netip.Addr{a}, start)
	want(time.Minute, a, b, c)
	g.note("carrier", []netip.Addr{a, b}, start.Add(time.Minute)) // back in time
	want(2*time.Minute, a, b, c)
	want(graceTime+time.Second, a, b)
	g.note("carrier", nil, start) // no answer names anything
	want(graceTime-1, a, b)
	if all := g.all(start.Add(2 * graceTime)); len(all) != 1 || len(all["carrier"]) != 0 {
		t.Errorf("for good: %v", all)
	}
}
