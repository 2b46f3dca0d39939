package netfilter

import "golang.org/x/sys/unix"

// early writes what comes before defragmentation: forged sources, banned ones, and fragments.
func (b *builder) early() {
	c := b.chain(prerouting("early", beforeDefrag, "before anything is spent on a packet: forged sources, banned ones, fragments"))
	b.rule(c, "the box itself", iif("lo"), accept())
	b.forged(c)
	b.banned(c)
	for _, f := range families() {
		b.rule(c, "fragments", fragment(f), goTo("fragments"))
	}
	b.fragments()
}

// forged drops sources that cannot come from where they came: the box's own, and inside ones arriving outside. The
// gateway never counts as inside, and neighbour discovery may speak from one of our addresses to tell that it is
// taken (RFC 4862 section 5.4.4).
func (b *builder) forged(c *chain) {
	b.refuse(c, forged(), loopback())
	if b.has("own4") {
		b.refuse(c, forged(), addrIn{ip4, src, "own4"})
	}
	if b.has("own6") {
		b.refuse(c, forged(), addrIn{ip6, src, "own6"}, notProtocol(unix.IPPROTO_ICMPV6))
	}
	if b.OnePort() || b.Outside.Interface == "" {
		return
	}
	gateway := plainAddr(b.Gateway)
	for _, f := range families() {
		if !b.has("inside" + f.suffix()) {
			continue
		}
		statements := []statement{iif(b.Outside.Interface)}
		if gateway.IsValid() && familyOf(gateway) == f {
			statements = append(statements, from{addr: gateway, not: true})
		}
		b.refuse(c, forged(), append(statements, addrIn{f, src, "inside" + f.suffix()})...)
	}
}

// banned drops the sources that Filter.Ban and Block were told, before anything is spent on them. Configured peers are let
// off: asked for those alone that are kept away, it costs the others nothing. An IPv6 host outside is banned with its /64, one
// inside by its address, for an office may have a single /64; so both are looked for.
func (b *builder) banned(c *chain) {
	for _, k := range keptAway() {
		for _, f := range families() {
			hosts, nets := banSet(k, f, false), banSet(k, f, true)
			b.rules.sets = append(b.rules.sets, hosts, nets)
			b.rule(c, string(k)+" hosts", addrIn{f, src, hosts.name}, call(string(k)))
			if f == ip6 {
				b.rule(c, string(k)+" hosts, by the /64 that one can choose from", hostIn{f, hosts.name}, call(string(k)))
			}
			b.rule(c, string(k)+" networks", addrIn{f, src, nets.name}, call(string(k)))
		}
	}
	for _, r := range []reason{bannedSource(), blockedSource()} {
		c := b.chain(chain{name: r.name, why: r.why + ", unless it is a configured peer's"})
		for _, side := range b.sides() {
			for _, f := range families() {
				if known := string(side) + "_known" + f.suffix(); b.has(known) {
					b.rule(c, "a configured peer, whose address may be forged", iif(b.port(side).Interface), addrIn{f, src, known}, back())
				}
			}
		}
		b.refuse(c, r)
	}
}

// fragmentRate is what one peer may send: an INVITE over UDP is two or three fragments.
func fragmentRate() rate { return rate{perSecond: 100, burst: 200} }

// fragments lets those of configured peers through to be put together, each peer within its share; the whole packet is
// then decided by its ports like any other. Fragments of anybody else cost no memory.
func (b *builder) fragments() {
	c := b.chain(chain{name: "fragments", why: "pieces of packets"})
	for _, side := range b.sides() {
		for _, f := range families() {
			peers := string(side) + "_peers" + f.suffix()
			if !b.has(peers) {
				continue
			}
			shares := "fragment_shares" + f.suffix()
			if !b.has(shares) {
				b.rules.sets = append(b.rules.sets, shareSet(shares, "peers that sent fragments of late", f))
			}
			b.rule(c, "", iif(b.port(side).Interface), addrIn{f, src, peers}, share{f, shares, fragmentRate(), side == Inside},
				b.counter("fragments", "fragments of configured peers, within each one's share"), accept())
		}
	}
	b.refuse(c, fragmentsRefused())
}
