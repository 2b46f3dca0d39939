package apply

import (
	"fmt"
	"net/netip"
	"slices"

	"tollgate/board/link"
	"tollgate/firmware/media"
	"tollgate/firmware/policy"
	"tollgate/netfilter"
)

// The ports on which the box takes SIP, on both sides (RFC 3261 §19.1.2).
const (
	SIPPort  = 5060
	SIPSPort = 5061
)

// Links are the addresses that must be there.
func Links(p *policy.Policy) []link.Want {
	return []link.Want{
		{Role: "inside", Interface: p.Network.Inside.Interface, Address: p.Network.Inside.Address.Prefix},
		{Role: "outside", Interface: p.Network.Outside.Interface, Address: p.Network.Outside.Address.Prefix},
	}
}

// Ports are the ports of a machine that belongs to the box alone. Routers that announce themselves are believed outside only:
// inside, anybody could, unless an address of that one port is theirs to give.
func Ports(p *policy.Policy) link.Config {
	in, out := p.Network.Inside, p.Network.Outside
	c := link.Config{Gateway: p.Network.Gateway}
	inside := link.Port{Role: "inside", Interface: in.Interface, Addresses: []netip.Prefix{in.Address.Prefix}}
	outside := link.Port{Role: "outside", Interface: out.Interface, Addresses: []netip.Prefix{out.Address.Prefix}, Routers: true}
	if !p.Network.OnePort() {
		c.Ports = []link.Port{inside, outside}
		return c
	}
	if in.Address.Prefix != out.Address.Prefix {
		inside.Addresses = append(inside.Addresses, out.Address.Prefix)
	}
	inside.Role, inside.Routers = "inside and outside", out.Address.By == policy.ByRouter
	c.Ports = []link.Port{inside}
	return c
}

// SetupPort is the port of set-up mode with the address that was found for it.
func SetupPort(iface string, l link.Lease) link.Config {
	p := link.Port{Role: "set-up", Interface: iface, Routers: true}
	if l.Address.IsValid() {
		p.Addresses = []netip.Prefix{l.Address}
	}
	return link.Config{Ports: []link.Port{p}, Gateway: l.Router}
}

// Media is where the relay takes packets.
func Media(p *policy.Policy) media.Config {
	outside := p.Network.Outside.Address.Addr()
	return media.Config{
		Inside:  media.SideConfig{Address: p.Network.Inside.Address.Addr(), Advertised: p.Network.Inside.Address.Addr()},
		Outside: media.SideConfig{Address: outside, Advertised: advertised(p), KeepOpen: true},
		Ports:   media.PortRange{Low: p.Network.MediaPorts.Low, High: p.Network.MediaPorts.High},
	}
}

// advertised is the box's outside address as the carrier sees it.
func advertised(p *policy.Policy) netip.Addr {
	if a := p.Network.PublicAddress; a.IsValid() {
		return a
	}
	return p.Network.Outside.Address.Addr()
}

// Filter is the packet filter of a policy. resolved are the addresses that the trunks' host names stand for, by trunk.
func Filter(p *policy.Policy, resolved map[string][]netip.Addr) netfilter.Config {
	c := netfilter.Config{
		Inside: netfilter.Port{
			Interface: p.Network.Inside.Interface, Addresses: []netip.Addr{p.Network.Inside.Address.Addr()}, Prefixes: p.Network.Inside.Prefixes,
		},
		Outside: netfilter.Port{Interface: p.Network.Outside.Interface, Addresses: []netip.Addr{p.Network.Outside.Address.Addr()}},
		Gateway: p.Network.Gateway,
		Passage: passage(p),
		Page:    netfilter.Page{Port: p.Admin.Port, Sources: p.Admin.Sources},
		Media:   netfilter.PortRange{Low: p.Network.MediaPorts.Low, High: p.Network.MediaPorts.High},
	}
	if p.PBX.Used() {
		c.Services = append(c.Services, service("pbx", netfilter.Inside, p.PBX.Transport, p.PBX.Sources))
	}
	for _, t := range p.Phones.PhoneTransports {
		phones := service("phones "+string(t), netfilter.Inside, t, p.Phones.Sources)
		phones.Unproven = true // a whole network, whose hosts prove themselves when they register
		c.Services = append(c.Services, phones)
	}
	if servers := p.Network.STUNServers; len(servers) > 0 { // they answer to the port that SIP leaves from
		c.Services = append(c.Services, service("stun", netfilter.Outside, policy.UDP, hosts(servers)))
	}
	for _, t := range p.Carriers() {
		sources := slices.Clone(t.SignallingSources)
		for _, a := range resolved[t.Name] {
			sources = append(sources, netip.PrefixFrom(a, a.BitLen()))
		}
		if len(sources) == 0 {
			continue
		}
		c.Services = append(c.Services, service("trunk "+t.Name, netfilter.Outside, t.Transport, sources))
		if t.UDPOversize == policy.OversizeTCP { // what is too long for a datagram comes over TCP (RFC 3261 §18.1.1)
			c.Services = append(c.Services, service("trunk "+t.Name+" tcp", netfilter.Outside, policy.TCP, sources))
		}
	}
	return c
}

// passage is what the office may do through the box, in the words of the packet filter.
func passage(p *policy.Policy) netfilter.Passage {
	switch p.Network.Passage {
	case policy.PassageForward:
		return netfilter.Forward
	case policy.PassageMasquerade:
		return netfilter.Masquerade
	}
	return netfilter.NoPassage
}

// Forwarding is between which ports the kernel has to pass packets on; nil is a policy that wants none.
func Forwarding(p *policy.Policy) link.Forwarding {
	if p == nil || passage(p) == netfilter.NoPassage {
		return link.Forwarding{}
	}
	return link.Forwarding{Inside: p.Network.Inside.Interface, Outside: p.Network.Outside.Interface, IPv6: p.Network.Inside.Address.Addr().Is6()}
}

// Carrier says why the address that a carrier's name leads to cannot be a carrier's; nil when it can. Whoever answers for
// the name must not turn the box against the office or against itself.
func Carrier(p *policy.Policy, a netip.Addr) error {
	n := p.Network
	inside := func(prefix netip.Prefix) bool { return prefix.Contains(a) }
	switch {
	case a == n.Inside.Address.Addr() || a == n.Outside.Address.Addr() || a == n.PublicAddress:
		return fmt.Errorf("%s is the box's own address", a)
	case a != n.Gateway && slices.ContainsFunc(n.Inside.Prefixes, inside):
		return fmt.Errorf("%s is inside the office", a)
	case a.IsLoopback() && !n.Outside.Address.Addr().IsLoopback(), a.IsUnspecified(), a.IsMulticast(), a.IsLinkLocalUnicast():
		return fmt.Errorf("%s is no address of a host on the network", a)
	}
	return nil
}

// hosts are the addresses of servers, each as a range of one.
func hosts(servers []netip.AddrPort) []netip.Prefix {
	var list []netip.Prefix
	for _, s := range servers {
		if p := netip.PrefixFrom(s.Addr(), s.Addr().BitLen()); !slices.Contains(list, p) {
			list = append(list, p)
		}
	}
	return list
}

func service(name string, side netfilter.Side, t policy.Transport, sources []netip.Prefix) netfilter.Service {
	s := netfilter.Service{Name: name, Side: side, Protocol: "tcp", Port: SIPPort, Sources: sources}
	switch t {
	case policy.UDP:
		s.Protocol = "udp"
	case policy.TLSTransport:
		s.Port = SIPSPort
	}
	return s
}

// SetupFilter is the packet filter before there is a policy: the page from inside, nothing else. own are the addresses of
// the inside interface.
func SetupFilter(iface string, own []netip.Prefix, pagePort uint16) netfilter.Config {
	c := netfilter.Config{Inside: netfilter.Port{Interface: iface}, Page: netfilter.Page{Port: pagePort}}
	for _, a := range own {
		c.Inside.Addresses = append(c.Inside.Addresses, a.Addr())
		c.Inside.Prefixes = append(c.Inside.Prefixes, a.Masked())
		c.Page.Sources = append(c.Page.Sources, a.Masked())
	}
	return c
}
