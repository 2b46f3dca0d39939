package main

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"time"

	"tollgate/firmware/api"
	"tollgate/firmware/apply"
	"tollgate/firmware/call"
	"tollgate/firmware/media"
	"tollgate/firmware/policy"
	"tollgate/firmware/registrar"
	"tollgate/firmware/store"
	"tollgate/firmware/trunk"
)

// Overview shows everything at once.
func (b *box) Overview() api.Overview {
	p, rev, trial := b.config.Current()
	o := api.Overview{
		At: time.Now(), Started: b.started, Mode: b.mode(p, trial), Site: api.Site{Version: b.options.Version},
		Revision: revision(rev), Load: b.loads.latest(), Trunks: []api.Trunk{}, Ports: []api.Port{}, Calls: []api.Call{}, Refusals: b.refusals.latest(), Counters: b.counters(),
	}
	o.Bans, o.Banned = b.bans.shown(api.BansShown)
	o.Fraud = b.frauds.Fraud()
	o.Credentials = keyring{b.rotations}.List()
	o.Worries = b.hardware.shownWorries()
	o.Update, o.Pressed = b.lastUpdate(), b.presence.until(o.At)
	if p == nil {
		return o
	}
	o.Site.Name, o.Site.Country, o.Site.TimeZone, o.Site.Language = p.Site.Name, p.Site.Country, p.Site.TimeZone, p.Site.Language
	o.Limits.Calls = p.Limits.Calls
	o.Warnings = append(api.Warnings(p, o.At), b.unplaced(context.Background(), p)...)
	if !b.timely() {
		o.Warnings = append(o.Warnings, untimely(p)...)
	}
	o.Ports, o.Lending = b.ports(context.Background(), p), b.lent()
	o.Warnings = append(o.Warnings, unlent(o.Lending)...)
	o.PBX = shownPBX(p.PBX, b.registrar.State())
	o.Emergencies = b.emergencies.latest()
	for _, c := range b.gate.CallBacks(o.At) {
		o.CallBacks = append(o.CallBacks, api.CallBack{Number: c.Number, Until: c.Until})
	}
	if o.Phones = shownPhones(b.phones.State()); o.Phones != nil {
		if t, ok := b.trunks.Trunk(policy.PeerRemotePBX); ok {
			o.Phones.Servers = shownServers(t.State().Members)
		}
	}
	for _, c := range b.desk.Calls() {
		o.Calls = append(o.Calls, shownCall(c))
	}
	usage := b.gate.Usage()
	for _, s := range b.trunks.States() {
		if t := p.Trunk(s.Name); t != nil {
			o.Trunks = append(o.Trunks, shownTrunk(*t, s, usage.Trunks[s.Name]))
		}
	}
	return o
}

func (b *box) mode(p *policy.Policy, trial bool) string {
	switch {
	case b.desk.Draining():
		return "draining"
	case p == nil:
		return "setup"
	case trial:
		return "trial"
	}
	return "running"
}

func (b *box) counters() []api.Counter {
	list := []api.Counter{}
	counters, err := b.filter.Counters()
	if err != nil {
		b.log.Warn("counters not read", "err", err)
	}
	for _, c := range counters {
		list = append(list, api.Counter{Name: c.Name, Comment: c.Comment, Packets: c.Packets, Bytes: c.Bytes})
	}
	return list
}

// shownPBX shows where the PBX is. Whether one that does not register answers is not known.
func shownPBX(p policy.PBX, s registrar.State) api.PBX {
	if !p.Used() {
		return api.PBX{}
	}
	shown := api.PBX{Address: p.Address.String(), Transport: string(p.Transport), SRTP: string(p.SRTP)}
	if !p.ReachedBy.Registers() {
		return shown
	}
	shown.Reachable, shown.Reason, shown.Expires = &s.Reachable, s.Reason, moment(s.Expires)
	shown.Address = s.Source.String()
	if !s.Registered {
		shown.Address = places(p.Sources)
	}
	return shown
}

// places lists where a peer may be, one host as its address alone.
func places(sources []netip.Prefix) string {
	var list []string
	for _, p := range sources {
		if p.IsSingleIP() {
			list = append(list, p.Addr().String())
		} else {
			list = append(list, p.String())
		}
	}
	return strings.Join(list, ", ")
}

func shownCall(c call.Snapshot) api.Call {
	shown := api.Call{
		ID: c.ID, Direction: direction(c.Caller.Side, c.Callee.Side), From: c.From, To: c.To, Trunk: c.Trunk, State: string(c.State), Started: c.Started,
		Signature: shownSignature(c.Signature), Rule: c.Admitted.Rule, Steps: shownSteps(c.Admitted.Steps),
		Answered: moment(c.Answered), Emergency: c.Emergency, Legs: api.Legs{Caller: shownLeg(c.Caller), Callee: shownLeg(c.Callee)}, Diagnosis: shownDiagnosis(c.Diagnosis),
	}
	shown.Legs.Caller.Quality, shown.Legs.Callee.Quality = shownQuality(c, media.Caller), shownQuality(c, media.Callee)
	return shown
}

// EndedCalls shows the latest calls that are over.
func (b *box) EndedCalls() []api.EndedCall { return b.ended.latest() }

// altered tells whether something on the way to a trunk changes SIP messages.
func (b *box) altered(trunk string) bool {
	t, ok := b.trunks.Trunk(trunk)
	return ok && t.State().Place.Altered != ""
}

// direction names the way of a call across the border, or along it.
func direction(caller, callee policy.Side) string {
	switch {
	case caller == callee && caller == policy.SideInside:
		return "within"
	case caller == callee:
		return "through"
	case caller == policy.SideInside:
		return "out"
	}
	return "in"
}

func shownLeg(l call.LegSnapshot) api.Leg {
	shown := api.Leg{
		Peer: l.Peer, Side: string(l.Side), Encrypted: l.Encrypted(), Suite: string(l.Suite),
		PacketsIn: l.Media.PacketsIn, PacketsOut: l.Media.PacketsOut, AuthFailures: l.Media.AuthFailures, Strangers: l.Media.Strangers,
	}
	switch {
	case l.Encrypted() && l.Media.Handshakes:
		shown.Keying = string(policy.KeyingDTLS)
	case l.Encrypted():
		shown.Keying = string(policy.KeyingSDES)
	case l.Media.ZRTP:
		shown.Keying = "zrtp"
	}
	return shown
}

func shownTrunk(t policy.Trunk, s trunk.State, calls int) api.Trunk {
	shown := api.Trunk{
		Name: t.Name, Domain: t.Domain, Profile: string(t.Profile), Transport: string(t.Transport), SRTP: string(t.SRTP), State: string(s.State), Reason: s.Reason,
		Since: moment(s.Since), Expires: moment(s.Expires), TLSVersion: s.TLS, Accounts: []api.TrunkAccount{}, Calls: calls, Cap: t.Caps.Calls,
	}
	shown.Altered, shown.Servers = s.Place.Altered, shownServers(s.Members)
	if s.Place.Seen.IsValid() {
		shown.SeenAt, shown.SeenBy, shown.SeenSince = s.Place.Seen.String(), s.Place.By, moment(s.Place.Since)
	}
	for i, a := range t.Accounts {
		account := api.TrunkAccount{User: a.User, Numbers: a.Numbers, State: string(trunk.Static)}
		if i < len(s.Accounts) {
			account.State, account.Reason, account.Expires = string(s.Accounts[i].State), s.Accounts[i].Reason, moment(s.Accounts[i].Expires)
		}
		shown.Accounts = append(shown.Accounts, account)
	}
	return shown
}

// shownServers shows the servers of a peer. Only one that has answered is called up.
func shownServers(members []trunk.MemberState) []api.PeerServer {
	list := []api.PeerServer{}
	for _, m := range members {
		server := api.PeerServer{
			Host: m.Host, Address: m.Addr.String(), State: "unknown", Reason: m.Reason, AvoidedUntil: moment(m.Avoided),
			RoundTrip: float64(m.RoundTrip.Microseconds()) / 1000, Registered: m.Registered,
		}
		switch {
		case m.Down:
			server.State = "down"
		case !m.Avoided.IsZero():
			server.State = "avoided"
		case m.RoundTrip > 0:
			server.State = "up"
		}
		list = append(list, server)
	}
	return list
}

func revision(r store.Revision) api.Revision {
	shown := api.Revision{Number: r.Number, Who: r.Who, Why: r.Why, At: r.At, State: string(r.State), Deadline: moment(r.Deadline)}
	if r.Number == 0 {
		shown.State = "none"
	}
	return shown
}

// moment is nil for the zero time, so that JSON leaves it out.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// Import puts a document into force.
func (b *box) Import(ctx context.Context, doc []byte, who, why string) (api.ImportResult, error) {
	if err := b.mayOpen(doc, time.Now()); err != nil {
		return api.ImportResult{}, err
	}
	r, err := b.config.Import(ctx, doc, who, why)
	if err != nil {
		return api.ImportResult{}, inWords(err)
	}
	result := api.ImportResult{Revision: revision(r.Revision), Changes: []api.Change{}}
	for _, c := range r.Changes {
		result.Changes = append(result.Changes, api.Change{Path: c.Path, Old: c.Old, New: c.New})
	}
	if p, _, _ := b.config.Current(); p != nil {
		result.Warnings = api.Warnings(p, time.Now())
	}
	return result, nil
}

// Confirm keeps the revision on trial.
func (b *box) Confirm(_ context.Context, who string) (api.Revision, error) {
	r, err := b.config.Confirm(who)
	return revision(r), inWords(err)
}

// Export writes the confirmed policy with its secrets masked.
func (b *box) Export(context.Context) ([]byte, error) {
	rev, ok, err := b.store.Confirmed()
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, &api.Conflict{Detail: "There is no policy yet.", Remedy: "Import one first: the box is in set-up mode."}
	}
	p, err := policy.ParseKept(rev.Policy)
	if err != nil {
		return nil, err
	}
	return p.Redacted()
}

// inWords explains what stands against a change.
func inWords(err error) error {
	switch {
	case errors.Is(err, apply.ErrOnTrial):
		return &api.Conflict{Detail: "Another policy is on trial.", Remedy: "Confirm it or wait until it is taken back."}
	case errors.Is(err, apply.ErrNoTrial):
		return &api.Conflict{Detail: "No policy is on trial.", Remedy: "There is nothing to confirm: the policy in force is confirmed."}
	case errors.Is(err, apply.ErrStopped):
		return &api.Conflict{Detail: "The box is stopping.", Remedy: "Try again when it runs."}
	}
	return err
}
