package main

import (
	"net/netip"
	"time"

	"tollgate/firmware/api"
	"tollgate/firmware/apply"
	"tollgate/firmware/call"
	"tollgate/firmware/phones"
	"tollgate/firmware/policy"
	"tollgate/firmware/ua"
)

// RemotePBX is the way to the phones' PBX by the policy in force.
func (p *parties) RemotePBX() (phones.PBX, bool) {
	t, ok := p.trunks.Trunk(policy.PeerRemotePBX)
	if !ok {
		return phones.PBX{}, false
	}
	pbx := phones.PBX{Local: t.Self()}
	for _, m := range t.Members() {
		pbx.Servers = append(pbx.Servers, m)
	}
	if len(pbx.Servers) == 0 { // its name is looked up when it is needed
		pbx.Servers = []phones.Server{unresolved{t.Path()}}
	}
	return pbx, true
}

// unresolved is the PBX before any of its servers is known.
type unresolved struct{ ua.Path }

func (unresolved) Avoid(string, time.Duration) {}

// telephones shows the phones to the calls.
type telephones struct {
	phones  *phones.Phones
	parties *parties
}

// From returns the phone that a request has come from.
func (t telephones) From(transport policy.Transport, source netip.AddrPort, user string) (call.Phone, bool) {
	line, known := t.phones.From(transport, source, user)
	if !known {
		line = phones.Line{Peer: policy.PhonePeer(source.Addr()), Transport: transport, MediaAt: source.Addr()}
	}
	return t.phone(line), known
}

// At returns the phone that its PBX knows under a token.
func (t telephones) At(token string) (call.Phone, bool) {
	line, known := t.phones.At(token)
	return t.phone(line), known
}

// Of returns the phones of a user.
func (t telephones) Of(user string) (list []call.Phone) {
	for _, line := range t.phones.Of(user) {
		list = append(list, t.phone(line))
	}
	return list
}

// PBXStanding tells how the phones' PBX stands.
func (t telephones) PBXStanding() call.PhonesPBX { return t.phones }

func (t telephones) phone(l phones.Line) call.Phone {
	now := t.parties.policy.Load()
	if now == nil {
		return call.Phone{}
	}
	p := call.Phone{Token: l.Token, User: l.User, Route: l.Route, Party: call.Party{
		Peer: l.Peer, Path: l.Path, Local: apply.Local(now, policy.SideInside, l.Transport), Domain: now.Phones.Domain, Target: l.Contact,
		Away: l.Away, SRTP: policy.SRTPOff, Codecs: now.Phones.Codecs, MediaAt: l.MediaAt, Latching: now.Phones.MediaLatching, Verbatim: true,
	}}
	if l.Transport == policy.TLSTransport && now.Phones.PhoneSRTP != policy.SRTPOff {
		p.SRTP, p.Keying, p.Suites = now.Phones.PhoneSRTP, now.Phones.PhoneKeying, now.Phones.PhoneSuites
	}
	return p
}

// shownPhones shows the phones and how their PBX stands; nil when the policy has none.
func shownPhones(s phones.State) *api.Phones {
	if !s.Used {
		return nil
	}
	shown := &api.Phones{PBX: s.PBX, Reachable: s.Away == "", Since: moment(s.Since), Survival: string(s.Survival), Most: s.Most, Servers: []api.PeerServer{}, Registered: []api.Phone{}}
	if s.Away != "" {
		shown.Reason = s.Away + ". " + map[policy.Survival]string{
			policy.SurvivalOff:    "Only emergency calls pass meanwhile.",
			policy.SurvivalPhones: "Phones that were registered call one another meanwhile, and emergency numbers.",
			policy.SurvivalRoutes: "Phones that were registered call one another meanwhile, and others by the routes.",
		}[s.Survival]
	}
	for _, r := range s.Registers {
		shown.Registered = append(shown.Registered, api.Phone{
			User: r.User, Instance: r.Instance, Transport: string(r.Transport), Source: r.Source.String(), BehindNAT: r.BehindNAT,
			Since: r.Since, Expires: r.Expires, Verified: r.Verified, Weak: r.Weak,
		})
	}
	return shown
}

// phoneRules are what a policy says about calls of phones.
func phoneRules(p *policy.Policy) call.PhoneRules {
	ph := p.Phones
	return call.PhoneRules{Used: ph.Used(), OutsidePrefix: ph.OutsidePrefix, Survival: ph.Survival, Inbound: ph.Inbound}
}
