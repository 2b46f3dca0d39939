package netfilter

import (
	"slices"

	"golang.org/x/sys/unix"
)

// datagrams writes the decision on SIP over UDP and on media, before connection tracking and without it. The base chain
// is there even with nothing to decide: base chains that come and go are the one thing a transaction swaps with a gap.
func (b *builder) datagrams() {
	c := b.chain(prerouting("datagrams", atRaw, "SIP over UDP and media, decided by source and pinhole and never tracked"))
	if !b.has("sip_ports") && !b.hasMedia() {
		return
	}
	b.rule(c, "the box itself", fromItself(), accept())
	if !b.OnePort() && b.hasMedia() {
		b.rule(c, "media of live calls, let in by early", marked{}, accept())
	}
	b.rule(c, "decided later", notProtocol(unix.IPPROTO_UDP), accept())
	b.passing(c)
	b.bySide(c, "_datagrams")
	for _, side := range b.sides() {
		c := b.chain(chain{name: string(side) + "_datagrams", why: "datagrams from " + string(side)})
		b.media(c, side)
		if b.has("sip_ports") {
			b.rule(c, "SIP over UDP", udpPortIn{dst, "sip_ports"}, goTo(string(side)+"_sip"))
			b.sipOverUDP(side)
		}
	}
	if b.has("sip_ports") {
		b.sipForm()
	}
}

// bySide sends a packet to the chain of the side it came from, whose name ends as told.
func (b *builder) bySide(c *chain, suffix string) {
	if !b.OnePort() {
		for _, side := range b.sides() {
			b.rule(c, "from "+string(side), iif(b.port(side).Interface), goTo(string(side)+suffix))
		}
		return
	}
	port := iif(b.Inside.Interface)
	if gateway := plainAddr(b.Gateway); gateway.IsValid() {
		b.rule(c, "the gateway is outside", port, from{addr: gateway}, goTo(string(Outside)+suffix))
	}
	for _, f := range families() {
		if b.has("inside" + f.suffix()) {
			b.rule(c, "from inside", port, addrIn{f, src, "inside" + f.suffix()}, goTo(string(Inside)+suffix))
		}
	}
	b.rule(c, "from outside", port, goTo(string(Outside)+suffix))
}

// media lets in what has a pinhole. The pinholes are asked before the port range, so that a call which started under
// an earlier range keeps its own.
func (b *builder) media(c *chain, side Side) {
	if !b.hasMedia() {
		return
	}
	open := b.throughPinholes(side)
	for _, f := range families() {
		for _, prefixes := range []bool{false, true} {
			if name := pinholeSetName(side, f, prefixes); b.has(name) {
				b.rule(c, "", throughPinhole{f, name}, open, untrack{}, accept())
			}
		}
	}
	for _, match := range b.toMedia(dst) {
		b.refuse(c, side.mediaClosed(), match)
	}
}

func (b *builder) throughPinholes(side Side) count {
	return b.counter(string(side)+"_rtp", "media of live calls, through their pinholes")
}

// peerRate is what a configured peer may send: more than any office does, and no more than the box can read.
func peerRate() rate { return rate{perSecond: 20_000, burst: 20_000} }

// strangerRate is what a host may send that has yet to prove itself. All telephones of a branch may be behind one address.
func strangerRate() rate { return rate{perSecond: 500, burst: 2_000} }

// sipOverUDP lets in what the listed sources send, if it begins like SIP, each within its rate: configured peers first, so
// that who is both is treated as one.
func (b *builder) sipOverUDP(side Side) {
	c := b.chain(chain{name: string(side) + "_sip", why: "SIP over UDP from " + string(side)})
	name := string(side)
	for _, f := range families() {
		if b.has(name + "_peers" + f.suffix()) {
			b.rule(c, "does it begin like SIP", addrIn{f, src, name + "_peers" + f.suffix()}, call("sip_form"))
		}
		if known := name + "_known" + f.suffix(); b.has(known) {
			shares := b.shares("sip_peers", "configured peers that sent SIP over UDP of late", f)
			b.refuse(c, side.overRate(), addrIn{f, src, known}, share{f, shares, peerRate().beyond(), side == Inside})
		}
	}
	for _, s := range b.ofSide(side, UDP) {
		if s.Unproven {
			b.serveWithin(c, s, "sip_strangers", strangerRate(), untrack{}, accept())
		} else {
			b.serve(c, s, untrack{}, accept())
		}
	}
	b.refuse(c, side.sipRefused())
}

// ofSide returns the services of one side and protocol, those of configured peers first.
func (b *builder) ofSide(side Side, protocol string) []service {
	var known, unproven []service
	for _, s := range b.services {
		switch {
		case s.Side != side || s.Protocol != protocol:
		case s.Unproven:
			unproven = append(unproven, s)
		default:
			known = append(known, s)
		}
	}
	return slices.Concat(known, unproven)
}

// sipForm writes the chain that lets back what can be SIP, by its first bytes. Keep-alives and STUN (RFC 5626 section 4.4)
// are shorter than any message.
func (b *builder) sipForm() {
	c := b.chain(chain{name: "sip_form", why: "what can be SIP returns"})
	b.rule(c, "a keep-alive: CRLF", payloadIs{offset: 8, value: []byte("\r\n")}, back())
	b.rule(c, "STUN: two zero bits and the magic cookie", payloadIs{offset: 8, mask: []byte{0xfe}, value: []byte{0}},
		payloadIs{offset: 12, value: []byte{0x21, 0x12, 0xa4, 0x42}}, back())
	b.rule(c, "a method or SIP/2.0: four ASCII characters, the first of them visible",
		payloadIs{offset: 8, mask: []byte{0x80, 0x80, 0x80, 0x80}, value: make([]byte, 4)}, payloadWithin{offset: 8, low: '!', high: '~'}, back())
	b.refuse(c, notSIP())
}

// shares defines a set of shares for a family once and returns its name.
func (b *builder) shares(name, why string, f family) string {
	name += f.suffix()
	if !b.has(name) {
		b.rules.sets = append(b.rules.sets, shareSet(name, why, f))
	}
	return name
}

// match returns for each family what a packet of the service is known by.
func (b *builder) match(s service) map[family][]statement {
	matches := map[family][]statement{}
	for _, f := range families() {
		own, sources := string(s.Side)+"_own"+f.suffix(), s.counter+"_ip"+f.suffix()
		if b.has(own) && b.has(sources) {
			matches[f] = []statement{toPort{s.Protocol, s.Port}, addrIn{f, dst, own}, addrIn{f, src, sources}}
		}
	}
	return matches
}

func (b *builder) serviceCounter(s service) count {
	return b.counter(s.counter, "SIP over "+s.Protocol+" from "+s.Name)
}

// serve lets the sources of a service reach its port on the side's own addresses.
func (b *builder) serve(c *chain, s service, then ...statement) {
	counted, matches := b.serviceCounter(s), b.match(s)
	for _, f := range families() {
		if match, ok := matches[f]; ok {
			b.rule(c, "", slices.Concat(match, []statement{counted}, then)...)
		}
	}
}

// serveWithin does so as long as each of them stays within a rate.
func (b *builder) serveWithin(c *chain, s service, set string, r rate, then ...statement) {
	counted, matches := b.serviceCounter(s), b.match(s)
	for _, f := range families() {
		match, ok := matches[f]
		if !ok {
			continue
		}
		shares := b.shares(set, "hosts that have yet to prove themselves, and sent SIP over UDP of late", f)
		within := share{f, shares, r, s.Side == Inside}
		b.rule(c, "", slices.Concat(match, []statement{within, counted}, then)...)
		b.refuse(c, s.Side.overRate(), match...)
	}
}
