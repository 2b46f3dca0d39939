package link

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"

	"tollgate/scripts/lab/alone"
)

func addressesOf(t *testing.T, name string) string {
	t.Helper()
	list, err := Addresses(name)
	must(t, err)
	return addresses(list)
}

func TestSetGivesPortsTheirAddressesAndTakesOthersAway(t *testing.T) {
	if !alone.Inside(t) {
		return
	}
	cable(t)
	farEnd(t, "192.0.2.1/24")
	must(t, netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "other"}, PeerName: "rehto"}))
	must(t, netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "office"}, PeerName: "far-office"}))
	must(t, netlink.LinkSetUp(port(t, "far-office")))
	give(t, "other", "203.0.113.5/24")
	give(t, "lan0", "192.0.2.99/24")
	c := Config{
		Ports: []Port{
			{Role: "inside", Interface: "lan0", Addresses: []netip.Prefix{prefix("192.0.2.10/24"), prefix("2001:db8:1::10/64")}},
			{Role: "outside", Interface: "office", Addresses: []netip.Prefix{prefix("198.51.100.10/24")}},
		},
		Gateway: netip.MustParseAddr("198.51.100.1"),
	}
	for range 2 { // setting twice changes nothing
		must(t, Set(context.Background(), c))
		if got := addressesOf(t, "lan0"); got != "192.0.2.10/24, 2001:db8:1::10/64" {
			t.Errorf("lan0 has %s", got)
		}
		if got := addressesOf(t, "office"); got != "198.51.100.10/24" {
			t.Errorf("the other port has %s", got)
		}
		if got := addressesOf(t, "other"); got != "none" {
			t.Errorf("a port that nobody wants keeps %s", got)
		}
		routes, err := netlink.RouteGet(netip.MustParseAddr("203.0.113.7").AsSlice())
		if err != nil || len(routes) != 1 || routes[0].Gw.String() != "198.51.100.1" {
			t.Errorf("the way to the world: %v, %v", routes, err)
		}
	}

	// Another router, then none.
	c.Gateway = netip.MustParseAddr("192.0.2.1")
	must(t, Set(context.Background(), c))
	routes, err := netlink.RouteGet(netip.MustParseAddr("203.0.113.7").AsSlice())
	if err != nil || len(routes) != 1 || routes[0].Gw.String() != "192.0.2.1" {
		t.Errorf("the way to the world by another router: %v, %v", routes, err)
	}
	c.Gateway = netip.Addr{}
	must(t, Set(context.Background(), c))
	if routes, err := netlink.RouteGet(netip.MustParseAddr("203.0.113.7").AsSlice()); err == nil {
		t.Errorf("there is still a way to the world: %v", routes)
	}
}

func TestSetLeavesPortsAsTheyWereWhenAnAddressCannotBeHad(t *testing.T) {
	if !alone.Inside(t) {
		return
	}
	cable(t)
	farEnd(t, "192.0.2.1/24", "192.0.2.20/24", "2001:db8:1::20/64")
	give(t, "lan0", "192.0.2.9/24")
	becomes(t, "lan0", "has a carrier", func(i Interface) bool { return i.Carrier })
	for _, c := range []struct {
		port    Port
		gateway string
		want    string
	}{
		{Port{Role: "inside", Interface: "lan7", Addresses: []netip.Prefix{prefix("192.0.2.10/24")}}, "", "there is no such port"},
		{Port{Role: "inside", Interface: "lan0", Addresses: []netip.Prefix{prefix("192.0.2.10/24"), prefix("192.0.2.20/24")}}, "", "another machine on this link has 192.0.2.20"},
		{Port{Role: "inside", Interface: "lan0", Addresses: []netip.Prefix{prefix("2001:db8:1::20/64")}}, "", "another machine on this link has 2001:db8:1::20"},
		{Port{Role: "inside", Interface: "lan0", Addresses: []netip.Prefix{prefix("192.0.2.10/24")}}, "203.0.113.1", "it is in the network of no port"},
	} {
		conf := Config{Ports: []Port{c.port}}
		if c.gateway != "" {
			conf.Gateway = netip.MustParseAddr(c.gateway)
		}
		err := Set(context.Background(), conf)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v; want %q", c.port, err, c.want)
		}
		if got := addressesOf(t, "lan0"); got != "192.0.2.9/24" {
			t.Errorf("after %q lan0 has %s", c.want, got)
		}
	}
	var faults Faults
	if err := Set(context.Background(), Config{Ports: []Port{{Role: "inside", Interface: "lan7"}}}); !errors.As(err, &faults) {
		t.Errorf("a port that is not there is no Fault: %v", err)
	}
}

// Not every kernel knows VLANs; one that does not must say so.
func TestAVLANIsMadeOnItsPort(t *testing.T) {
	if !alone.Inside(t) {
		return
	}
	cable(t)
	err := Set(context.Background(), Config{Ports: []Port{{Role: "inside", Interface: "lan0.12", Addresses: []netip.Prefix{prefix("192.0.2.10/24")}}}})
	if err != nil {
		if !strings.Contains(err.Error(), "make VLAN 12: this kernel knows no VLANs") || addressesOf(t, "lan0") != "none" {
			t.Error(err)
		}
		return
	}
	if v, ok := port(t, "lan0.12").(*netlink.Vlan); !ok || v.VlanId != 12 || addressesOf(t, "lan0.12") != "192.0.2.10/24" {
		t.Errorf("lan0.12 is %+v", port(t, "lan0.12"))
	}
}

func TestTheNameOfAVLANNamesItsPortAndNumber(t *testing.T) {
	for name, want := range map[string]string{"eth0": "eth0 0 false", "eth0.12": "eth0 12 true", "eth0.0": "eth0 0 false", "eth0.4095": "eth0 4095 false", "eth0.x": "eth0 0 false"} {
		parent, number, ok := (Port{Interface: name}).vlan()
		if got := fmt.Sprint(parent, " ", number, " ", ok); got != want {
			t.Errorf("%s: %s, not %s", name, got, want)
		}
	}
}
