package access

import (
	"net/netip"
	"slices"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/policy"
)

// SetBans says who is banned. It is called once, before the first request.
func (g *Gate) SetBans(b *Bans) { g.bans = b }

// banned tells whether a ban stands against a request. What belongs to a call that runs already passes: the tags of its
// dialog are what counts there.
func (g *Gate) banned(now time.Time, s Source, req *sip.Request) (Ban, bool) {
	if g.bans == nil || !opens(req) && req.Method != sip.OPTIONS {
		return Ban{}, false
	}
	return g.bans.Banned(now, s.Addr.Addr())
}

// callsForHelp tells whether somebody of the office calls an emergency number.
func (p *peers) callsForHelp(req *sip.Request, st station) bool {
	if st.peer.Side != policy.SideInside {
		return false
	}
	prefix := p.outside
	if st.phones != nil {
		prefix = st.phones.prefix
	}
	return p.emergency(req, prefix)
}

// nameAt is the peer at a source: phones have the name of their address.
func (st station) nameAt(s Source) policy.Peer {
	if st.phones != nil {
		return policy.PhonePeer(s.Addr.Addr())
	}
	return st.peer
}

// PeerIn tells whether a peer of the policy in force may be at one of these addresses, on either side.
func (g *Gate) PeerIn(p netip.Prefix) bool {
	return slices.ContainsFunc(g.peers.Load().stations, func(st station) bool {
		return slices.ContainsFunc(st.sources, p.Overlaps) || slices.ContainsFunc(st.resolved, p.Contains)
	})
}
