package main

import (
	"context"
	"net/netip"
	"sync/atomic"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/apply"
	"tollgate/firmware/call"
	"tollgate/firmware/certs"
	"tollgate/firmware/edge"
	"tollgate/firmware/media"
	"tollgate/firmware/policy"
	"tollgate/firmware/registrar"
	"tollgate/firmware/trunk"
	"tollgate/firmware/ua"
	"tollgate/netfilter"
)

// parties shows the peers in force to the calls.
type parties struct {
	trunks    *trunk.Trunks
	registrar *registrar.Registrar
	dialer    dialer
	authority *certs.Authority
	policy    atomic.Pointer[policy.Policy]
	signing   atomic.Pointer[map[string]*call.Stir]
}

// plausible says why a carrier cannot be at an address, by the policy in force.
func (p *parties) plausible(a netip.Addr) error {
	if now := p.policy.Load(); now != nil {
		return apply.Carrier(now, a)
	}
	return nil
}

// set puts a policy into force, with how its trunks' calls are signed and judged.
func (p *parties) set(next *policy.Policy, signing map[string]*call.Stir) {
	p.policy.Store(next)
	p.signing.Store(&signing)
}

// stirOf is how the calls of a trunk are signed and judged; nil: they are not.
func (p *parties) stirOf(trunk string) *call.Stir {
	if by := p.signing.Load(); by != nil {
		return (*by)[trunk]
	}
	return nil
}

// PBX returns the office's telephone system.
func (p *parties) PBX() (call.Party, bool) {
	now := p.policy.Load()
	if now == nil || !now.PBX.Used() {
		return call.Party{}, false
	}
	pbx := &now.PBX
	party := call.Party{
		Peer:   policy.Peer{Side: policy.SideInside, Name: policy.PeerPBX},
		Path:   pbxPath{p, pbx},
		Local:  apply.Local(now, policy.SideInside, pbx.Transport),
		Domain: pbx.Address.String(),
		SRTP:   pbx.SRTP, Keying: pbx.Keying, Suites: pbx.Suites, OffersICE: pbx.OfferICE, Codecs: pbx.Codecs, Ptime: pbx.Ptime, DTMF: pbx.DTMF, ClearFax: pbx.ClearT38, Format: pbx.NumberFormat, Latching: pbx.MediaLatching, Headers: pbx.Headers, Trusted: pbx.Trusted,
	}
	if pbx.ReachedBy.Registers() {
		registered(&party, p.registrar.State(), now)
	}
	return party, true
}

// registered fills in where a PBX that registers is now, or why it is nowhere.
func registered(party *call.Party, s registrar.State, now *policy.Policy) {
	party.Path, party.Away = s.Path(), s.Reason
	party.Domain = party.Local.URIHost()
	if s.Registered {
		party.Local = apply.Local(now, policy.SideInside, s.Transport)
		party.Domain, party.Params = s.Host(), s.Params()
	}
	if s.Registered && s.BehindNAT() {
		party.MediaAt = s.Source.Addr()
	}
	if s.Registered && now.PBX.ReachedBy == policy.ReachContact {
		party.Target = s.Contact.String()
	}
}

// Trunk returns a carrier.
func (p *parties) Trunk(name string) (call.Party, bool) {
	t, ok := p.trunks.Trunk(name)
	if !ok {
		return call.Party{}, false
	}
	return call.Party{
		Peer: t.Peer(), Path: t.Path(), Members: members(t), Down: t.Down(), Local: t.Self(), Media: t.Media(), Domain: t.Policy.Domain, Home: t.Home(),
		Hold: t.Policy.Hold, Timer: t.Policy.SessionTimer,
		SRTP: t.Policy.SRTP, Keying: t.Policy.Keying, Suites: t.Policy.Suites, OffersICE: t.Policy.OfferICE, Codecs: t.Policy.Codecs, Ptime: t.Policy.Ptime, DTMF: t.Policy.DTMF, ClearFax: t.Policy.ClearT38, Format: t.Policy.NumberFormat,
		MediaSources: t.Policy.MediaSources, Latching: t.Policy.MediaLatching, Credentials: t.Credentials, Verbatim: name == policy.PeerRemotePBX,
		Headers: t.Policy.Headers, Trusted: t.Policy.Trusted, Unowned: t.Policy.UnownedNumbers, ClipNoScreening: t.Policy.ClipNoScreening,
		Stir: p.stirOf(name),
	}, true
}

// Down tells whether a trunk is not expected to take calls.
func (p *parties) Down(trunk string) bool {
	t, ok := p.trunks.Trunk(trunk)
	return ok && t.Down()
}

// members are the servers of a trunk as a call tries them.
func members(t *trunk.Trunk) []call.Member {
	var list []call.Member
	for _, m := range t.Members() {
		list = append(list, m)
	}
	return list
}

// pbxPath leads to the PBX; its certificate is looked for only when a connection is made.
type pbxPath struct {
	parties *parties
	pbx     *policy.PBX
}

func (p pbxPath) Conn(ctx context.Context) (sip.Connection, error) {
	t := ua.Target{Owner: policy.PeerPBX, Side: policy.SideInside, Transport: p.pbx.Transport, Addr: p.pbx.Address}
	if p.pbx.Transport == policy.TLSTransport {
		conf, err := p.parties.authority.Client(p.pbx.TLS, p.pbx.Address.Addr().String())
		if err != nil {
			return nil, err
		}
		t.TLS = conf
	}
	return p.parties.dialer.Dial(ctx, t)
}

// dialer lets the talkers use the edge's connections.
type dialer struct{ edge *edge.Edge }

func (d dialer) Dial(ctx context.Context, t ua.Target) (sip.Connection, error) {
	c, err := d.edge.Dial(ctx, edge.Target{Owner: t.Owner, Side: t.Side, Transport: t.Transport, Addr: t.Addr, TLS: t.TLS})
	if err != nil {
		return nil, err // not c: a nil *edge.Conn in the interface would not be nil
	}
	return c, nil
}

// receive hands messages from the edge to the user agent.
func receive(core *ua.Core) edge.Handler {
	return func(m sip.Message, c *edge.Conn, peer policy.Peer) { core.Receive(m, c, peer) }
}

// take hands requests outside any dialog to who answers them.
func (b *box) take(in *ua.Incoming) {
	switch {
	case in.Method == sip.REGISTER && in.Peer.Phone():
		b.phones.Handle(in)
	case in.Method == sip.REGISTER:
		b.registrar.Handle(in)
	case in.Method == sip.SUBSCRIBE, in.Method == sip.NOTIFY, in.Method == sip.MESSAGE:
		b.notices.Handle(in)
	default:
		b.desk.Handle(in)
	}
}

// pinholes lets the relay open and shut the filter.
type pinholes struct{ *shutting }

func (p pinholes) OpenPinholes(holes []media.Hole) error {
	return p.filter.OpenPinholes(filterHoles(holes)...)
}

func (p pinholes) ShutPinholes(holes []media.Hole) error {
	return p.filter.ShutPinholes(filterHoles(holes)...)
}

func filterHoles(holes []media.Hole) []netfilter.Pinhole {
	list := make([]netfilter.Pinhole, len(holes))
	for i, h := range holes {
		list[i] = netfilter.Pinhole{Side: netfilter.Side(h.Side), Local: h.Local, Sources: h.From}
	}
	return list
}
