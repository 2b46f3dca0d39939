package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tollgate/board/link"
	"tollgate/firmware/apply"
	"tollgate/firmware/policy"
)

// Where an image has its name servers; /etc/resolv.conf leads there.
const resolverPath = "/run/tollgate-net/resolv.conf"

// The lease of set-up mode is kept, by the name of its port.
const leaseKind = "lease"

const (
	leaseTime = 15 * time.Second // for an address in set-up mode, before the box gives itself one
	bootEvery = 30 * time.Second // before a policy that could not be put into force is tried again
)

// setPlace finds out where the box stands. Where the machine is not the box's own, the addresses of the policy must be there, and are the
// operating system's business. In set-up mode an address is found for the page.
func (b *box) setPlace(ctx context.Context, p *policy.Policy) error {
	switch {
	case p == nil && b.options.Appliance:
		b.network.lend(nil, nil, nil)
		return b.setUpLinks(ctx)
	case p == nil:
		return nil
	case b.options.Appliance:
		b.network.leaveSetUp()
	}
	return b.findPlace(ctx, p)
}

// setLinks gives the machine the addresses of a policy, as it is where the box stands, when it is the box's own.
func (b *box) setLinks(ctx context.Context, q *policy.Policy) error {
	if q == nil || !b.options.Appliance {
		return nil
	}
	ports := apply.Ports(q)
	if b.network.asked != nil {
		ports.Asked = <-b.network.asked // the channel is closed: only the first start has something
	}
	if err := link.Set(ctx, ports); err != nil {
		return err
	}
	b.writeResolver(b.nameServers(q))
	return link.Verify(apply.Links(q))
}

// setUpLinks has an address found for the page of set-up mode: lent by DHCP, or the one that was lent last, or one that the box
// gives itself. It does not wait for it: each one that is found puts set-up mode into force again. Nor does it wait for a port.
func (b *box) setUpLinks(ctx context.Context) error {
	port, err := choosePort(b.options.Inside)
	if err != nil {
		return err
	}
	if port == "" {
		b.log.Warn("the machine has no network port: plug one in")
		return nil
	}
	lease := b.network.enterSetUp(port, b.seekLease)
	if err := link.Set(ctx, apply.SetupPort(port, lease)); err != nil {
		return err
	}
	if lease.Address.IsValid() {
		b.log.Info("address for set-up", "port", port, "address", lease.Address)
	}
	return nil
}

// seekLease keeps an address on a port until ctx ends, and puts set-up mode into force with each that is new.
func (b *box) seekLease(ctx context.Context, port string) {
	use := func(l link.Lease) {
		if !b.network.take(ctx, l) {
			return
		}
		if err := b.config.Again(ctx); err != nil && ctx.Err() == nil {
			b.log.Error("the new address is not in use", "address", l.Address, "err", err)
		}
	}
	d := link.DHCP{Interface: port, HostName: "tollgate", Known: b.knownLease(port), Log: b.log}
	d.Changed = func(l link.Lease, lent bool) {
		if lent {
			b.keepLease(l)
		}
		b.writeResolver(servers(l.DNS))
		use(l)
	}
	alone := time.AfterFunc(leaseTime, func() {
		if !b.network.current().Address.IsValid() {
			use(link.Lease{Interface: port, Address: ownAddress(ctx, port)})
		}
	})
	defer alone.Stop()
	d.Run(ctx)
}

func servers(addrs []netip.Addr) (list []netip.AddrPort) {
	for _, a := range addrs {
		list = append(list, netip.AddrPortFrom(a, 53))
	}
	return list
}

// writeResolver names the name servers, where the image has a place for it.
func (b *box) writeResolver(list []netip.AddrPort) {
	if _, err := os.Stat(filepath.Dir(resolverPath)); err != nil || len(list) == 0 {
		return
	}
	var text strings.Builder
	for _, s := range list {
		fmt.Fprintf(&text, "nameserver %v\n", s.Addr())
	}
	if err := os.WriteFile(resolverPath, []byte(text.String()), 0o644); err != nil {
		b.log.Warn("the name servers are not in use", "err", err)
	}
}

// choosePort returns the port of set-up mode: the one that was named, else the first with a cable that leads somewhere, else the
// first; empty when there is none.
func choosePort(named string) (string, error) {
	all, err := link.Interfaces()
	if err != nil {
		return "", err
	}
	all = slices.DeleteFunc(all, func(i link.Interface) bool { return len(i.Hardware) != 6 || strings.Contains(i.Name, ".") })
	for _, fits := range []func(link.Interface) bool{
		func(i link.Interface) bool { return i.Name == named },
		func(i link.Interface) bool { return i.Carrier },
		func(link.Interface) bool { return true },
	} {
		if i := slices.IndexFunc(all, fits); i >= 0 {
			return all[i].Name, nil
		}
	}
	return "", nil
}

// ownAddress is one that the box gives itself where nobody lends it any (RFC 3927): by the port's hardware address, so that it is the
// same each time, or another that nobody has.
func ownAddress(ctx context.Context, port string) netip.Prefix {
	for try := byte(0); ; try++ {
		sum := sha256.Sum256([]byte{try})
		if all, err := link.Interfaces(); err == nil {
			if i := slices.IndexFunc(all, func(i link.Interface) bool { return i.Name == port }); i >= 0 {
				sum = sha256.Sum256(append(all[i].Hardware, try))
			}
		}
		a := netip.AddrFrom4([4]byte{169, 254, 1 + sum[0]%254, sum[1]})
		if _, taken := link.Probe(ctx, port, a); !taken || try == 9 {
			return netip.PrefixFrom(a, 16)
		}
	}
}

// bootAgain puts the confirmed policy into force as soon as that can be done: when a port was plugged in, or later.
func (b *box) bootAgain(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-b.network.plugged:
		case <-time.After(bootEvery):
		}
		if p, _, _ := b.config.Current(); p != nil {
			return // somebody has brought another one
		}
		if configured, err := b.config.Boot(ctx); err == nil {
			b.log.Info("the policy is in force after all", "configured", configured)
			return
		}
		if err := b.config.Again(ctx); err != nil {
			b.log.Error("not even the page of set-up mode answers", "err", err)
		}
	}
}

// watchLinks has the trunks look after themselves when the link to the carriers has changed, a port that was plugged in again
// get its addresses, and set-up mode go to a port with a cable.
func (b *box) watchLinks(ctx context.Context) error {
	go func() {
		b.linkChanged(ctx, "") // what has changed since the ports were looked at
		err := link.Watch(ctx, func(iface string) { b.linkChanged(ctx, iface) })
		if err != nil {
			b.log.Error("changes of the links are not noticed", "err", err)
		}
	}()
	go b.mendLinks(ctx)
	return nil
}

// mendLinks tries again what could not be had, such as an address that another machine has.
func (b *box) mendLinks(ctx context.Context) {
	again := time.NewTicker(bootEvery)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-again.C:
			if b.network.faulty() != "" {
				b.linkChanged(ctx, "")
			}
		}
	}
}

func (b *box) linkChanged(ctx context.Context, iface string) {
	b.network.looking.Lock()
	defer b.network.looking.Unlock()
	b.network.linked(iface)
	p, _, _ := b.config.Current()
	switch {
	case p == nil && b.options.Appliance:
		b.network.tellPlugged()
		b.moveSetUp(ctx)
		return
	case p == nil:
		return
	}
	b.follow(ctx)
	p = b.current(ctx)
	err := link.Verify(apply.Links(p))
	if err != nil && b.options.Appliance {
		if err = link.Set(ctx, apply.Ports(p)); err != nil {
			b.log.Error("the ports are not as the policy wants them", "err", err)
		}
	}
	b.network.fault(err)
	if p.Network.Outside.Interface == iface {
		b.trunks.Linked()
	}
}

// moveSetUp has set-up mode use another port when that of before has no cable and another has.
func (b *box) moveSetUp(ctx context.Context) {
	port, err := choosePort(b.options.Inside)
	if err != nil || port == "" || port == b.network.setUpPort() {
		return
	}
	if err := b.config.Again(ctx); err != nil {
		b.log.Error("set-up mode does not go to another port", "port", port, "err", err)
	}
}
