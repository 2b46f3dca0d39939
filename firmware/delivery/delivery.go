// Package delivery takes what is brought to the box: a policy, certificates and keys, lists of sources to keep away and of prices, a
// backup, a system, whatever way they came.
//
//	bundle -> whose is it, for this box, newer? -> every file whole -> what is sealed is opened -> certificates go into the policy
//	       -> would each be taken? -> nothing has changed so far
//	       -> the system into the slot that does not run -> lists -> policy -> the next start tries the system
//
// All of it is taken or nothing. A file NAME.age is the file NAME, sealed for the box or with a pass phrase; a private key comes in no
// other way.
//
// It leaves to others how it comes (the page, firmware/stick, firmware/pull), what a signature is (bundle), what a
// sealed file is (envelope), how a policy comes into force (apply) and how a system is replaced (board/update).
package delivery

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"tollgate/firmware/bundle"
	"tollgate/firmware/envelope"
	"tollgate/firmware/policy"
)

// The files that mean something, beside certificates and keys (policy.CertificateFile) and backups.
const (
	PolicyFile    = "policy.yaml"
	BlockListFile = "bans.txt"
	RatesFile     = "rates.csv"
	RecordsFile   = "records.json" // what a box remembers, within a backup
)

// lists are the files that are checked and put by a List, in this order.
func lists() []string { return []string{BlockListFile, RatesFile, RecordsFile} }

// maxSettings is how long a file of settings may be, in bytes.
const maxSettings = 4 << 20

// Box is what settings change.
type Box interface {
	// Examine tells what a document would change, and every fault in it.
	Examine(doc []byte) (*policy.Policy, []policy.Change, error)
	// Import puts a document into force for good.
	Import(ctx context.Context, doc []byte, who, why string) error
	// Document is the policy in force with its secrets; nil: there is none.
	Document() []byte
}

// List is something that is brought beside the policy.
type List interface {
	// Check finds the faults of a list, and counts its entries. p is the policy that comes with it; nil: the one in force stays.
	Check(text string, p *policy.Policy) (entries int, err error)
	// Put replaces what the box has; undo brings that back.
	Put(text, who string) (undo func(), err error)
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
	Lists   map[string]List // by the name of the file: BlockListFile, RatesFile, RecordsFile
	Key     envelope.Identity
	Machine Machine // nil: the system of this machine is not the box's own
	Memory  Memory
	Serial  string   // of this box
	Names   []string // other names that it goes by
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
	// Phrase opens what is sealed with a pass phrase; empty: nobody has typed one.
	Phrase string
}

// Taken says what a delivery has changed.
type Taken struct {
	Seal    bundle.Seal
	System  *bundle.System // that the next start tries; nil: none came
	Changes []policy.Change
	Entries map[string]int // how many each list has, by the name of its file
}

// ErrBusy says that something else is being taken.
var ErrBusy = errors.New("another delivery is being taken: wait until it is")

// Take takes a bundle that is one file. The error is ErrBusy, envelope.ErrPhrase when somebody must type a pass phrase, or a sentence
// that says why nothing was changed.
func (t *Taker) Take(ctx context.Context, r io.Reader, o Order) (Taken, error) {
	if !t.work.TryLock() {
		return Taken{}, ErrBusy
	}
	defer t.work.Unlock()
	last, err := t.o.Memory.Last()
	if err != nil {
		return Taken{}, err
	}
	b, err := bundle.Open(r, bundle.Trust{Keys: o.Keys, Serial: t.o.Serial, Names: t.o.Names, Last: last})
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
		if files, err = t.Open(files, o.Phrase); err != nil {
			return Taken{}, err
		}
		if s, err = t.Examine(files); err != nil {
			return Taken{}, err
		}
		taken.Changes, taken.Entries = s.Changes, s.Entries
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
		case !Takes(name):
			err = fmt.Errorf("the bundle holds %.80q, which this version does not know", name)
		case size > mostOf(name):
			err = fmt.Errorf("%s has %d bytes, more than %d", name, size, mostOf(name))
		default:
			files[name], err = io.ReadAll(b)
		}
		if err != nil {
			return files, system, err
		}
	}
}

// mostOf is how long a file may be as it comes, in bytes. A sealed one is a little longer than what it holds.
func mostOf(name string) int64 {
	if strings.HasPrefix(name, BackupPrefix) {
		return MaxBackup + MaxBackup>>8
	}
	return maxSettings
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
