package access

import (
	"fmt"
	"io"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/policy"
)

// Gate knows the peers of the policy in force. It is safe for concurrent use.
type Gate struct {
	peers  atomic.Pointer[peers]
	nonces *nonces
	flows  Flows // nil: no phone is registered
	bans   *Bans // nil: nobody is banned
	flood  flood

	proved func(now time.Time, s Source, which int) // nil: nobody wants to know

	mu      sync.Mutex            // held by whoever replaces peers; guards everything below
	policy  func() *policy.Policy // behind functions no printing verb reaches the secrets
	besides func() []policy.Secret
}

// New makes the gate of p. random gives the nonces their secret; it is read whenever one is made.
func New(p *policy.Policy, random io.Reader) *Gate {
	g := &Gate{nonces: &nonces{random: random}, policy: func() *policy.Policy { return p }, besides: func() []policy.Secret { return nil }}
	g.peers.Store(newPeers(p, nil))
	return g
}

// Set puts the peers of p into force. Trunks that stay keep their resolved addresses. Setting the same policy twice
// changes nothing.
func (g *Gate) Set(p *policy.Policy) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.policy = func() *policy.Policy { return p }
	g.renew()
}

// renew makes the peers anew; g.mu is held.
func (g *Gate) renew() {
	next := newPeers(g.policy(), g.besides())
	for _, st := range g.peers.Load().stations {
		if len(st.resolved) > 0 {
			next = next.withResolved(st.peer.Name, st.resolved)
		}
	}
	g.peers.Store(next)
}

// SetResolved replaces the addresses that a trunk's registrar and outbound proxy resolve to. A trunk that the policy in
// force does not have is passed over.
func (g *Gate) SetResolved(trunk string, addrs []netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.peers.Store(g.peers.Load().withResolved(trunk, addrs))
}

// Accept has the gate take further secrets of the PBX's user besides that of the policy, while one replaces the other.
func (g *Gate) Accept(besides ...policy.Secret) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.besides = func() []policy.Secret { return besides }
	g.renew()
}

// SetProved says who is told of each proof of the PBX: 0 for the policy's secret, then those of Accept. It is called once,
// before the first request.
func (g *Gate) SetProved(f func(now time.Time, s Source, which int)) { g.proved = f }

// Known tells whether the source is a configured peer's on this side. It is cheap enough to be asked before parsing.
func (g *Gate) Known(s Source) bool {
	var room few
	return len(g.peers.Load().at(s, &room)) > 0
}

// Peers lists the peers that may be at a source, in the policy's order.
func (g *Gate) Peers(s Source) []policy.Peer {
	var list []policy.Peer
	var room few
	for _, st := range g.peers.Load().at(s, &room) {
		list = append(list, st.peer)
	}
	return list
}

// Belongs tells whether the source is one of this very peer's, as requests within its dialogs must be.
func (g *Gate) Belongs(s Source, peer policy.Peer) bool {
	var room few
	for _, st := range g.peers.Load().at(s, &room) {
		if st.phones != nil && policy.PhonePeer(s.Addr.Addr()) == peer {
			return slices.Contains(st.phones.transports, s.Transport)
		}
		if st.peer == peer {
			return st.secure(s.Transport)
		}
	}
	return false
}

// Identify says who sent req and what to do with it. req is not changed.
func (g *Gate) Identify(now time.Time, s Source, req *sip.Request) Verdict {
	p := g.peers.Load()
	var room few
	stations := p.at(s, &room)
	if len(stations) == 0 {
		return Verdict{Action: Drop, Rule: RuleUnknownSource,
			Reason: fmt.Sprintf("%s is no configured peer's address on the %s side", s.Addr.Addr(), s.Side)}
	}
	st := *p.choose(stations, req)
	ban, banned := g.banned(now, s, req)
	switch {
	case !banned:
		return g.judge(now, s, req, p, st)
	case !p.callsForHelp(req, st):
		return Verdict{Action: Drop, Peer: st.nameAt(s), Rule: RuleBanned, Reason: fmt.Sprintf("%s is banned: %s", s.Addr.Addr(), ban.Reason)}
	}
	v := g.judge(now, s, req, p, st)
	if v.Action == Accept && v.Rule == "" {
		v.Rule, v.Reason = RuleBanned, fmt.Sprintf("an emergency call passed, although %s is banned: %s", s.Addr.Addr(), ban.Reason)
	}
	return v
}

// judge is Identify for one of a peer that is not banned, or calls for help.
func (g *Gate) judge(now time.Time, s Source, req *sip.Request, p *peers, st station) Verdict {
	if st.phones != nil {
		return g.phone(now, s, req, st)
	}
	if !st.secure(s.Transport) {
		return insecure(st, s)
	}
	if req.Method == sip.REGISTER && !st.registers {
		return noRegistrar(st)
	}
	if st.peer.Side == policy.SideInside && p.account != nil && opens(req) {
		v := g.digest(now, s, req, st.peer, *p.account)
		if v.Action == Accept || !p.seeksHelp(req) {
			return v
		}
		return unproven(v)
	}
	return Verdict{Action: Accept, Peer: st.peer}
}

// unproven lets an emergency call pass without the proof that v asks for. Only what was wrong with a proof is news.
func unproven(v Verdict) Verdict {
	out := Verdict{Action: Accept, Peer: v.Peer}
	if v.Rule != RuleNoCredentials && v.Rule != RuleStaleNonce {
		out.Rule, out.Reason = v.Rule, "an emergency call passed, although "+v.Reason
	}
	return out
}

// insecure turns away what comes in the clear from a peer that must use TLS. The answer inside helps whoever sets the PBX
// up; outside it would go to anybody whose address was forged.
func insecure(st station, s Source) Verdict {
	v := Verdict{Action: Drop, Peer: st.peer, Rule: RuleWrongTransport,
		Reason: fmt.Sprintf("%s must use TLS, this came over %s", st.peer.Name, s.Transport)}
	if st.peer.Side == policy.SideInside {
		v.Action, v.Status = Refuse, sip.StatusForbidden
	}
	return v
}

// noRegistrar turns away the registration of a peer that is not reached by one.
func noRegistrar(st station) Verdict {
	v := Verdict{Action: Refuse, Peer: st.peer, Status: sip.StatusMethodNotAllowed, Rule: RuleNoRegistrar,
		Reason: fmt.Sprintf("trunk %s tried to register with Tollgate; it is Tollgate that registers with carriers", st.peer.Name)}
	if st.peer.Side == policy.SideInside {
		v.Reason = "the PBX tried to register with Tollgate, but the policy reaches it by its address: set up a trunk without registration there, or write pbx.reached_by: registration"
	}
	return v
}

// opens tells whether a request can open something and therefore needs credentials; the package comment gives the reasons.
func opens(req *sip.Request) bool {
	switch req.Method {
	case sip.ACK, sip.CANCEL, sip.OPTIONS:
		return false
	case sip.REGISTER:
		return true // whatever its To says: it is never within a dialog
	}
	if to := req.To(); to != nil {
		if tag, ok := to.Params.Get("tag"); ok && tag != "" {
			return false
		}
	}
	return true
}
