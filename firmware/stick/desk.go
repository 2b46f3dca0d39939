package stick

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"tollgate/board/usb"
	"tollgate/firmware/bundle"
	"tollgate/firmware/policy"
)

// The files of a stick that mean something.
const (
	PolicyFile    = "policy.yaml"
	BlockListFile = "bans.txt"
)

// Reader reads sticks; usb.Reader does.
type Reader interface {
	Read(ctx context.Context, device string) (usb.Contents, error)
	Write(ctx context.Context, device, name string, data []byte) error
}

// Box is what a stick changes.
type Box interface {
	// Policy is the one in force; nil: there is none.
	Policy() *policy.Policy
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

// Options are what a desk works with.
type Options struct {
	Reader Reader
	Box    Box
	Memory Memory
	Serial string // of this box
	Log    *slog.Logger
}

// Desk takes one stick at a time. It is safe for concurrent use.
type Desk struct {
	o Options

	work sync.Mutex // held while a stick is read or taken

	mu    sync.Mutex // guards everything below
	shown *State     // nil: no stick has been seen
}

// New makes a desk that has seen no stick.
func New(o Options) *Desk { return &Desk{o: o} }

// State says what became of the latest stick.
type State struct {
	Device  string
	Here    bool // it is still plugged in
	At      time.Time
	Phase   Phase
	Signer  string // who signed it; "": nobody whose word counts
	Reason  string // a sentence: why it was refused, or waits
	Changes []policy.Change
	Sources int // of the block list; 0 when the stick has none

	contents usb.Contents
	number   uint64
}

// Phase is how far a stick has come.
type Phase string

// The phases. A stick that waits is taken by Accept.
const (
	Reading Phase = "reading"
	Waiting Phase = "waiting"
	Taken   Phase = "taken"
	Refused Phase = "refused"
)

// ErrNothingWaits says that there is no stick to say yes or no to.
var ErrNothingWaits = errors.New("no stick waits for a word: plug it in again")

// State returns what became of the latest stick; nil: none was seen since the box started.
func (d *Desk) State() *State {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.shown == nil {
		return nil
	}
	s := *d.shown
	return &s
}

// Plugged is told of each disk that comes and goes. It returns when the stick has been dealt with.
func (d *Desk) Plugged(ctx context.Context, c usb.Change) {
	if !c.Here {
		d.gone(c.Device)
		return
	}
	p := d.o.Box.Policy()
	if p != nil && p.Stick.Take == policy.StickOff {
		d.o.Log.Info("stick left alone: the policy says stick.take: off", "device", c.Device)
		return
	}
	d.work.Lock()
	defer d.work.Unlock()
	s := State{Device: c.Device, Here: true, At: time.Now(), Phase: Reading}
	d.show(s)
	d.read(ctx, &s, p)
	d.show(s)
}

// gone forgets what a stick held, but not what became of it.
func (d *Desk) gone(device string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.shown
	if s == nil || s.Device != device {
		return
	}
	s.Here = false
	if s.Phase == Waiting {
		s.Phase, s.Reason, s.contents = Refused, "it was taken out before anybody said yes", usb.Contents{}
	}
}

// read looks at a stick and takes it if it may.
func (d *Desk) read(ctx context.Context, s *State, p *policy.Policy) {
	var err error
	if s.contents, err = d.o.Reader.Read(ctx, s.Device); err != nil {
		d.refuse(ctx, s, err)
		return
	}
	if err := d.examine(s); err != nil {
		d.refuse(ctx, s, err)
		return
	}
	switch wait, err := d.mayTake(s, p); {
	case err != nil:
		d.refuse(ctx, s, err)
	case wait != "":
		s.Phase, s.Reason = Waiting, wait
		d.o.Log.Info("stick waits for an administrator", "device", s.Device, "why", wait)
	default:
		d.take(ctx, s, s.by())
	}
}

// examine checks every file of a stick; nothing changes.
func (d *Desk) examine(s *State) error {
	doc, policyThere := s.contents.Files[PolicyFile]
	list, listThere := s.contents.Files[BlockListFile]
	if !policyThere && !listThere {
		return fmt.Errorf("the folder %s holds nothing for this box: it takes %s and %s", usb.Folder, PolicyFile, BlockListFile)
	}
	var errs []error
	var err error
	if policyThere {
		if s.Changes, err = d.o.Box.Examine(doc); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", PolicyFile, err))
		}
	}
	if listThere {
		if s.Sources, err = d.o.Box.CheckBlockList(string(list)); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", BlockListFile, err))
		}
	}
	return errors.Join(errs...)
}

// mayTake judges whose stick it is: taken unasked (""), to wait for a yes because of wait, or refused.
func (d *Desk) mayTake(s *State, p *policy.Policy) (wait string, err error) {
	if p == nil {
		return "", nil // whoever holds a box that has no policy yet owns it
	}
	last, err := d.o.Memory.Last()
	if err != nil {
		return "", err
	}
	seal, err := bundle.Check(s.contents.Files, bundle.Trust{Keys: keys(p.Stick.Signers), Serial: d.o.Serial, Last: last})
	switch {
	case err == nil:
		s.Signer, s.number = seal.Signer, seal.Number
		return "", nil
	case !errors.Is(err, bundle.ErrUnsigned):
		return "", err // it claims to be signed and is not: nobody's yes makes that good
	case p.Stick.Take == policy.StickSigned:
		return "", fmt.Errorf("%w, and the policy takes only what is signed", err)
	}
	return "it is not signed: somebody must say yes on the page", nil
}

func keys(signers []policy.Signer) []bundle.Key {
	list := make([]bundle.Key, len(signers))
	for i, s := range signers {
		list[i] = bundle.Key{Name: s.Name, Key: s.Public()}
	}
	return list
}

// by names who takes responsibility for what the stick changes.
func (s *State) by() string {
	if s.Signer != "" {
		return "USB stick signed by " + s.Signer
	}
	return "USB stick"
}

// take puts everything on a stick into force, or nothing of it.
func (d *Desk) take(ctx context.Context, s *State, who string) {
	if err := d.put(ctx, s, who); err != nil {
		d.refuse(ctx, s, err)
		return
	}
	s.Phase, s.Reason = Taken, ""
	d.o.Log.Info("stick taken", "device", s.Device, "who", who, "changes", len(s.Changes), "blocked", s.Sources)
	d.report(ctx, s)
	s.contents = usb.Contents{}
}

func (d *Desk) put(ctx context.Context, s *State, who string) error {
	// The number goes first: a stick that was cut off in the middle can be signed anew, one that comes twice cannot be undone.
	if s.number > 0 {
		if err := d.o.Memory.Keep(s.number); err != nil {
			return err
		}
	}
	undo := func() {}
	if list, there := s.contents.Files[BlockListFile]; there {
		var err error
		if undo, err = d.o.Box.Block(string(list), who); err != nil {
			return fmt.Errorf("%s: %w", BlockListFile, err)
		}
	}
	if doc, there := s.contents.Files[PolicyFile]; there {
		if err := d.o.Box.Import(ctx, doc, who, "from a stick"); err != nil {
			undo()
			return fmt.Errorf("%s: %w", PolicyFile, err)
		}
	}
	return nil
}

// Accept takes the stick that waits, on the word of who. The error is ErrNothingWaits when there is none.
func (d *Desk) Accept(ctx context.Context, who string) (State, error) {
	d.work.Lock()
	defer d.work.Unlock()
	s := d.State()
	if s == nil || s.Phase != Waiting {
		return State{}, ErrNothingWaits
	}
	if err := d.examine(s); err != nil { // the policy may have changed since
		d.refuse(ctx, s, err)
	} else {
		d.take(ctx, s, who)
	}
	d.show(*s)
	return *s, nil
}

// Decline refuses the stick that waits. The error is ErrNothingWaits when there is none.
func (d *Desk) Decline(ctx context.Context, who string) (State, error) {
	d.work.Lock()
	defer d.work.Unlock()
	s := d.State()
	if s == nil || s.Phase != Waiting {
		return State{}, ErrNothingWaits
	}
	d.refuse(ctx, s, fmt.Errorf("%s said no", who))
	d.show(*s)
	return *s, nil
}

func (d *Desk) refuse(ctx context.Context, s *State, why error) {
	s.Phase, s.Reason = Refused, why.Error()
	d.o.Log.Warn("stick refused: nothing was changed", "device", s.Device, "why", why)
	d.report(ctx, s)
	s.contents = usb.Contents{}
}

func (d *Desk) show(s State) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.shown != nil && d.shown.Device == s.Device && !d.shown.Here && d.shown.At.Equal(s.At) {
		s.Here = false // it was taken out meanwhile
	}
	d.shown = &s
}
