package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"tollgate/board"
	"tollgate/board/usb"
	"tollgate/firmware/api"
	"tollgate/firmware/delivery"
	"tollgate/firmware/envelope"
	"tollgate/firmware/policy"
	"tollgate/firmware/stick"
	"tollgate/firmware/store"
)

// readStick is the word that makes this program the child that reads a stick.
const readStick = "read-stick"

// openSticks makes the desk that takes sticks. It has seen none yet.
func (b *box) openSticks(context.Context) error {
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the program that reads sticks: %w", err)
	}
	serial := board.Read("/").Serial
	reader := usb.Reader{Command: []string{program, readStick}, Serial: serial}
	b.passwords = reader
	b.sticks = stick.New(stick.Options{Reader: patient{reader}, Taker: b.taker, Policy: b.policy, Makers: b.makers(), Serial: serial, Recipient: b.key.Recipient(), Log: b.log})
	return nil
}

// copyTime is how long a bundle may take to come from a stick; old ones read a megabyte a second.
const copyTime = 5 * time.Minute

// patient gives a large file more time than all others.
type patient struct{ usb.Reader }

func (p patient) Copy(ctx context.Context, device, name string, w io.Writer, most int64) error {
	p.Patience = copyTime
	return p.Reader.Copy(ctx, device, name, w, most)
}

// storeTime is how long one file may take onto a stick, whose tables are written several times; a request is answered within 90 s.
const storeTime = 75 * time.Second

func (p patient) Store(ctx context.Context, device, name string, data []byte) (string, error) {
	p.Patience = storeTime
	return p.Reader.Store(ctx, device, name, data)
}

// policy is the one in force; nil: there is none.
func (b *box) policy() *policy.Policy {
	p, _, _ := b.config.Current()
	return p
}

// watchSticks has sticks taken as they are plugged in. A box that cannot hear of devices has no sticks, and all else.
func (b *box) watchSticks(ctx context.Context) error {
	go func() {
		err := usb.Watch(ctx, "/", func(c usb.Change) {
			go func() {
				b.sticks.Plugged(ctx, c)
				if c.Here {
					b.passwordOnStick(ctx, c.Device)
				}
			}()
		})
		if err != nil {
			b.log.Warn("USB sticks are not noticed", "err", err)
		}
	}()
	return nil
}

// delivered is the box as what is brought to it changes it, by a stick or otherwise.
type delivered struct{ *box }

func (b delivered) Examine(doc []byte) (*policy.Policy, []policy.Change, error) {
	return b.config.Examine(doc)
}

// Document is the policy in force, for certificates that come without one.
func (b delivered) Document() []byte {
	_, rev, _ := b.config.Current()
	return rev.Policy
}

// Import takes a policy for good: who holds the stick stands beside the box.
func (b delivered) Import(ctx context.Context, doc []byte, who, why string) error {
	r, err := b.config.Import(ctx, doc, who, why)
	if err == nil && r.Trial {
		_, err = b.config.Confirm(who)
	}
	return err
}

// bundles keeps the number of the last signed bundle.
type bundles struct{ store *store.Store }

// The record that holds it.
const (
	bundleKind = "bundle"
	bundleKey  = "number"
)

func (k bundles) Last() (uint64, error) {
	value, found, err := k.store.Get(bundleKind, bundleKey)
	if err != nil || !found {
		return 0, err
	}
	if len(value) != 8 {
		return 0, fmt.Errorf("the number of the last signed files is damaged: %d octets", len(value))
	}
	return binary.BigEndian.Uint64(value), nil
}

func (k bundles) Keep(number uint64) error {
	return k.store.Put(bundleKind, bundleKey, binary.BigEndian.AppendUint64(nil, number))
}

// stickView is what the page shows of sticks.
type stickView struct{ *box }

func (v stickView) Stick() *api.Stick {
	s := v.sticks.State()
	if s == nil {
		return nil
	}
	shown := shownStick(*s)
	return &shown
}

func (v stickView) Decide(ctx context.Context, d api.StickDecision, who string) (api.Stick, error) {
	var s stick.State
	var err error
	if d.Yes {
		s, err = v.sticks.Accept(ctx, who, d.Phrase)
	} else {
		s, err = v.sticks.Decline(ctx, who)
	}
	switch {
	case errors.Is(err, stick.ErrNothingWaits):
		return api.Stick{}, &api.Conflict{Detail: "No stick waits for a word.", Remedy: "Plug it in again."}
	case errors.Is(err, envelope.ErrPhrase):
		return api.Stick{}, &api.Conflict{Detail: "The stick is sealed with a pass phrase.", Remedy: "Type it; until then nobody knows what the stick would change."}
	case errors.Is(err, envelope.ErrWrong):
		return api.Stick{}, &api.Conflict{Detail: "The pass phrase is another one.", Remedy: "Type it again; nothing was changed."}
	}
	return shownStick(s), err
}

// Recipient is the public half of the box's key for what is sealed.
func (v stickView) Recipient() string { return v.key.Recipient() }

func shownStick(s stick.State) api.Stick {
	shown := api.Stick{
		At: s.At, Here: s.Here, Phase: string(s.Phase), Sealed: s.Sealed, Signer: s.Signer, Reason: s.Reason, Release: s.Release, Changes: []api.Change{},
		Sources: s.Entries[delivery.BlockListFile], Prices: s.Entries[delivery.RatesFile], Records: s.Entries[delivery.RecordsFile],
	}
	for _, c := range s.Changes {
		shown.Changes = append(shown.Changes, api.Change{Path: c.Path, Old: c.Old, New: c.New})
	}
	return shown
}
