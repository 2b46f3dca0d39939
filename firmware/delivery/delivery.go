// Package delivery takes what is brought to the box: a policy, a list of sources to keep away, a system, whatever way they came.
//
//	bundle -> whose is it, for this box, newer? -> every file whole -> would each be taken? -> nothing has changed so far
//	       -> the system into the slot that does not run -> list -> policy -> the next start tries the system
//
// All of it is taken or nothing.
//
// It leaves to others how it comes (the page, firmware/stick, firmware/pull), what a signature is (bundle), how a policy comes into
// force (apply) and how a system is replaced (board/update).
package delivery

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"tollgate/firmware/bundle"
	"tollgate/firmware/policy"
)

// The files that mean something.
const (
	PolicyFile    = "policy.yaml"
	BlockListFile = "bans.txt"
)

// maxSettings is how long a file of settings may be, in bytes.
const maxSettings = 4 << 20

// Box is what settings change.
type Box interface {
	// Examine tells what a document would change, and every fault in it.
	Examine(doc []byte) ([]policy.Change, error)
	// Import puts a document into force for good.
	Import(ctx context.Context, doc []byte, who, why string) error
	// CheckBlockList finds the faults of a list of sources to keep away, and counts them.
	CheckBlockList(text string) (sources int, err error)
	// Block replaces that list; undo brings the one before back.
	Block(text, who string) (undo func(), err error)
}

// Memory keeps the number of the last bundle, so that an older one is not taken again.
type Memory interface {
	Last() (uint64, error)
	Keep(number uint64) error
}

// Machine replaces the system of the box.
type Machine interface {
	// Keep reads a system that may be brought and keeps it until it is written; the caller closes it. again: also one that was
	// tried here and did not prove itself.
	Keep(s Described, content io.Reader, again bool) (System, error)
}

// Described is a system as its bundle describes it.
type Described struct {
	bundle.System
	Size   int64 // bytes
	SHA256 []byte
	By     string // who brings it
}

// System is one that is whole and waits to be written.
type System interface {
	// Write writes it where nothing runs.
	Write() error
	// Try has the next start try it.
	Try() error
	Close() error
}

// Options are what a taker works with.
type Options struct {
	Box     Box
	Machine Machine // nil: the system of this machine is not the box's own
	Memory  Memory
	Serial  string // of this box
}

// Taker takes one delivery at a time. It is safe for concurrent use.
type Taker struct {
	o    Options
	work sync.Mutex // held while something is taken
}

// New makes a taker.
func New(o Options) *Taker { return &Taker{o: o} }

// Order says how a bundle came.
type Order struct {
	Keys  []bundle.Key // who is believed
	Who   string       // who takes responsibility; the signer's name is added
	Why   string
	Again bool // a person wants a system that did not prove itself to be tried once more
}

// Taken says what a delivery has changed.
type Taken struct {
	Seal    bundle.Seal
	System  *bundle.System // that the next start tries; nil: none came
	Changes []policy.Change
	Sources int // of the block list; 0 when none came
}

// ErrBusy says that something else is being taken.
var ErrBusy = errors.New("another delivery is being taken: wait until it is")

// Take takes a bundle that is one file. The error is ErrBusy, or a sentence that says why nothing was changed.
func (t *Taker) Take(ctx context.Context, r io.Reader, o Order) (Taken, error) {
	if !t.work.TryLock() {
		return Taken{}, ErrBusy
	}
	defer t.work.Unlock()
	last, err := t.o.Memory.Last()
	if err != nil {
		return Taken{}, err
	}
	b, err := bundle.Open(r, bundle.Trust{Keys: o.Keys, Serial: t.o.Serial, Last: last})
	if err != nil {
		return Taken{}, err
	}
	who := o.Who + ", signed by " + b.Seal.Signer
	files, system, err := t.unpack(b, who, o.Again)
	if system != nil {
		defer system.Close()
	}
	if err != nil {
		return Taken{}, err
	}
	taken := Taken{Seal: b.Seal, System: b.System}
	var s Settings
	if len(files) > 0 || system == nil {
		if s, err = t.Examine(files); err != nil {
			return Taken{}, err
		}
		taken.Changes, taken.Sources = s.Changes, s.Sources
	}
	return taken, t.put(ctx, s, system, b.Seal.Number, who, o.Why)
}

// unpack reads a bundle to its end. Nothing has changed then.
func (t *Taker) unpack(b *bundle.Reader, who string, again bool) (files map[string][]byte, system System, err error) {
	files = map[string][]byte{}
	for {
		name, size, err := b.Next()
		switch {
		case errors.Is(err, io.EOF):
			return files, system, nil
		case err != nil:
			return files, system, err
		case b.System != nil && name == b.System.File:
			if t.o.Machine == nil {
				return files, nil, errors.New("the bundle holds a system, and the system of this machine is not the box's own: update it as its administrator does")
			}
			system, err = t.o.Machine.Keep(Described{System: *b.System, Size: size, SHA256: b.Sum(name), By: who}, b, again)
		case name != PolicyFile && name != BlockListFile:
			err = fmt.Errorf("the bundle holds %.80q, which this version does not know", name)
		case size > maxSettings:
			err = fmt.Errorf("%s has %d bytes, more than %d", name, size, maxSettings)
		default:
			files[name], err = io.ReadAll(b)
		}
		if err != nil {
			return files, system, err
		}
	}
}

// put changes what is to change; the system comes last into effect, at the next start.
func (t *Taker) put(ctx context.Context, s Settings, system System, number uint64, who, why string) error {
	if system != nil {
		if err := system.Write(); err != nil {
			return err
		}
	}
	if len(s.files) > 0 {
		if err := t.settle(ctx, s, number, who, why); err != nil {
			return err
		}
	}
	if system != nil {
		return system.Try()
	}
	return nil
}
