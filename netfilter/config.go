package netfilter

import (
	"net/netip"
	"slices"
)

// Side is one of the two sides of the border.
type Side string

// The sides. Inside is the office, Outside the carriers.
const (
	Inside  Side = "inside"
	Outside Side = "outside"
)

// The values of Service.Protocol. TLS is TCP here.
const (
	UDP = "udp"
	TCP = "tcp"
)

// Config is everything the filter has to know. The zero value is not valid: at least the inside port is needed.
//
// With the same interface on both sides (one port) a packet is inside when its source lies in Inside.Prefixes and is
// not the Gateway, and outside otherwise. With two interfaces the interface decides, and a source of Inside.Prefixes
// that arrives outside is forged. Without services only the page is open: the set-up mode.
type Config struct {
	Inside, Outside Port
	// Gateway is the router towards the carriers. It never counts as inside. It may be zero.
	Gateway  netip.Addr
	Services []Service
	Page     Page
	// Media holds the UDP ports of the relay, on both sides; they are closed but for pinholes. Zero: no media.
	Media PortRange
	// Passage is what the office may do through the box; default nothing. It takes two ports.
	Passage Passage
}

// Passage says whether the office reaches the networks outside through the box. SIP never passes: it goes through the
// box's own proxy. The system has to forward packets (net.ipv4.ip_forward, net.ipv6.conf.all.forwarding).
type Passage string

// The values of Config.Passage.
const (
	NoPassage  Passage = ""           // nothing passes
	Forward    Passage = "forward"    // connections from inside, with their own addresses
	Masquerade Passage = "masquerade" // the same, with the box's outside address
)

// Port is where one side is plugged in. Outside may be the zero Port while there is only an inside.
type Port struct {
	Interface string
	Addresses []netip.Addr // the box's own on this side; services answer on these only
	// Prefixes are the sources that count as inside. Only the inside has them; one port needs them.
	// Link-local prefixes are left out, because they lie on both sides of every link.
	Prefixes []netip.Prefix
}

// Service is one SIP port and who may reach it. Several services may share a port.
type Service struct {
	Name     string // whose it is, as the counters show it: "pbx", "trunk carrier-a"
	Side     Side
	Protocol string // UDP or TCP
	Port     uint16
	Sources  []netip.Prefix // empty: nobody yet; overlapping prefixes are merged
	// Unproven sources are networks whose hosts prove later who they are, such as telephones: they can be banned.
	// The others are configured peers, which never are, because over UDP their addresses can be forged.
	Unproven bool
}

// Page is the web page. Only the inside reaches it.
type Page struct {
	Port    uint16         // TCP; zero: no page
	Sources []netip.Prefix // empty: everybody inside
}

// PortRange is a closed range of ports.
type PortRange struct{ Low, High uint16 }

// Pinhole lets the media of one leg in: UDP datagrams from Sources to Local on Side.
type Pinhole struct {
	Side    Side
	Local   netip.AddrPort // one of the side's addresses, a port of Config.Media
	Sources []netip.Prefix // overlapping prefixes are merged; at least one is of Local's family
}

// OnePort tells whether both sides share one interface.
func (c Config) OnePort() bool { return c.Inside.Interface == c.Outside.Interface }

// clone returns a Config that shares nothing with c.
func (c Config) clone() Config {
	for _, p := range []*Port{&c.Inside, &c.Outside} {
		p.Addresses, p.Prefixes = slices.Clone(p.Addresses), slices.Clone(p.Prefixes)
	}
	c.Services = slices.Clone(c.Services)
	for i := range c.Services {
		c.Services[i].Sources = slices.Clone(c.Services[i].Sources)
	}
	c.Page.Sources = slices.Clone(c.Page.Sources)
	return c
}

// port returns where side s is plugged in.
func (c Config) port(s Side) Port {
	if s == Inside {
		return c.Inside
	}
	return c.Outside
}

// sides returns the sides that have an interface, inside first.
func (c Config) sides() []Side {
	if c.Outside.Interface == "" {
		return []Side{Inside}
	}
	return []Side{Inside, Outside}
}

// contains tells whether port lies in the range. The zero range contains nothing.
func (r PortRange) contains(port uint16) bool {
	return r != PortRange{} && r.Low <= port && port <= r.High
}
