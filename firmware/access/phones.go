package access

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/policy"
)

// Flows knows from where phones have registered.
type Flows interface {
	// Bound tells whether a phone whose calls come from user is registered from this source.
	Bound(transport policy.Transport, source netip.AddrPort, user string) bool
}

// SetFlows says who knows the phones. It is called once, before the first request.
func (g *Gate) SetFlows(f Flows) { g.flows = f }

// newPhones is the station that stands for all phones; false when the policy has none.
func newPhones(p policy.Phones) (station, bool) {
	return station{
		peer: policy.Peer{Side: policy.SideInside}, sources: slices.Clone(p.Sources),
		phones: &telephones{transports: slices.Clone(p.PhoneTransports), most: p.Most, prefix: p.OutsidePrefix},
	}, p.Used()
}

// telephones is what the policy says about phones.
type telephones struct {
	transports []policy.Transport
	most       int
	prefix     string // dialled for an outside line
}

// phone judges a request of a phone. Its password is its PBX's business; here counts from where it has registered:
//
//	a call to an emergency number --> Accept, from wherever phones may be
//	too much from there, or for one user? -- yes --> Refuse
//	REGISTER, OPTIONS, or within a dialog --> Accept: the PBX decides, nothing is opened, the dialog's tags decide
//	registered from there? -- no --> Refuse
//
// Both refusals are answered without state, and are no longer than the request.
func (g *Gate) phone(now time.Time, s Source, req *sip.Request, st station) Verdict {
	peer := policy.PhonePeer(s.Addr.Addr())
	refuse := func(status int, rule, reason string, args ...any) Verdict {
		return Verdict{Action: Refuse, Peer: peer, Status: status, Rule: rule, Reason: fmt.Sprintf(reason, args...)}
	}
	if !slices.Contains(st.phones.transports, s.Transport) {
		return refuse(sip.StatusForbidden, RuleWrongTransport, "%s uses %s, which phones.phone_transports does not list", peer.Name, s.Transport)
	}
	if !opens(req) && req.Method != sip.OPTIONS || g.peers.Load().emergency(req, st.phones.prefix) {
		return Verdict{Action: Accept, Peer: peer}
	}
	if !g.flood.allow(now, sender{network: networkOf(s.Addr.Addr())}, perPlace(st.phones.most)) {
		return refuse(sip.StatusServiceUnavailable, RuleTooMuch, "%s sends more requests than hundreds of phones would", peer.Name)
	}
	if req.Method == sip.REGISTER && !g.flood.allow(now, sender{networkOf(s.Addr.Addr()), registrant(req)}, perUser()) {
		return refuse(sip.StatusServiceUnavailable, RuleTooMuch, "one user at %s registers again and again", s.Addr.Addr())
	}
	if req.Method == sip.REGISTER || req.Method == sip.OPTIONS || g.flows != nil && g.flows.Bound(s.Transport, s.Addr, callerOf(req)) {
		return Verdict{Action: Accept, Peer: peer}
	}
	return refuse(sip.StatusForbidden, RuleNotRegistered, "no phone has registered from %s over %s, so that nothing but a registration is taken from there", s.Addr, s.Transport)
}

// emergency tells whether a request is a call to an emergency number.
func (p *peers) emergency(req *sip.Request, prefix string) bool {
	if req.Method != sip.INVITE || p.plan == nil {
		return false
	}
	n, err := p.plan.Read(userOf(&req.Recipient), prefix)
	return err == nil && n.Emergency()
}

// registrant is whose registration a REGISTER changes.
func registrant(req *sip.Request) string {
	if to := req.To(); to != nil {
		return "register " + userOf(&to.Address)
	}
	return "register "
}

func callerOf(req *sip.Request) string {
	if from := req.From(); from != nil {
		return userOf(&from.Address)
	}
	return ""
}
