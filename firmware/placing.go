package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"tollgate/board/link"
	"tollgate/firmware/api"
	"tollgate/firmware/apply"
	"tollgate/firmware/policy"
)

// Addresses of the side outside while the network gives none. They lead nowhere (RFC 7600, RFC 6666): the office goes on, and
// calls to the carriers fail as with a cable that is out.
const (
	nowhere4 = "192.0.0.8/32"
	nowhere6 = "100::8/128"
)

// borrower keeps the address of one port lent, under a policy.
type borrower struct {
	stop   context.CancelFunc
	linked chan struct{} // full when its cable leads somewhere again
	lease  link.Lease
	lent   bool      // a server has confirmed it
	since  time.Time // when it did
}

// placement is a policy as it is written and as it is where the box stands at present.
type placement struct{ written, placed *policy.Policy }

// where has set put a policy into force as it is where the box stands, which setPlace has found out before.
func (b *box) where(set func(context.Context, *policy.Policy) error) func(context.Context, *policy.Policy) error {
	return func(ctx context.Context, p *policy.Policy) error {
		q, err := b.placed(ctx, p)
		if err != nil {
			return err
		}
		return set(ctx, q)
	}
}

// placed returns the policy that setPlace has made of p last.
func (b *box) placed(ctx context.Context, p *policy.Policy) (*policy.Policy, error) {
	if p == nil || !p.Network.Wandering() {
		return p, nil
	}
	if q := b.network.remembered(p); q != nil {
		return q, nil
	}
	return b.place(ctx, p)
}

// current is the policy in force as it is where the box stands; nil in set-up mode.
func (b *box) current(ctx context.Context) *policy.Policy {
	p, _, _ := b.config.Current()
	if q, err := b.placed(ctx, p); err == nil {
		return q
	}
	return p
}

// place fills in what the network decides: which ports are meant, and the addresses they are given. The error tells in words
// what cannot be.
func (b *box) place(ctx context.Context, p *policy.Policy) (*policy.Policy, error) {
	if !p.Network.Wandering() {
		return p, nil
	}
	all, err := link.Interfaces()
	if err != nil {
		return nil, err
	}
	inside, outside, err := sides(p, all)
	if err != nil {
		return nil, err
	}
	inside = b.given(inside, p.Network.Inside.Address, all)
	outside = b.given(outside, p.Network.Outside.Address, all)
	if b.options.Appliance {
		b.substitute(ctx, p, &inside, &outside, all)
	}
	q := p.Placed(inside, outside)
	if faults := q.Check(); len(faults) > 0 {
		return nil, fmt.Errorf("the addresses that the network gives do not fit the policy: %w", faults)
	}
	return q, nil
}

// substitute holds the place of addresses that the network does not give: inside with one that the box gives itself, so that the
// page answers, outside with that of the port they share, or one that leads nowhere.
func (b *box) substitute(ctx context.Context, p *policy.Policy, inside, outside *policy.Place, all []link.Interface) {
	if p.Network.Inside.Address.Given() && !inside.Address.IsValid() {
		inside.Address = firstOf(inside.Interface, all, func(a netip.Addr) bool { return a.Is4() && a.IsLinkLocalUnicast() })
		if !inside.Address.IsValid() {
			inside.Address = ownAddress(ctx, inside.Interface)
		}
	}
	switch by := p.Network.Outside.Address.By; {
	case outside.Address.IsValid() || by == policy.ByDocument:
	case by == policy.ByRouter:
		outside.Address = netip.MustParsePrefix(nowhere6)
	case inside.Interface == outside.Interface && inside.Address.IsValid() && inside.Address.Addr().Is4():
		outside.Address = inside.Address
	default:
		outside.Address = netip.MustParsePrefix(nowhere4)
	}
}

// sides finds the ports that a policy means.
func sides(p *policy.Policy, all []link.Interface) (inside, outside policy.Place, err error) {
	find := func(role, word string) string {
		name, fault := link.Find(word, all)
		if f := (link.Fault{}); errors.As(fault, &f) {
			f.Role = role
			fault = f
		}
		err = errors.Join(err, fault)
		return name
	}
	inside.Interface = find("inside", p.Network.Inside.Interface)
	outside.Interface = find("outside", p.Network.Outside.Interface)
	return inside, outside, err
}

// given fills in the address that a side is given, if it is. Where the operating system keeps the addresses, it is the one that
// the port has.
func (b *box) given(at policy.Place, a policy.OwnAddress, all []link.Interface) policy.Place {
	switch {
	case a.By == policy.ByDHCP && b.options.Appliance:
		l := b.network.leaseOf(at.Interface)
		at.Address, at.Router = l.Address, l.Router
	case a.By == policy.ByDHCP:
		at.Address = firstOf(at.Interface, all, func(a netip.Addr) bool { return a.Is4() && !a.IsLinkLocalUnicast() })
	case a.By == policy.ByRouter:
		at.Address = firstOf(at.Interface, all, func(a netip.Addr) bool { return a.Is6() && !a.IsPrivate() && a.String() != "100::8" })
		if !at.Address.IsValid() {
			at.Address = firstOf(at.Interface, all, func(a netip.Addr) bool { return a.Is6() && a.IsPrivate() })
		}
	}
	return at
}

func firstOf(port string, all []link.Interface, fits func(netip.Addr) bool) netip.Prefix {
	for _, i := range all {
		for _, a := range i.Addresses {
			if i.Name == port && fits(a.Addr()) {
				return a
			}
		}
	}
	return netip.Prefix{}
}

// findPlace finds out where the box stands. For addresses that are lent it waits a while.
func (b *box) findPlace(ctx context.Context, p *policy.Policy) error {
	if b.options.Appliance {
		if err := b.borrow(ctx, p); err != nil {
			return err
		}
	}
	q, err := b.place(ctx, p)
	b.network.fault(err)
	if err != nil {
		return err
	}
	b.network.remember(p, q)
	if !b.options.Appliance {
		return link.Verify(apply.Links(q))
	}
	b.keepPorts(p)
	return nil
}

// nameServers are those of the policy, or else those that DHCP names.
func (b *box) nameServers(p *policy.Policy) []netip.AddrPort {
	if len(p.Network.DNSServers) > 0 {
		return p.Network.DNSServers
	}
	return servers(b.network.leaseOf(p.Network.Outside.Interface).DNS)
}

// borrow has the addresses lent that a policy wants lent, and no others. It waits for each that is new, but not for long: a
// box without a DHCP server has to start too.
func (b *box) borrow(ctx context.Context, p *policy.Policy) error {
	all, err := link.Interfaces()
	if err != nil {
		return err
	}
	inside, outside, err := sides(p, all)
	if err != nil {
		return err
	}
	var ports []string
	var raised link.Config
	for _, side := range []struct {
		at policy.Place
		a  policy.OwnAddress
	}{{inside, p.Network.Inside.Address}, {outside, p.Network.Outside.Address}} {
		if side.a.By == policy.ByDHCP && !slices.Contains(ports, side.at.Interface) {
			ports = append(ports, side.at.Interface)
			raised.Ports = append(raised.Ports, link.Port{Role: "by DHCP", Interface: side.at.Interface})
		}
	}
	if err := link.Raise(raised); err != nil {
		return err
	}
	b.network.await(ctx, b.network.lend(ports, b.keepLent, b.lentBefore))
	return nil
}

// lentBefore is the lease of an earlier process, when its address is still on the port: then it is used without asking first.
func (b *box) lentBefore(port string) link.Lease {
	known := b.knownLease(port)
	if on, err := link.Addresses(port); err != nil || !slices.Contains(on, known.Address) {
		return link.Lease{}
	}
	return known
}

// keepLent keeps an address lent on a port until ctx ends, and has the box follow each change.
func (b *box) keepLent(ctx context.Context, port string, linked <-chan struct{}) {
	d := link.DHCP{Linked: linked, Interface: port, HostName: "tollgate", Known: b.knownLease(port), Log: b.log}
	d.Renewed = func(l link.Lease) { b.network.renewed(ctx, port, l) }
	d.Changed = func(l link.Lease, lent bool) {
		if lent {
			b.keepLease(l)
		}
		b.log.Info("address by DHCP", "port", port, "address", l.Address, "router", l.Router, "confirmed", lent)
		if b.network.lentNow(ctx, port, l, lent) {
			b.follow(ctx)
		}
	}
	d.Run(ctx)
}

// follow puts the policy into force again when the box stands elsewhere than before.
func (b *box) follow(ctx context.Context) {
	p, _, _ := b.config.Current()
	if p == nil || !p.Network.Wandering() {
		return
	}
	q, err := b.place(ctx, p)
	b.network.fault(err)
	if err != nil {
		b.log.Error("the ports are not as the policy wants them", "err", err)
		return
	}
	if was := b.network.remembered(p); was != nil && samePlace(was.Network, q.Network) {
		return
	}
	if err := b.config.Again(ctx); err != nil && ctx.Err() == nil {
		b.log.Error("the box does not follow its new address", "err", err)
	}
}

func samePlace(a, b policy.Network) bool {
	return a.Inside.Interface == b.Inside.Interface && a.Outside.Interface == b.Outside.Interface &&
		a.Inside.Address == b.Inside.Address && a.Outside.Address == b.Outside.Address && a.Gateway == b.Gateway
}

// unplaced warns of ports and addresses that are not as the policy wants them.
func (b *box) unplaced(ctx context.Context, p *policy.Policy) []api.Warning {
	if text := b.network.faulty(); text != "" {
		return []api.Warning{{Peer: "network", Path: "network", Text: "The ports are not as the policy wants them: " + text + "."}}
	}
	q, err := b.placed(ctx, p)
	if err != nil || q == p {
		return nil
	}
	var list []api.Warning
	add := func(side string, a policy.OwnAddress, text string) {
		list = append(list, api.Warning{Peer: "network", Path: "network." + side + ".address", Text: fmt.Sprintf(text, a.Prefix.Addr())})
	}
	if in := q.Network.Inside.Address; in.Given() && in.Addr().Is4() && in.Addr().IsLinkLocalUnicast() {
		add("inside", in, "No DHCP server lends the box an address inside: it has given itself %s. See whether the cable leads to the office's network.")
	}
	switch out := q.Network.Outside.Address; {
	case !out.Given():
	case out.By == policy.ByDHCP && (out.Prefix.String() == nowhere4 || out.Addr().IsLinkLocalUnicast()):
		add("outside", out, "No DHCP server lends the box an address outside (it holds the place with %s): no carrier can be reached. See whether the cable leads to the router.")
	case out.By == policy.ByRouter && out.Prefix.String() == nowhere6:
		add("outside", out, "No router announces an IPv6 network outside (%s holds the place): no carrier can be reached. See whether the cable leads to the router.")
	}
	return list
}

// ports shows where the box is plugged in.
func (b *box) ports(ctx context.Context, p *policy.Policy) []api.Port {
	q, err := b.placed(ctx, p)
	if err != nil {
		return []api.Port{}
	}
	shown := func(side policy.Side, iface string, a policy.OwnAddress) api.Port {
		port := api.Port{Side: string(side), Interface: iface, Address: a.Prefix.String(), By: "policy", Confirmed: true}
		switch by := string(a.By); {
		case a.By == policy.ByDHCP && b.options.Appliance:
			l, since := b.network.confirmed(iface)
			port.By, port.Confirmed = by, l.Address == a.Prefix
			if port.Confirmed {
				port.Until = moment(since.Add(l.Length))
			}
		case a.Given():
			port.By, port.Confirmed = by, a.Prefix.String() != nowhere6
		}
		return port
	}
	in, out := q.Network.Inside, q.Network.Outside
	return []api.Port{shown(policy.SideInside, in.Interface, in.Address), shown(policy.SideOutside, out.Interface, out.Address)}
}

// knownLease is the one that an earlier process had on a port.
func (b *box) knownLease(port string) (l link.Lease) {
	value, found, err := b.store.Get(leaseKind, leaseKey(port))
	if err == nil && found {
		err = json.Unmarshal(value, &l)
	}
	if err != nil {
		b.log.Warn("the lease of before is not known", "err", err)
		return link.Lease{}
	}
	return l
}

// keepLease keeps a lease for the next start; one that is only renewed is the same.
func (b *box) keepLease(l link.Lease) {
	if known := b.knownLease(l.Interface); known.Address == l.Address && known.Router == l.Router {
		return
	}
	value, err := json.Marshal(l)
	if err == nil {
		err = b.store.Put(leaseKind, leaseKey(l.Interface), value)
	}
	if err != nil {
		b.log.Warn("the lease is not kept", "err", err)
	}
}

// leaseKey is a port's hardware address, for its name may be another one after the next start.
func leaseKey(port string) string {
	all, err := link.Interfaces()
	if i := slices.IndexFunc(all, func(i link.Interface) bool { return i.Name == port }); err == nil && i >= 0 && len(all[i].Hardware) > 0 {
		return all[i].Hardware.String()
	}
	return port
}
