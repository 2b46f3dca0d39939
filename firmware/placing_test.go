package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"tollgate/board/link"
	"tollgate/firmware/apply"
	"tollgate/firmware/cli"
	"tollgate/firmware/event"
	"tollgate/firmware/policy"
	"tollgate/firmware/store"
	"tollgate/scripts/lab/alone"
)

const lentPolicy = `version: 1
site: {name: Lyon, country: FR, time_zone: Europe/Paris}
network:
  inside: {interface: "02:00:00:00:00:10", address: 192.0.2.10/24}
  outside: {interface: "02:00:00:00:00:20", address: dhcp}
pbx: {address: 192.0.2.20}
trunks:
  - {name: carrier-a, domain: a.example, transport: udp, accounts: [{user: alice, numbers: [+33423456700]}]}
`

// cabled makes a port with a hardware address; its cable leads to a port that nobody uses.
func cabled(t *testing.T, name, hardware string) netlink.Link {
	t.Helper()
	mac, err := net.ParseMAC(hardware)
	if err == nil {
		attrs := netlink.NewLinkAttrs()
		attrs.Name, attrs.HardwareAddr = name, mac
		err = netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: "far-" + name})
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, end := range []string{name, "far-" + name} {
		if l, err := netlink.LinkByName(end); err != nil || netlink.LinkSetUp(l) != nil {
			t.Fatal(end, err)
		}
	}
	l, err := netlink.LinkByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// placingBench is as much of a box as its ports change. in returns the network that the other parts have been set to last.
func placingBench(t *testing.T) (b *box, in func() policy.Network) {
	t.Helper()
	s, err := store.Open(filepath.Join(t.TempDir(), "tollgate.db"))
	if err != nil {
		t.Fatal(err)
	}
	var last *policy.Policy
	b = &box{store: s, log: slog.New(slog.DiscardHandler), options: cli.RunOptions{Appliance: true}}
	note := func(_ context.Context, p *policy.Policy) error { last = p; return nil }
	b.config = apply.New([]apply.Part{{Name: "place", Set: b.setPlace}, {Name: "network addresses", Set: b.where(b.setLinks)}, {Name: "all else", Set: b.where(note)}}, s, &event.Hub{}, b.log)
	t.Cleanup(func() { b.network.lend(nil, nil, nil); s.Close() })
	return b, func() policy.Network { return last.Network }
}

// had has a lease known, as by an earlier process, and its address on the port.
func had(t *testing.T, b *box, port netlink.Link, l link.Lease) {
	t.Helper()
	value, err := json.Marshal(l)
	if err == nil {
		err = b.store.Put(leaseKind, leaseKey(port.Attrs().Name), value)
	}
	if err != nil {
		t.Fatal(err)
	}
	addr, err := netlink.ParseAddr(l.Address.String())
	if err != nil || netlink.AddrAdd(port, addr) != nil {
		t.Fatal(l.Address, err)
	}
}

func TestTheBoxFollowsTheAddressThatItIsLentAndThePortsThatChangeTheirNames(t *testing.T) {
	if !alone.Inside(t) {
		return
	}
	b, in := placingBench(t)
	lan, wan := cabled(t, "lan0", "02:00:00:00:00:10"), cabled(t, "wan0", "02:00:00:00:00:20")
	lease := func(address, router string) link.Lease {
		return link.Lease{Interface: "wan0", Address: netip.MustParsePrefix(address), Router: netip.MustParseAddr(router), Length: time.Hour}
	}
	expect := func(when, inside, outside, address, router string) {
		t.Helper()
		n := in()
		if n.Inside.Interface != inside || n.Outside.Interface != outside || n.Outside.Address.Prefix.String() != address || n.Gateway != netip.MustParseAddr(router) {
			t.Errorf("%s: inside %s, outside %s %s by %s", when, n.Inside.Interface, n.Outside.Interface, n.Outside.Address, n.Gateway)
		}
		if err := link.Verify([]link.Want{{Role: "outside", Interface: outside, Address: netip.MustParsePrefix(address)}}); err != nil {
			t.Errorf("%s: %v", when, err)
		}
	}
	had(t, b, wan, lease("198.51.100.10/24", "198.51.100.1"))
	ctx := t.Context()
	if _, err := b.config.Import(ctx, []byte(lentPolicy), "admin", ""); err != nil {
		t.Fatal(err)
	}
	expect("with the address of the process before", "lan0", "wan0", "198.51.100.10/24", "198.51.100.1")
	if w := b.unplaced(ctx, b.current(ctx)); len(w) > 0 {
		t.Errorf("warned of %v", w)
	}

	lent := func(l link.Lease) {
		if b.network.lentNow(ctx, "wan0", l, true) {
			b.follow(ctx)
		}
	}
	lent(lease("203.0.113.77/25", "203.0.113.1"))
	expect("with another address", "lan0", "wan0", "203.0.113.77/25", "203.0.113.1")
	shown := b.ports(ctx, b.current(ctx))
	if len(shown) != 2 || shown[0].By != "policy" || shown[1].By != "dhcp" || !shown[1].Confirmed || shown[1].Until == nil || time.Until(*shown[1].Until) < 50*time.Minute {
		t.Errorf("the page shows %+v", shown)
	}

	// A lease that does not fit changes nothing, and somebody is told.
	p, _, _ := b.config.Current()
	lent(lease("192.0.2.99/24", "192.0.2.1"))
	expect("with an address of the office's network", "lan0", "wan0", "203.0.113.77/25", "203.0.113.1")
	if w := b.unplaced(ctx, p); len(w) != 1 || !strings.Contains(w[0].Text, "overlaps the inside network") {
		t.Errorf("told: %v", w)
	}

	// The ports change their names, as those on USB do.
	lent(lease("203.0.113.77/25", "203.0.113.1"))
	if err := netlink.LinkSetDown(lan); err != nil {
		t.Fatal(err)
	}
	if err := netlink.LinkSetName(lan, "lan7"); err != nil {
		t.Fatal(err)
	}
	b.linkChanged(ctx, "lan7")
	expect("with another name", "lan7", "wan0", "203.0.113.77/25", "203.0.113.1")
	if err := link.Verify([]link.Want{{Role: "inside", Interface: "lan7", Address: netip.MustParsePrefix("192.0.2.10/24")}}); err != nil || b.network.faulty() != "" {
		t.Errorf("the port with another name: %v, %s", err, b.network.faulty())
	}

	// One is gone, and comes back.
	if err := netlink.LinkDel(lan); err != nil {
		t.Fatal(err)
	}
	b.linkChanged(ctx, "lan7")
	if b.network.faulty() == "" {
		t.Error("nobody is told that a port is gone")
	}
	cabled(t, "lan3", "02:00:00:00:00:10")
	b.linkChanged(ctx, "lan3")
	expect("with a port that came back", "lan3", "wan0", "203.0.113.77/25", "203.0.113.1")
	if b.network.faulty() != "" {
		t.Errorf("all is well, and told is %s", b.network.faulty())
	}
	if on, err := link.Addresses("lan3"); err != nil || len(on) != 1 {
		t.Errorf("the port that came back has %v, %v", on, err)
	}

	// The lease is over: the office goes on.
	if b.network.lentNow(ctx, "wan0", link.Lease{}, false) {
		b.follow(ctx)
	}
	if n := in(); n.Outside.Address.Prefix.String() != nowhere4 || n.Gateway.IsValid() {
		t.Errorf("without a lease: %+v", n.Outside)
	}
	if w := b.unplaced(ctx, p); len(w) != 1 || !strings.HasPrefix(w[0].Text, "No DHCP server lends the box an address outside") {
		t.Errorf("told: %v", w)
	}
}
