package main

import (
	"tollgate/firmware/access"
	"tollgate/firmware/policy"
	"tollgate/netfilter"
)

// watching is a policy that bans nobody and tells whom it would have banned, unless it does not want to know.
func watching(p *policy.Policy) *policy.Policy {
	w := *p
	if w.Bans.Mode == policy.BanModeBan {
		w.Bans.Mode = policy.BanModeWatch
	}
	return &w
}

// knocked weighs a packet that the filter has dropped. All that it drops may be forged, a TCP handshake is never completed,
// and a ban would add nothing but the loss of a host whose answers the box needs. So who knocks too often is told of.
func (b *bans) knocked(d netfilter.Drop) {
	if !d.Knock() {
		return
	}
	source := d.Source.Addr()
	deed := access.Deed{Offence: access.OffenceStranger, Side: policy.SideOutside, Source: source, Peer: b.gate.PeerIn(b.SourceOf(source))}
	if ban, much := b.knocks.Note(d.At, deed); much {
		ban.Reason += ", which the packet filter dropped"
		b.begin(ban)
	}
}
