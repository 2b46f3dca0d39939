package main

import (
	"context"
	"crypto/rand"
	"net/netip"
	"time"

	"tollgate/firmware/apply"
	"tollgate/firmware/call"
	"tollgate/firmware/edge"
	"tollgate/firmware/event"
	"tollgate/firmware/notice"
	"tollgate/firmware/phones"
	"tollgate/firmware/policy"
	"tollgate/firmware/registrar"
	"tollgate/firmware/resolve"
	"tollgate/firmware/trunk"
	"tollgate/firmware/ua"
)

// openTalkers makes those who hold the conversations, and has them know one another.
func (b *box) openTalkers(context.Context) (err error) {
	b.core = ua.New(b.take, b.log)
	b.core.RunBy((&crew{}).run)
	b.edge = edge.New(edge.Options{Access: b.access, Conduct: b.bans, Handler: receive(b.core), Sink: b.facts, Log: b.log})
	bindings := registrar.Options{Core: b.core, Dialer: dialer{b.edge}, Sink: b.facts, Log: b.log, Kept: b.keptBinding()}
	if b.live != nil {
		bindings.Records = b.live
	}
	b.registrar = registrar.New(bindings)
	b.sources.filter, b.sources.access, b.sources.bans = b.filter, b.access, b.bans
	b.resolver = resolve.New(resolve.Options{Log: b.log})
	b.trunks = trunk.New(trunk.Options{
		Core: b.core, Dialer: dialer{b.edge}, Resolver: b.resolver, Clients: b.authority, Addresses: b.sources,
		Plausible: func(a netip.Addr) error { return b.parties.plausible(a) },
		Moved:     func(trunk string) { b.desk.Moved(trunk); b.notices.Moved(trunk) },
		Quiet:     func(trunk string, least time.Duration) bool { return b.desk.Quiet(trunk, least) },
		Mapped: func(ctx context.Context, server netip.AddrPort) (netip.AddrPort, error) {
			return b.edge.Mapped(ctx, policy.SideOutside, server)
		},
		Sink: b.facts, Log: b.log,
	})
	b.parties = &parties{trunks: b.trunks, registrar: b.registrar, dialer: dialer{b.edge}, authority: b.authority}
	if b.phones, err = phones.New(phones.Options{
		Core: b.core, Dialer: dialer{b.edge}, Upstream: b.parties, Records: b.store, Conduct: b.bans, Sink: b.facts, Log: b.log,
	}); err != nil {
		return err
	}
	b.access.SetFlows(b.phones)
	b.rotations = &rotations{gate: b.access, prober: b.trunks, refused: b.refusedPassword, rotated: b.registrar.Rotated, store: b.store, random: rand.Reader, sink: b.facts, log: b.log}
	if err := b.rotations.load(); err != nil {
		return err
	}
	b.access.SetProved(b.rotations.proved)
	calls := call.Options{
		Parties: b.parties, Phones: telephones{b.phones, b.parties}, Told: told{b}, Relay: b.relay, Gate: b.callBacks,
		Sessions: b.relay, Core: b.core, Sink: b.facts, Log: b.log, Ended: b.noteEnded, Altered: b.altered,
		Certificates: b.openCertificates(), Timely: b.timely,
	}
	if b.live != nil {
		calls.Records = b.live
	}
	b.desk = call.NewDesk(calls)
	people := noticed{b.parties, telephones{b.phones, b.parties}}
	b.notices = notice.New(notice.Options{Core: b.core, Parties: people, Phones: people, Gate: b.gate, Calls: b.desk, Sink: b.facts, Log: b.log})
	b.config = apply.New(b.parts(), b.store, b.facts, b.log)
	b.config.Kept = b.read.parse
	b.rotations.config = b.config
	return nil
}

// noteEnded keeps what is known of a call that is over.
func (b *box) noteEnded(c call.Snapshot, e event.CallEnded) {
	b.ended.note(c, e)
	b.past.note(c, e)
}
