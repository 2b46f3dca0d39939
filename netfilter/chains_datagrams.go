package netfilter

import "golang.org/x/sys/unix"

// datagrams writes the decision on SIP over UDP and on media, before connection tracking and without it. The base chain
// is there even with nothing to decide: base chains that come and go are the one thing a transaction swaps with a gap.
func (b *builder) datagrams() {
	c := b.chain(prerouting("datagrams", atRaw))
	if !b.has("sip_ports") && !b.hasMedia() {
		return
	}
	b.rule(c, iif("lo"), accept())
	b.rule(c, notProtocol(unix.IPPROTO_UDP), accept())
	b.bySide(c, "_datagrams")
	for _, side := range b.sides() {
		c := b.chain(chain{name: string(side) + "_datagrams"})
		b.media(c, side)
		b.sipOverUDP(c, side)
	}
}

// bySide sends a packet to the chain of the side it came from, whose name ends as told.
func (b *builder) bySide(c *chain, suffix string) {
	if !b.OnePort() {
		for _, side := range b.sides() {
			b.rule(c, iif(b.port(side).Interface), goTo(string(side)+suffix))
		}
		return
	}
	port := iif(b.Inside.Interface)
	if gateway := plainAddr(b.Gateway); gateway.IsValid() {
		b.rule(c, port, from{addr: gateway}, goTo(string(Outside)+suffix))
	}
	for _, f := range families() {
		if b.has("inside" + f.suffix()) {
			b.rule(c, port, addrIn{f, src, "inside" + f.suffix()}, goTo(string(Inside)+suffix))
		}
	}
	b.rule(c, port, goTo(string(Outside)+suffix))
}

// media lets in what has a pinhole. The pinholes are asked before the port range, so that a call which started under
// an earlier range keeps its own.
func (b *builder) media(c *chain, side Side) {
	if !b.hasMedia() {
		return
	}
	open := b.counter(string(side)+"_rtp", "media of live calls, through their pinholes")
	for _, f := range families() {
		for _, prefixes := range []bool{false, true} {
			if name := pinholeSetName(side, f, prefixes); b.has(name) {
				b.rule(c, throughPinhole{f, name}, open, untrack{}, accept())
			}
		}
	}
	closed := b.counter(string(side)+"_rtp_closed", "media ports without a pinhole for the source")
	for _, match := range b.toMedia(dst) {
		b.rule(c, match, closed, drop())
	}
}

func (b *builder) sipOverUDP(c *chain, side Side) {
	if !b.has("sip_ports") {
		return
	}
	for _, s := range b.services {
		if s.Side == side && s.Protocol == UDP {
			b.serve(c, s, untrack{}, accept())
		}
	}
	b.rule(c, udpPortIn{dst, "sip_ports"}, b.sipRefused(side), drop())
}

// serve lets the sources of a service reach its port on the side's own addresses.
func (b *builder) serve(c *chain, s service, then ...statement) {
	counted := b.counter(s.counter, "SIP over "+s.Protocol+" from "+s.Name)
	for _, f := range families() {
		own, sources := string(s.Side)+"_own"+f.suffix(), s.counter+"_ip"+f.suffix()
		if b.has(own) && b.has(sources) {
			match := []statement{toPort{s.Protocol, s.Port}, addrIn{f, dst, own}, addrIn{f, src, sources}, counted}
			b.rule(c, append(match, then...)...)
		}
	}
}

func (b *builder) sipRefused(side Side) count {
	return b.counter(string(side)+"_sip_refused", "SIP ports: source not listed, or not this side's address")
}
