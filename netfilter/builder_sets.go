package netfilter

import (
	"net/netip"
	"slices"
)

// addSets defines the sets that several chains look into. Sets without elements are left out, and with them the rules
// that would ask them, except for pinholes, which come and go.
func (b *builder) addSets(live []uint16) {
	b.hosts("own", "the box itself", slices.Concat(b.Inside.Addresses, b.Outside.Addresses))
	if len(b.sides()) == 2 {
		b.prefixes("inside", "sources that count as inside", b.insidePrefixes())
	}
	b.ports("sip_ports", "ports of SIP over UDP", b.sipPorts())
	b.ports("rtp_earlier", "media ports of calls that began under an earlier range", b.earlierPorts(live))
	for _, side := range b.sides() {
		b.hosts(string(side)+"_own", "the box on this side", b.port(side).Addresses)
		b.prefixes(string(side)+"_peers", "sources of all services of this side", b.peers(side))
		b.prefixes(string(side)+"_known", "configured peers: never banned", b.known(side))
		b.pinholeSets(side)
	}
	for _, s := range b.services {
		b.prefixes(s.counter+"_ip", "SIP over "+s.Protocol+" from "+s.Name, s.Sources)
	}
	if b.Page.Port != 0 {
		b.prefixes("page", "who may open the page", merge(b.Page.Sources))
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

// known returns the sources of the side's configured peers, which are never banned.
func (b *builder) known(side Side) []netip.Prefix {
	var all []netip.Prefix
	for _, s := range b.services {
		if s.Side == side && !s.Unproven {
			all = append(all, s.Sources...)
		}
	}
	return merge(all)
}

// sipPorts returns the UDP ports of all services.
func (b *builder) sipPorts() []uint16 {
	var ports []uint16
	for _, s := range b.services {
		if s.Protocol == UDP {
			ports = append(ports, s.Port)
		}
	}
	slices.Sort(ports)
	return slices.Compact(ports)
}

// earlierPorts returns the local ports of live calls that lie outside the media ports of today.
func (b *builder) earlierPorts(live []uint16) []uint16 {
	if !b.hasMedia() {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(live), b.Media.contains)
}

func (b *builder) hasMedia() bool { return b.Media != PortRange{} }

// pinholeSets defines the sets of one side's pinholes, for the families in which the box has an address there.
func (b *builder) pinholeSets(side Side) {
	if !b.hasMedia() {
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
func (b *builder) prefixes(name, why string, prefixes []netip.Prefix) {
	for _, f := range families() {
		if s := prefixSet(name+f.suffix(), why, f, prefixes); len(s.elements) > 0 {
			b.rules.sets = append(b.rules.sets, s)
		}
	}
}

// hosts does so with single addresses.
func (b *builder) hosts(name, why string, addrs []netip.Addr) {
	for _, f := range families() {
		if s := hostSet(name+f.suffix(), why, f, addrs); len(s.elements) > 0 {
			b.rules.sets = append(b.rules.sets, s)
		}
	}
}

func (b *builder) ports(name, why string, ports []uint16) {
	if len(ports) > 0 {
		b.rules.sets = append(b.rules.sets, portSet(name, why, ports))
	}
}

// toSIP returns the match of datagrams to or from SIP ports, if there are any.
func (b *builder) toSIP(d direction) []statement {
	if !b.has("sip_ports") {
		return nil
	}
	return []statement{udpPortIn{d, "sip_ports"}}
}

// toMedia returns the matches of datagrams to or from media ports, each for a rule of its own.
func (b *builder) toMedia(d direction) []statement {
	var matches []statement
	if b.hasMedia() {
		matches = append(matches, udpPortWithin{d, b.Media})
	}
	if b.has("rtp_earlier") {
		matches = append(matches, udpPortIn{d, "rtp_earlier"})
	}
	return matches
}
