package netfilter

import (
	"slices"

	"golang.org/x/sys/unix"
)

// input writes what may reach the box itself, besides the datagrams decided before. Everything else is dropped, and
// counted by side.
func (b *builder) input() {
	c := b.chain(chain{name: "input", hook: inputHook(), hookName: "input", priority: atFilter, policy: drop(), why: "what may reach the box itself"})
	b.rule(c, "the box itself", fromItself(), accept())
	b.neighbours(c)
	b.bySide(c, "")
	b.refuse(c, otherPort())
	for _, side := range b.sides() {
		b.side(side)
	}
}

// neighbours lets in what IPv6 needs to work on a link (RFC 4890 section 4.4.1): neighbour discovery, router
// advertisements from the carriers' side only, and the queries of switches that keep track of multicast listeners. It has a chain of
// its own, so that the packets of calls pass one rule of it.
func (b *builder) neighbours(input *chain) {
	const name = "neighbours"
	b.rule(input, "ICMPv6", isProtocol(unix.IPPROTO_ICMPV6), call(name))
	c := b.chain(chain{name: name, why: "what IPv6 needs on a link; the rest of ICMPv6 returns"})
	b.discovery(c)
	counted := b.neighbourCounter()
	routers := b.Outside.Interface
	if routers == "" {
		routers = b.Inside.Interface
	}
	b.rule(c, "", iif(routers), icmp{ip6, icmpType{"nd-router-advert", 134}}, unforwarded{}, counted, accept())
	b.rule(c, "", icmp{ip6, icmpType{"mld-listener-query", 130}}, linkLocal(), counted, accept())
}

func (b *builder) neighbourCounter() count {
	return b.counter("neighbours", "IPv6 neighbour discovery, router advertisements, listener queries")
}

// discovery lets in how IPv6 hosts find one another on a link.
func (b *builder) discovery(c *chain) {
	b.rules.sets = append(b.rules.sets, icmpSet("neighbours", "neighbour discovery", ip6,
		icmpType{"nd-neighbor-solicit", 135}, icmpType{"nd-neighbor-advert", 136}))
	b.rule(c, "", icmpIn{ip6, "neighbours"}, unforwarded{}, b.neighbourCounter(), accept())
}

// side writes the chain of one side. Ports of the box are decided by source before "established", so that a source
// removed is out at once; what is left for "established" are answers to connections that the box opened.
func (b *builder) side(side Side) {
	name := string(side)
	c := b.chain(chain{name: name, why: "to the box itself from " + name})
	for _, match := range slices.Concat(b.toMedia(dst), b.toSIP(dst)) {
		b.rule(c, "let in as a datagram", untracked(), match, accept()) // decided and counted in datagrams
	}
	b.sipOverTCP(c, side)
	b.page(c, side)
	b.rule(c, "", answered(), b.counter(name+"_answers", "answers to what the box asked, and errors about it"), accept())
	b.errors(c, side)
	b.ping(c, side)
	b.refuse(c, side.broadcast(), elsewhere{})
	b.refuse(c, side.invalid(), invalid())
	b.refuse(c, side.dropped())
	b.newConnections(side)
}

// errors lets in the ICMP messages without which packets that are too big, or sent to nobody, vanish without a trace
// (RFC 4890 section 4.3.1). Errors about tracked connections are answers already; these are about datagrams.
func (b *builder) errors(c *chain, side Side) {
	counted := b.counter(string(side)+"_icmp_errors", "unreachable, too big, time exceeded, bad header")
	for _, f := range families() {
		name := "icmp_errors" + f.suffix()
		if !b.has(name) {
			b.rules.sets = append(b.rules.sets, icmpErrors(name, f))
		}
		b.rule(c, "", icmpIn{f, name}, rate{perSecond: 100, burst: 100}, counted, accept())
	}
}

func icmpErrors(name string, f family) set {
	if f == ip4 {
		return icmpSet(name, "errors about what the box sent", f, icmpType{"destination-unreachable", 3}, icmpType{"time-exceeded", 11},
			icmpType{"parameter-problem", 12})
	}
	return icmpSet(name, "errors about what the box sent", f, icmpType{"destination-unreachable", 1}, icmpType{"packet-too-big", 2},
		icmpType{"time-exceeded", 3}, icmpType{"parameter-problem", 4})
}

// ping answers everybody inside, and outside the configured peers.
func (b *builder) ping(c *chain, side Side) {
	counted := b.counter(string(side)+"_ping", "echo requests")
	for _, f := range families() {
		request := icmp{f, icmpType{"echo-request", 8}}
		if f == ip6 {
			request.kind.number = 128
		}
		peers := "outside_peers" + f.suffix()
		switch {
		case side == Inside:
			b.rule(c, "", request, rate{perSecond: 20, burst: 20}, counted, accept())
		case b.has(peers):
			b.rule(c, "", request, addrIn{f, src, peers}, rate{perSecond: 20, burst: 20}, counted, accept())
		}
	}
}
