package netfilter

import "github.com/google/nftables"

func inputHook() *nftables.ChainHook { return nftables.ChainHookInput }

// forward writes that the box never passes a packet on.
func (b *builder) forward() {
	c := b.chain(chain{name: "forward", hook: nftables.ChainHookForward, hookName: "forward", priority: atFilter, policy: drop()})
	b.rule(c, b.counter("forwarded", "addressed through the box, which never forwards"), drop())
}

// sent keeps the box's own SIP over UDP and media out of connection tracking: a packet sent would open a flow, and its
// answers would then be "established" whatever the pinholes say. All that the box sends may leave.
func (b *builder) sent() {
	c := b.chain(chain{name: "sent", hook: nftables.ChainHookOutput, hookName: "output", priority: atRaw, policy: accept()})
	b.rule(c, oif("lo"), accept())
	for _, match := range b.toSIP(src) {
		b.rule(c, match, b.counter("sip_sent", "SIP over UDP that the box sent"), untrack{}, accept())
	}
	for _, match := range b.toMedia(src) {
		b.rule(c, match, b.counter("rtp_sent", "media that the box sent"), untrack{}, accept())
	}
}
