package main

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"

	"tollgate/board"
	"tollgate/board/update"
	"tollgate/firmware/api"
	"tollgate/firmware/bundle"
	"tollgate/firmware/delivery"
	"tollgate/firmware/envelope"
)

// openDeliveries makes the one who takes what is brought, whatever way it comes.
func (b *box) openDeliveries(context.Context) error {
	o := delivery.Options{Box: delivered{b}, Lists: b.lists(), Key: b.key, Memory: bundles{b.store}, Serial: board.Read("/").Serial, Names: portAddresses()}
	if b.systems != nil {
		o.Machine = b.systems
	}
	b.taker = delivery.New(o)
	return nil
}

// portAddresses are the MAC addresses of the ports that are there, with hyphens: what a box goes by whose serial number nobody knows.
func portAddresses() (list []string) {
	ports, err := net.Interfaces()
	if err != nil {
		return nil // its serial number is enough
	}
	for _, p := range ports {
		if len(p.HardwareAddr) == 6 {
			list = append(list, strings.ReplaceAll(p.HardwareAddr.String(), ":", "-"))
		}
	}
	return list
}

// forgetOlder removes what the system before would need: there is no way back to it any more.
func (b *box) forgetOlder() {
	if err := b.store.ForgetCopies(); err != nil {
		b.log.Error("the state before the update is still there", "err", err)
	}
}

// makers are who may sign systems.
func (b *box) makers() []bundle.Key {
	if b.systems == nil {
		return nil
	}
	return b.systems.makers
}

// systemView is what the page shows of the systems, and how it brings one.
type systemView struct{ *box }

// System says what runs, and what the next start takes.
func (v systemView) System() api.System {
	s := v.systems
	if s == nil {
		return api.System{Release: v.options.Version, Pull: shownPull(v.puller.State())}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.installer.Running
	shown := api.System{Board: r.Board, Release: r.Release, Slot: string(r.Slot), Trial: s.trial, Stage: s.stage}
	if r.Slot != "" && r.Slot != update.None {
		shown.Other = s.known.Slots[r.Slot.Other()]
	}
	if last := s.known.Last; last != nil {
		shown.Last = last.shown()
		shown.FellBack = last.Outcome == tryFellBack
		if last.Outcome == tryWaiting && !s.trial {
			shown.Waiting = last.Release
		}
	}
	if v.puller != nil {
		shown.Pull = shownPull(v.puller.State())
	}
	return shown
}

// shown is how the page shows an update.
func (a attempt) shown() *api.UpdateAttempt {
	return &api.UpdateAttempt{Release: a.Release, By: a.By, At: a.At, Outcome: a.Outcome, Check: a.Check, Why: a.Why}
}

// lastUpdate is what became of the latest update; nil: there was none, or the machine's system is not the box's own.
func (b *box) lastUpdate() *api.UpdateAttempt {
	if b.systems == nil {
		return nil
	}
	b.systems.mu.Lock()
	defer b.systems.mu.Unlock()
	if b.systems.known.Last == nil {
		return nil
	}
	return b.systems.known.Last.shown()
}

// Update takes a bundle that an administrator brings.
func (v systemView) Update(ctx context.Context, r io.Reader, phrase, who string) (api.Delivered, error) {
	keys := slices.Clone(v.makers())
	if p := v.policy(); p != nil {
		keys = slices.Concat(keys, delivery.Signers(p.Stick.Signers), delivery.Signers(p.Updates.Signers))
	}
	taken, err := v.taker.Take(ctx, r, delivery.Order{Keys: keys, Who: who, Why: "from a bundle", Again: true, Phrase: phrase})
	if err != nil {
		return api.Delivered{}, bundleRefused(err)
	}
	d := api.Delivered{System: v.System(), Signer: taken.Seal.Signer, Changes: []api.Change{}, Sources: taken.Entries[delivery.BlockListFile], Prices: taken.Entries[delivery.RatesFile]}
	for _, c := range taken.Changes {
		d.Changes = append(d.Changes, api.Change{Path: c.Path, Old: c.Old, New: c.New})
	}
	return d, nil
}

// bundleRefused explains why a bundle that an administrator has brought was not taken.
func bundleRefused(err error) error {
	switch {
	case errors.Is(err, envelope.ErrPhrase), errors.Is(err, envelope.ErrWrong):
		return &api.PhraseNeeded{Detail: err.Error() + ".", Wrong: errors.Is(err, envelope.ErrWrong)}
	case errors.Is(err, delivery.ErrBusy):
		return &api.Conflict{Detail: asSentence(err), Remedy: "Wait until it is done."}
	}
	return &api.Conflict{Detail: asSentence(err), Remedy: "What runs goes on running, and nothing was changed. Fetch the file once more from where it is published."}
}

// Restart asks process 1 for a restart of the machine.
func (v systemView) Restart(who string) error {
	if v.systems == nil {
		return &api.Conflict{Detail: "This machine's system is not the box's own.", Remedy: "Restart it as its administrator does."}
	}
	return v.systems.Restart(who)
}

// asSentence makes one of an error.
func asSentence(err error) string {
	text := err.Error()
	return strings.ToUpper(text[:1]) + text[1:] + "."
}
