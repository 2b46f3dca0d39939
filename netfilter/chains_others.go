package netfilter

import (
	"slices"

	"github.com/google/nftables"
	"golang.org/x/sys/unix"
)

func inputHook() *nftables.ChainHook  { return nftables.ChainHookInput }
func outputHook() *nftables.ChainHook { return nftables.ChainHookOutput }

// passing lets datagrams by that are addressed to others, where the office reaches them through the box.
func (b *builder) passing(c *chain) {
	if b.Passage == NoPassage {
		return
	}
	for _, f := range families() {
		if b.has("own" + f.suffix()) {
			b.rule(c, "addressed to others: decided in forward", notTo{f, "own" + f.suffix()}, accept())
		}
	}
}

// forward writes what the box passes on: nothing, or the connections that the office opens.
func (b *builder) forward() {
	c := b.chain(chain{name: "forward", hook: nftables.ChainHookForward, hookName: "forward", priority: atFilter, policy: drop(),
		why: "what is addressed through the box"})
	if b.Passage != NoPassage {
		b.pass(c)
	}
	b.refuse(c, forwarded())
}

// The ports of SIP (RFC 3261 section 19.1.2), which go through the box's proxy and not past it.
const sipPort, sipsPort = 5060, 5061

func (b *builder) pass(c *chain) {
	in, out := b.Inside.Interface, b.Outside.Interface
	for _, protocol := range []string{UDP, TCP} {
		b.refuse(c, sipAround(), toPorts{protocol, sipPort, sipsPort})
	}
	outward := b.counter("passed_out", "from the office to the networks outside")
	for _, f := range families() {
		if b.has("inside" + f.suffix()) {
			b.rule(c, "", iif(in), oif(out), addrIn{f, src, "inside" + f.suffix()}, outward, accept())
		}
	}
	b.rule(c, "", iif(out), oif(in), answered(), b.counter("passed_back", "answers to the office"), accept())
}

// masquerade gives what the office sends through the box the box's own address. Unlike the others this base chain comes and
// goes, since it has the kernel load its address translation; nothing is dropped in the moment between.
func (b *builder) masquerade() {
	if b.Passage != Masquerade {
		return
	}
	c := b.chain(chain{name: "translated", hook: nftables.ChainHookPostrouting, hookName: "postrouting", priority: atSourceNAT, policy: accept(), nat: true,
		why: "the box's own address for what the office sends through it"})
	for _, f := range families() {
		own := ofFamily(hosts(b.Outside.Addresses), f)
		if !b.has("inside"+f.suffix()) || len(own) == 0 {
			continue
		}
		match := []statement{oif(b.Outside.Interface), addrIn{f, src, "inside" + f.suffix()}}
		for _, protocol := range []isProtocol{unix.IPPROTO_TCP, unix.IPPROTO_UDP} {
			b.rule(c, "connections get ports that are not the media's", append(slices.Clone(match), protocol, masquerade{own[0].Addr(), b.translatedPorts()})...)
		}
		b.rule(c, "pings and the like", append(slices.Clone(match), masquerade{addr: own[0].Addr()})...)
	}
}

// translatedPorts are those of what is masqueraded: none of the media ports, or answers would be taken for media.
func (b *builder) translatedPorts() PortRange {
	const enough, first = 4096, 10000
	if after := int(b.Media.High) + 1; after+enough <= 1<<16 {
		return PortRange{uint16(max(after, ephemeralLow)), 1<<16 - 1}
	}
	return PortRange{first, max(b.Media.Low, first+1) - 1}
}

// sent keeps the box's own SIP over UDP and media out of connection tracking: a packet sent would open a flow, and its
// answers would then be "established" whatever the pinholes say. All that the box sends may leave.
func (b *builder) sent() {
	c := b.chain(chain{name: "sent", hook: outputHook(), hookName: "output", priority: atRaw, policy: accept(), why: "what the box sends"})
	b.rule(c, "the box itself", toItself(), accept())
	for _, match := range b.toMedia(src) {
		b.rule(c, "", match, b.counter("rtp_sent", "media that the box sent"), untrack{}, accept())
	}
	for _, match := range b.toSIP(src) {
		b.rule(c, "", match, b.counter("sip_sent", "SIP over UDP that the box sent"), untrack{}, accept())
	}
}
