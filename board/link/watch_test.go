package link

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"tollgate/scripts/lab/alone"
)

func TestAChangeOfAPortIsTold(t *testing.T) {
	if !alone.Inside(t) {
		return
	}
	cable(t)
	ctx, cancel := context.WithCancel(t.Context())
	told := make(chan string, 64)
	done := make(chan error)
	go func() { done <- Watch(ctx, func(iface string) { told <- iface }) }()
	await := func(what, iface string, change func()) {
		t.Helper()
		change()
		for again := time.After(200 * time.Millisecond); ; {
			select {
			case got := <-told:
				if got == iface {
					return
				}
			case <-again: // Watch may not have begun to listen
				change()
				again = time.After(200 * time.Millisecond)
			case <-time.After(5 * time.Second):
				t.Fatalf("%s: nothing was told of %s", what, iface)
			}
		}
	}
	n := 0
	await("a new address", "lan0", func() { n++; give(t, "lan0", fmt.Sprintf("192.0.2.%d/24", n)) })
	await("the cable", "wan0", func() {
		must(t, netlink.LinkSetDown(port(t, "wan0")))
		must(t, netlink.LinkSetUp(port(t, "wan0")))
	})
	for settled := false; !settled; {
		select {
		case <-told:
		case <-time.After(300 * time.Millisecond):
			settled = true
		}
	}
	give(t, "wan0", "fe80::1/64") // reaches no other network
	must(t, netlink.SetPromiscOn(port(t, "wan0")))
	must(t, netlink.AddrReplace(port(t, "lan0"), parse(t, fmt.Sprintf("192.0.2.%d/24", n), 600))) // it lives on
	select {
	case got := <-told:
		t.Errorf("a change of %s was told that is none", got)
	case <-time.After(500 * time.Millisecond):
	}
	cancel()
	if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestTheAddressThatALinkGivesItselfIsNoChange(t *testing.T) {
	if !alone.Inside(t) {
		return
	}
	must(t, netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "mark0"}, PeerName: "mark1"}))
	cable(t)
	must(t, netlink.LinkSetUp(port(t, "wan0")))
	for begun := time.Now(); port(t, "lan0").Attrs().OperState != netlink.OperUp; time.Sleep(10 * time.Millisecond) {
		if time.Since(begun) > 5*time.Second {
			t.Fatal("the cable leads nowhere")
		}
	}
	told := make(chan string, 64)
	go func() { _ = Watch(t.Context(), func(iface string) { told <- iface }) }()
	next := func() string {
		select {
		case iface := <-told:
			return iface
		case <-time.After(100 * time.Millisecond):
			return ""
		}
	}
	for n := 1; next() == ""; n++ { // until it listens
		give(t, "mark0", fmt.Sprintf("192.0.2.%d/32", n))
	}
	for next() != "" {
	}
	give(t, "lan0", "fe80::1234/64")
	for got := next(); got != ""; got = next() {
		t.Errorf("%s is told", got)
	}
	give(t, "lan0", "2001:db8::1/64")
	if got := next(); got != "lan0" {
		t.Errorf("%q is told for an address that somebody has given", got)
	}
}

// parse reads an address that is valid for this many seconds.
func parse(t *testing.T, s string, lifetime int) *netlink.Addr {
	t.Helper()
	a, err := netlink.ParseAddr(s)
	must(t, err)
	a.ValidLft, a.PreferedLft = lifetime, lifetime
	return a
}
