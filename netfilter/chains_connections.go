package netfilter

import "slices"

// How many TCP connections one source may open a second and have at once. TLS handshakes are what costs most of all that a
// stranger can ask for, so all strangers together have a bound as well.
func peerConnecting() rate       { return rate{perSecond: 100, burst: 300} }
func peerConnected() connections { return connections{most: 1000} }

func strangerConnecting() rate       { return rate{perSecond: 20, burst: 60} }
func strangerConnected() connections { return connections{most: 64} }
func strangersConnecting() rate      { return rate{perSecond: 200, burst: 600} }

// newConnections writes the chains that a connection which begins passes: it returns when its source may have it.
func (b *builder) newConnections(side Side) {
	if b.tcpPeers(side) {
		b.newFromPeers(side)
	}
	if b.tcpStrangers(side) {
		b.newFromStrangers(side)
	}
}

func (b *builder) tcpPeers(side Side) bool {
	return slices.ContainsFunc(b.ofSide(side, TCP), func(s service) bool { return !s.Unproven })
}

func (b *builder) tcpStrangers(side Side) bool {
	return slices.ContainsFunc(b.ofSide(side, TCP), func(s service) bool { return s.Unproven }) || side == Inside && b.Page.Port != 0
}

// newFromPeers refuses what is beyond a peer's share: with the set full, peers are let in.
func (b *builder) newFromPeers(side Side) {
	c := b.chain(chain{name: string(side) + "_new_peer", why: "a configured peer connects over TCP from " + string(side)})
	for _, f := range families() {
		whole := side == Inside
		b.refuse(c, side.overConnections(), share{f, b.connecting("peers", f), peerConnecting().beyond(), whole})
		b.refuse(c, side.overConnections(), share{f, b.connected("peers", f), peerConnected().beyond(), whole})
	}
}

// newFromStrangers lets in what is within a stranger's share: with the set full, strangers are refused.
func (b *builder) newFromStrangers(side Side) {
	c := b.chain(chain{name: string(side) + "_new_stranger", why: "somebody who has yet to prove himself connects over TCP from " + string(side)})
	b.refuse(c, side.overConnections(), strangersConnecting().beyond().(rate))
	for _, f := range families() {
		whole := side == Inside
		b.rule(c, "within the source's share", share{f, b.connecting("strangers", f), strangerConnecting(), whole},
			share{f, b.connected("strangers", f), strangerConnected(), whole}, back())
	}
	b.refuse(c, side.overConnections())
}

func (b *builder) connecting(who string, f family) string {
	return b.shares("tcp_"+who, who+" that connected over TCP of late", f)
}

func (b *builder) connected(who string, f family) string {
	name := "tcp_" + who + "_now" + f.suffix()
	if !b.has(name) {
		b.rules.sets = append(b.rules.sets, connectionSet(name, who+" that have TCP connections", f))
	}
	return name
}

// sipOverTCP lets the listed sources connect, and goes on deciding by source while they are connected.
func (b *builder) sipOverTCP(c *chain, side Side) {
	var ports []uint16
	for _, s := range b.ofSide(side, TCP) {
		newcomers := "_new_peer"
		if s.Unproven {
			newcomers = "_new_stranger"
		}
		matches := b.match(s)
		for _, f := range families() {
			if match, ok := matches[f]; ok {
				b.rule(c, "may it connect", append(match, begins(), call(string(side)+newcomers))...)
			}
		}
		b.serve(c, s, accept())
		ports = append(ports, s.Port)
	}
	slices.Sort(ports)
	for _, port := range slices.Compact(ports) {
		b.refuse(c, side.sipRefused(), toPort{TCP, port})
	}
}

// page lets the inside open the page and counts who else tries.
func (b *builder) page(c *chain, side Side) {
	if b.Page.Port == 0 {
		return
	}
	to := toPort{TCP, b.Page.Port}
	if side == Inside {
		counted := b.counter("inside_page", "the web page")
		for _, f := range families() {
			own, sources := "inside_own"+f.suffix(), "page"+f.suffix()
			if !b.has(own) || len(b.Page.Sources) > 0 && !b.has(sources) {
				continue
			}
			match := []statement{to, addrIn{f, dst, own}}
			if len(b.Page.Sources) > 0 {
				match = append(match, addrIn{f, src, sources})
			}
			b.rule(c, "may it connect", slices.Concat(match, []statement{begins(), call("inside_new_stranger")})...)
			b.rule(c, "", slices.Concat(match, []statement{counted, accept()})...)
		}
	}
	b.refuse(c, side.pageRefused(), to)
}
