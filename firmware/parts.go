package main

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"time"

	"tollgate/board/link"
	"tollgate/firmware/api"
	"tollgate/firmware/apply"
	"tollgate/firmware/call"
	"tollgate/firmware/edge"
	"tollgate/firmware/notice"
	"tollgate/firmware/phones"
	"tollgate/firmware/policy"
	"tollgate/firmware/route"
	"tollgate/firmware/trunk"
	"tollgate/firmware/ua"
)

// setupPagePort is where the page is before there is a policy.
const setupPagePort = 443

// parts lists what a policy configures, in the order in which it is put into force. The first finds out where the box stands. The filter
// is there before the addresses that it lets in, and while it is still being asked whether somebody else has them.
func (b *box) parts() []apply.Part {
	return []apply.Part{
		{Name: "place", Set: b.setPlace},
		{Name: "packet filter", Set: b.where(b.setFilter), Try: b.tryFilter},
		{Name: "network addresses", Set: b.where(b.setLinks)},
		{Name: "passage", Set: b.where(b.setPassage)},
		{Name: "media relay", Set: b.where(b.setMedia)},
		{Name: "access", Set: b.where(b.setAccess)},
		{Name: "registrar", Set: b.where(b.setRegistrar)},
		{Name: "phones", Set: b.where(b.setPhones)},
		{Name: "admission", Set: b.where(b.setAdmission)},
		{Name: "calls", Set: b.where(b.setCalls)},
		{Name: "running calls", Set: b.where(b.takeUp)},
		{Name: "SIP listeners", Set: b.where(b.setEdge)},
		{Name: "page", Set: b.where(b.setPage)},
		{Name: "name", Set: b.where(b.setName)},
		{Name: "addresses for telephones", Set: b.where(b.setLending)},
		{Name: "time", Set: b.where(b.setTime)}, // may wait
		{Name: "trunks", Set: b.where(b.setTrunks)},
		{Name: "updates", Set: b.where(b.setPull)},
	}
}

func (b *box) setFilter(ctx context.Context, p *policy.Policy) error {
	if p != nil {
		return b.sources.set(ctx, p)
	}
	if err := b.sources.withdraw(ctx); err != nil {
		return err
	}
	own, err := b.setupAddresses()
	if err != nil || len(own) == 0 {
		return err
	}
	return b.filter.Set(ctx, apply.SetupFilter(b.setupPort(), own, setupPagePort))
}

// tryFilter has the kernel itself go back to the filter before, should this process be gone by then.
func (b *box) tryFilter(ctx context.Context, p *policy.Policy, until time.Time) error {
	if p == nil {
		return b.setFilter(ctx, nil)
	}
	q, err := b.placed(ctx, p)
	if err != nil {
		return err
	}
	return b.sources.try(ctx, q, until)
}

func (b *box) setMedia(ctx context.Context, p *policy.Policy) error {
	if p == nil {
		return nil
	}
	return b.relay.Set(ctx, apply.Media(p))
}

func (b *box) setAccess(_ context.Context, p *policy.Policy) error {
	if p == nil {
		p = &policy.Policy{}
	}
	b.access.Set(p)
	b.sources.introduce()
	b.bans.set(p)
	b.rotations.set(p, time.Now())
	return nil
}

func (b *box) setRegistrar(_ context.Context, p *policy.Policy) error {
	if p == nil {
		p = &policy.Policy{}
	}
	b.registrar.Set(p.PBX, func(t policy.Transport) ua.Local { return apply.Local(p, policy.SideInside, t) })
	return nil
}

func (b *box) setPhones(_ context.Context, p *policy.Policy) error {
	c := phones.Config{}
	if p != nil {
		c = phones.Config{Policy: p.Phones, Local: func(t policy.Transport) ua.Local { return apply.Local(p, policy.SideInside, t) }}
	}
	b.phones.Set(c)
	return nil
}

func (b *box) setAdmission(_ context.Context, p *policy.Policy) error {
	if p == nil {
		return nil
	}
	zone, err := zoneOf(p)
	if err != nil {
		return err
	}
	b.gate.Set(p, zone)
	if err := b.frauds.set(p); err != nil {
		return err
	}
	b.frauds.settle() // what runs may have no money left
	return nil
}

func (b *box) setCalls(_ context.Context, p *policy.Policy) error {
	if p == nil {
		b.parties.set(nil, nil)
		return nil
	}
	plan, zone, err := planOf(p)
	if err != nil {
		return err
	}
	settings := call.Settings{Plan: plan, Routes: route.New(p, zone), OutsidePrefix: p.PBX.OutsidePrefix, Phones: phoneRules(p), Patience: patience(p.Limits)}
	if p.PBX.Overflow != "" {
		if settings.Overflow, err = plan.Read(p.PBX.Overflow, ""); err != nil {
			return fmt.Errorf("pbx.overflow: %w", err)
		}
	}
	by, err := signing(p)
	if err != nil {
		return err
	}
	b.parties.set(p, by)
	b.desk.Set(settings)
	b.notices.Set(notice.Settings{Plan: plan, Routes: settings.Routes, OutsidePrefix: settings.OutsidePrefix, PhonesPrefix: p.Phones.OutsidePrefix})
	return nil
}

// patience is how long a policy lets calls be silent.
func patience(l policy.Limits) call.Patience {
	return call.Patience{Active: time.Duration(l.SilenceTimeout) * time.Second, Held: time.Duration(l.HoldTimeout) * time.Second}
}

func (b *box) setEdge(ctx context.Context, p *policy.Policy) error {
	if p == nil {
		return b.edge.Set(ctx, edge.Config{})
	}
	base, err := b.authority.Server(b.pageNames(), apply.OwnAddresses(p))
	if err != nil {
		return err
	}
	servers, err := newGreeting(b.authority, b.access, base, p)
	if err != nil {
		return err
	}
	return b.edge.Set(ctx, apply.Listeners(p, servers.configs()))
}

func (b *box) setTrunks(ctx context.Context, p *policy.Policy) error {
	c := trunk.Config{}
	if p != nil {
		b.resolver.Use(p.Network.DNSServers)
		c.Trunks = p.Carriers()
		c.Local = func(t policy.Transport) ua.Local { return apply.Local(p, policy.SideOutside, t) }
		c.Network, c.STUNServers = apply.Near(p), p.Network.STUNServers
	}
	return b.trunks.Set(ctx, c)
}

func (b *box) setPage(ctx context.Context, p *policy.Policy) error {
	c := api.Config{Names: b.pageNames()}
	var err error
	var own []netip.Addr
	if p != nil {
		own = []netip.Addr{p.Network.Inside.Address.Addr()}
		c.Addresses = []netip.AddrPort{netip.AddrPortFrom(own[0], p.Admin.Port)}
		c.Sources = p.Admin.Sources
	} else {
		addrs, err := b.setupAddresses()
		if err != nil {
			return err
		}
		for _, a := range addrs {
			own = append(own, a.Addr())
			c.Addresses = append(c.Addresses, netip.AddrPortFrom(a.Addr(), setupPagePort))
			c.Sources = append(c.Sources, a.Masked())
		}
	}
	if p != nil && p.Admin.Certificate != "" {
		var names []string
		if c.TLS, names, err = b.authority.ForPage(p.Admin); err == nil {
			c.Names = append(c.Names, names...)
		}
	} else {
		c.TLS, err = b.authority.Server(b.pageNames(), own)
	}
	if err != nil {
		return err
	}
	if err := b.server.Set(ctx, c); err != nil {
		return err
	}
	for _, a := range c.Addresses {
		b.log.Info("page", "address", fmt.Sprintf("https://%s/", a))
	}
	return nil
}

// setupPort is the inside interface before there is a policy: the one that was found on a machine of the box's own, else
// --inside; empty where there is none.
func (b *box) setupPort() string { return cmp.Or(b.network.setUpPort(), b.options.Inside) }

// setupAddresses are those of the inside interface before there is a policy.
func (b *box) setupAddresses() ([]netip.Prefix, error) {
	port := b.setupPort()
	if port == "" {
		return nil, nil
	}
	return link.Addresses(port)
}
