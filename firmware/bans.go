package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"tollgate/firmware/access"
	"tollgate/firmware/event"
	"tollgate/firmware/policy"
	"tollgate/firmware/store"
	"tollgate/netfilter"
)

// The record that holds the bans, and how soon it is written.
const (
	bansKind = "access"
	bansKey  = "bans"
	bansSave = 2 * time.Second
)

// shutter keeps packets of a source away before they reach the program.
type shutter interface {
	Ban(list ...netfilter.Ban) error
	Unban(sources ...netip.Prefix) error
	Bans() []netfilter.Ban
}

// bans does what access has judged: it tells of bans, keeps them over a restart, and has the packet filter drop who is no
// peer. What a peer sends is judged in access alone: an emergency call, and answers to the box's own calls, must pass.
type bans struct {
	access.Bans
	gate   *access.Gate
	filter shutter
	store  *store.Store
	sink   event.Sink
	log    *slog.Logger
	knocks access.Bans // who would be banned for what the packet filter drops, which only tells: see knocked

	writing sync.Mutex // held while the record is written

	mu     sync.Mutex  // guards everything below
	saving *time.Timer // nil: nothing has changed
	ending *time.Timer // when the next ban ends; nil: none does
	closed bool
}

// newBans takes up what an earlier run has kept. A record that cannot be read is told and left aside.
func newBans(g *access.Gate, f shutter, s *store.Store, sink event.Sink, log *slog.Logger) (*bans, error) {
	b := &bans{gate: g, filter: f, store: s, sink: sink, log: log}
	value, found, err := s.Get(bansKind, bansKey)
	if err != nil {
		return nil, fmt.Errorf("read who is banned: %w", err)
	}
	if found {
		var kept access.Kept
		if err := json.Unmarshal(value, &kept); err != nil {
			log.Error("who is banned cannot be read", "err", err)
		} else {
			b.Restore(time.Now(), kept)
		}
	}
	g.SetBans(&b.Bans)
	b.schedule()
	return b, nil
}

// set puts a policy into force, after the gate and the filter.
func (b *bans) set(p *policy.Policy) {
	b.Bans.Set(p)
	b.knocks.Set(watching(p))
	b.review()
	b.align()
}

// align has the filter drop who is banned and no peer, and nobody else.
func (b *bans) align() {
	list := b.List()
	listed := map[netip.Prefix]bool{}
	for _, ban := range list {
		listed[ban.Source] = !b.gate.PeerIn(ban.Source)
	}
	var over []netip.Prefix
	for _, held := range b.filter.Bans() {
		if !listed[held.Source] {
			over = append(over, held.Source)
		}
	}
	if err := b.filter.Unban(over...); err != nil {
		b.log.Error("the packet filter drops sources that are not banned", "err", err)
	}
	b.shut(list...)
}

// review lifts what must not be banned any more, as when a source has become a peer.
func (b *bans) review() {
	for _, ban := range b.Review(b.gate.PeerIn) {
		b.lifted(ban, "", "the policy in force bans no such source")
	}
}

// Misbehaved weighs a deed and acts on it.
func (b *bans) Misbehaved(now time.Time, d access.Deed) {
	if ban, banned := b.Note(now, d); banned {
		b.begin(ban)
	}
}

// byHand bans a source on an administrator's word.
func (b *bans) byHand(source netip.Prefix, reason, who string, d time.Duration) (access.Ban, error) {
	ban, err := access.ByHand(time.Now(), source, reason, who, d)
	if err != nil {
		return ban, err
	}
	b.Put(ban)
	b.begin(ban)
	return ban, nil
}

// lift ends a ban on an administrator's word; false: there is none.
func (b *bans) lift(source netip.Prefix, who string) (access.Ban, bool) {
	ban, found := b.Lift(source)
	if found {
		b.lifted(ban, who, "lifted by hand")
	}
	return ban, found
}

func (b *bans) begin(ban access.Ban) {
	what := "source banned"
	if ban.Watched {
		what = "source misbehaves"
	}
	b.log.Warn(what, "source", ban.Source, "until", ban.Until, "times", ban.Times, "who", ban.Who, "watched", ban.Watched, "reason", ban.Reason)
	b.sink.Tell(event.SourceBanned{
		At: ban.Since, Source: ban.Source, Rule: string(ban.Rule), Reason: ban.Reason, Until: ban.Until, Times: ban.Times, Who: ban.Who, Watched: ban.Watched,
	})
	if ban.Watched {
		return
	}
	b.shut(ban)
	b.changed()
	b.schedule()
}

// shut has the filter drop sources that are no peer's.
func (b *bans) shut(list ...access.Ban) {
	var strangers []netfilter.Ban
	for _, ban := range list {
		if !b.gate.PeerIn(ban.Source) {
			strangers = append(strangers, netfilter.Ban{Source: ban.Source, Until: ban.Until})
		}
	}
	if len(strangers) == 0 {
		return
	}
	if err := b.filter.Ban(strangers...); err != nil {
		b.log.Error("the packet filter does not drop who is banned", "sources", len(strangers), "err", err)
	}
}

func (b *bans) lifted(ban access.Ban, who, reason string) {
	if err := b.filter.Unban(ban.Source); err != nil {
		b.log.Error("the packet filter still drops a source that is not banned any more", "source", ban.Source, "err", err)
	}
	b.log.Info("ban ended", "source", ban.Source, "who", who, "reason", reason)
	b.sink.Tell(event.SourceLifted{At: time.Now(), Source: ban.Source, Who: who, Reason: reason})
	b.changed()
}

// schedule wakes when the next ban ends.
func (b *bans) schedule() {
	next := b.Next()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ending != nil {
		b.ending.Stop()
		b.ending = nil
	}
	if !next.IsZero() && !b.closed {
		b.ending = time.AfterFunc(max(time.Until(next), time.Second), b.expire)
	}
}

func (b *bans) expire() {
	for _, ban := range b.Expire(time.Now()) {
		b.lifted(ban, "", "its time has run out")
	}
	b.schedule()
}

// changed has the bans written soon.
func (b *bans) changed() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.saving == nil && !b.closed {
		b.saving = time.AfterFunc(bansSave, b.save)
	}
}

// save writes the bans, if they have changed since.
func (b *bans) save() {
	b.writing.Lock()
	defer b.writing.Unlock()
	b.mu.Lock()
	changed := b.saving
	b.saving = nil
	b.mu.Unlock()
	if changed == nil {
		return
	}
	changed.Stop()
	value, err := json.Marshal(b.Kept(time.Now()))
	if err == nil {
		err = b.store.Put(bansKind, bansKey, value)
	}
	if err != nil {
		b.log.Error("who is banned is not kept over a restart", "err", err)
	}
}

// close keeps the bans and ends what runs.
func (b *bans) close() {
	b.save()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	for _, t := range []*time.Timer{b.saving, b.ending} {
		if t != nil {
			t.Stop()
		}
	}
}
