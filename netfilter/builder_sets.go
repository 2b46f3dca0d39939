package netfilter

import (
	"cmp"
	"net/netip"
	"slices"
)

// addSets defines the sets that several chains look into. Sets without elements are left out, and with them the rules
// that would ask them, except for pinholes, which come and go.
func (b *builder) addSets(live []uint16) {
	own := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	for _, side := range b.sides() {
		own = append(own, hosts(b.port(side).Addresses)...)
	}
	b.prefixes("own", merge(own))
	if len(b.sides()) == 2 {
		b.prefixes("inside", b.insidePrefixes())
	}
	b.ports("sip_ports", b.sipPorts())
	b.ports("rtp_ports", b.mediaPorts(live))
	for _, side := range b.sides() {
		b.prefixes(string(side)+"_own", merge(hosts(b.port(side).Addresses)))
		b.prefixes(string(side)+"_peers", b.peers(side))
		b.pinholeSets(side)
	}
	for _, s := range b.services {
		b.prefixes(s.counter+"_ip", s.Sources)
	}
	if b.Page.Port != 0 {
		b.prefixes("page", merge(b.Page.Sources))
	}
}

// insidePrefixes leaves out link-local prefixes: they lie on both sides of every link, so they say nothing.
func (b *builder) insidePrefixes() []netip.Prefix {
	return slices.DeleteFunc(merge(b.Inside.Prefixes), func(p netip.Prefix) bool { return p.Addr().IsLinkLocalUnicast() })
}

// peers returns every source of the side's services.
func (b *builder) peers(side Side) []netip.Prefix {
	var all []netip.Prefix
	for _, s := range b.services {
		if s.Side == side {
			all = append(all, s.Sources...)
		}
	}
	return merge(all)
}

// sipPorts returns the UDP ports of all services.
func (b *builder) sipPorts() []PortRange {
	var ports []PortRange
	for _, s := range b.services {
		if s.Protocol == UDP {
			ports = append(ports, PortRange{s.Port, s.Port})
		}
	}
	return sortPorts(ports)
}

func (b *builder) mediaPorts(live []uint16) []PortRange {
	if (b.Media == PortRange{}) {
		return nil
	}
	ports := []PortRange{b.Media}
	for _, p := range live {
		if !b.Media.contains(p) {
			ports = append(ports, PortRange{p, p})
		}
	}
	return sortPorts(ports)
}

func sortPorts(ports []PortRange) []PortRange {
	slices.SortFunc(ports, func(a, b PortRange) int { return cmp.Compare(a.Low, b.Low) })
	return slices.Compact(ports)
}

// pinholeSets defines the sets of one side's pinholes, for the families in which the box has an address there.
func (b *builder) pinholeSets(side Side) {
	if (b.Media == PortRange{}) {
		return
	}
	for _, f := range families() {
		if !b.has(string(side) + "_own" + f.suffix()) {
			continue
		}
		for _, prefixes := range []bool{false, true} {
			b.rules.sets = append(b.rules.sets, pinholeSet(pinholeSetName(side, f, prefixes), f, prefixes))
		}
	}
}

// pinholeSetName tells in which set a source is kept.
func pinholeSetName(side Side, f family, prefix bool) string {
	kind := "_rtp_hosts"
	if prefix {
		kind = "_rtp_nets"
	}
	return string(side) + kind + f.suffix()
}

// prefixes defines a set for each family of which there is an element.
func (b *builder) prefixes(name string, prefixes []netip.Prefix) {
	for _, f := range families() {
		if s := prefixSet(name+f.suffix(), f, prefixes); len(s.elements) > 0 {
			b.rules.sets = append(b.rules.sets, s)
		}
	}
}

func (b *builder) ports(name string, ranges []PortRange) {
	if len(ranges) > 0 {
		b.rules.sets = append(b.rules.sets, portSet(name, ranges))
	}
}
