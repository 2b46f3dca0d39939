package netfilter

import "golang.org/x/sys/unix"

// early writes what comes before defragmentation: forged sources, banned ones, and fragments.
func (b *builder) early() {
	c := b.chain(prerouting("early", beforeDefrag))
	b.rule(c, iif("lo"), accept())
	b.forged(c)
	b.banned(c)
	for _, f := range families() {
		b.rule(c, fragment(f), goTo("fragments"))
	}
	b.fragments()
}

// forged drops sources that cannot come from where they came: the box's own, and inside ones arriving outside. The
// gateway never counts as inside, and neighbour discovery may speak from one of our addresses to tell that it is
// taken (RFC 4862 section 5.4.4).
func (b *builder) forged(c *chain) {
	counted := b.counter("forged", "source is the box itself, or belongs inside and arrived outside")
	b.rule(c, loopback(), counted, drop())
	if b.has("own4") {
		b.rule(c, addrIn{ip4, src, "own4"}, counted, drop())
	}
	if b.has("own6") {
		b.rule(c, addrIn{ip6, src, "own6"}, notProtocol(unix.IPPROTO_ICMPV6), counted, drop())
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
		b.rule(c, append(statements, addrIn{f, src, "inside" + f.suffix()}, counted, drop())...)
	}
}

// banned drops the sources that Filter.Ban was told, before anything is spent on them. Configured peers are let off:
// asked for those alone that are banned, it costs the others nothing.
func (b *builder) banned(c *chain) {
	for _, f := range families() {
		hosts, nets := banSet(f, false), banSet(f, true)
		b.rules.sets = append(b.rules.sets, hosts, nets)
		b.rule(c, hostIn{f, hosts.name}, call("banned"))
		b.rule(c, addrIn{f, src, nets.name}, call("banned"))
	}
	banned := b.chain(chain{name: "banned"})
	for _, side := range b.sides() {
		for _, f := range families() {
			if known := string(side) + "_known" + f.suffix(); b.has(known) {
				b.rule(banned, iif(b.port(side).Interface), addrIn{f, src, known}, back())
			}
		}
	}
	b.rule(banned, b.counter("banned", "source is banned"), drop())
}

// fragmentRate is what one peer may send: an INVITE over UDP is two or three fragments.
func fragmentRate() rate { return rate{perSecond: 100, burst: 200} }

// fragments lets those of configured peers through to be put together, each peer within its share; the whole packet is
// then decided by its ports like any other. Fragments of anybody else cost no memory.
func (b *builder) fragments() {
	c := b.chain(chain{name: "fragments"})
	for _, side := range b.sides() {
		for _, f := range families() {
			peers := string(side) + "_peers" + f.suffix()
			if !b.has(peers) {
				continue
			}
			shares := "fragment_shares" + f.suffix()
			if !b.has(shares) {
				b.rules.sets = append(b.rules.sets, shareSet(shares, f))
			}
			b.rule(c, iif(b.port(side).Interface), addrIn{f, src, peers}, share{f, shares, fragmentRate()},
				b.counter("fragments", "fragments of configured peers, within each one's share"), accept())
		}
	}
	b.rule(c, b.counter("fragments_refused", "fragments of others, or beyond a peer's share"), drop())
}
