package netfilter

import "golang.org/x/sys/unix"

// early writes what comes before defragmentation: forged sources, banned ones, and fragments. Each family has a chain of its
// own, so that a packet of one is not asked for what only the other has.
func (b *builder) early() {
	c := b.chain(prerouting("early", beforeDefrag, "before anything is spent on a packet: forged sources, banned ones, fragments"))
	b.rule(c, "the box itself", fromItself(), accept())
	for _, f := range families() {
		b.rule(c, "what is asked of this family", isFamily(f), goTo(earlyChain(f)))
	}
	for _, f := range families() {
		c := b.chain(chain{name: earlyChain(f), why: f.word() + ", before anything is spent on a packet"})
		b.live(c, f)
		b.forged(c, f)
		b.banned(c, f)
		b.rule(c, "fragments", fragment{family: f}, goTo("fragments"))
	}
	b.keepAway()
	b.fragments()
}

func earlyChain(f family) string { return "early" + f.suffix() }

// live lets the media of live calls through, each from the source that its pinhole names, before anything else is asked: they are nearly
// all that comes. So a call that was let in keeps its audio, whoever is banned or put on the block list meanwhile; no other packet of his
// passes. Pieces are put together first, and asked in datagrams. Where one port serves both sides everything is.
func (b *builder) live(c *chain, f family) {
	if b.OnePort() || !b.hasMedia() {
		return
	}
	for _, side := range b.sides() {
		if name := pinholeSetName(side, f, false); b.has(name) {
			b.rule(c, "", iif(b.port(side).Interface), fragment{f, true}, throughPinhole{f, name}, b.throughPinholes(side), mark{}, untrack{}, accept())
		}
	}
}

// forged drops sources that cannot come from where they came: the box's own, and inside ones arriving outside. The
// gateway never counts as inside, and neighbour discovery may speak from one of our addresses to tell that it is
// taken (RFC 4862 section 5.4.4).
func (b *builder) forged(c *chain, f family) {
	if f == ip4 {
		b.refuse(c, forged(), loopback())
	}
	if own := "own" + f.suffix(); b.has(own) {
		match := []statement{addrIn{f, src, own}}
		if f == ip6 {
			match = append(match, notProtocol(unix.IPPROTO_ICMPV6))
		}
		b.refuse(c, forged(), match...)
	}
	if b.OnePort() || b.Outside.Interface == "" || !b.has("inside"+f.suffix()) {
		return
	}
	statements := []statement{iif(b.Outside.Interface)}
	if gateway := plainAddr(b.Gateway); gateway.IsValid() && familyOf(gateway) == f {
		statements = append(statements, from{addr: gateway, not: true})
	}
	b.refuse(c, forged(), append(statements, addrIn{f, src, "inside" + f.suffix()})...)
}

// banned drops the sources that Filter.Ban and Block were told, before anything is spent on them. Configured peers are let
// off: asked for those alone that are kept away, it costs the others nothing. An IPv6 host outside is banned with its /64, one
// inside by its address, for an office may have a single /64; so both are looked for.
func (b *builder) banned(c *chain, f family) {
	for _, k := range keptAway() {
		hosts, nets := banSet(k, f, false), banSet(k, f, true)
		b.rules.sets = append(b.rules.sets, hosts, nets)
		b.rule(c, string(k)+" hosts", addrIn{f, src, hosts.name}, call(string(k)))
		if f == ip6 {
			b.rule(c, string(k)+" hosts, by the /64 that one can choose from", hostIn{f, hosts.name}, call(string(k)))
		}
		b.rule(c, string(k)+" networks", addrIn{f, src, nets.name}, call(string(k)))
	}
}

// keepAway writes the chains of sources that were found banned or blocked.
func (b *builder) keepAway() {
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
