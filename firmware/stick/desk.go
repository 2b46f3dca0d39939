package stick

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"tollgate/board/usb"
	"tollgate/firmware/bundle"
	"tollgate/firmware/delivery"
	"tollgate/firmware/envelope"
	"tollgate/firmware/policy"
)

// Reader reads sticks; usb.Reader does.
type Reader interface {
	Read(ctx context.Context, device string) (usb.Contents, error)
	Write(ctx context.Context, device, name string, data []byte) error
	Copy(ctx context.Context, device, name string, w io.Writer, most int64) error
	// Store writes a new file beside what lies on the stick and returns the name that it got.
	Store(ctx context.Context, device, name string, data []byte) (string, error)
}

// Options are what a desk works with.
type Options struct {
	Reader Reader
	Taker  *delivery.Taker
	// Policy is the one in force; nil: there is none.
	Policy    func() *policy.Policy
	Makers    []bundle.Key // who may sign systems
	Serial    string       // of this box
	Recipient string       // for whoever seals something for this box
	Log       *slog.Logger
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
	Entries map[string]int // how many each list of the stick has, by the name of its file
	Release string         // of the system that the next start tries; "": the stick has none
	Sealed  bool           // it waits for a pass phrase, and nobody knows yet what it would change

	contents usb.Contents
	opened   map[string][]byte // what of it means something, opened
	settings delivery.Settings
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
	p := d.o.Policy()
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
		s.Phase, s.Reason = Refused, "it was taken out before anybody said yes"
		s.forget()
	}
}

// read looks at a stick and takes it if it may.
func (d *Desk) read(ctx context.Context, s *State, p *policy.Policy) {
	var err error
	if s.contents, err = d.o.Reader.Read(ctx, s.Device); err != nil {
		d.refuse(ctx, s, err)
		return
	}
	name, err := s.bundle()
	switch {
	case err != nil:
		d.refuse(ctx, s, err)
	case name != "":
		_ = d.takeBundle(ctx, s, p, name, "") // told in the state
	default:
		_ = d.judge(ctx, s, p, "")
	}
}

// judge looks at every file of a stick and takes it, refuses it or has it wait. A pass phrase that does not open it changes nothing,
// and is the error.
func (d *Desk) judge(ctx context.Context, s *State, p *policy.Policy, phrase string) error {
	wait, err := d.mayTake(s, p)
	if err == nil {
		if s.opened, err = d.o.Taker.Open(s.contents.Files, phrase); err == nil {
			err = d.examine(s)
		}
	}
	switch {
	case errors.Is(err, envelope.ErrWrong):
		return err
	case errors.Is(err, envelope.ErrPhrase):
		d.seal(s)
	case err != nil:
		d.refuse(ctx, s, err)
	case wait != "":
		s.Phase, s.Reason, s.Sealed = Waiting, wait, false
		d.o.Log.Info("stick waits for an administrator", "device", s.Device, "why", wait)
	default:
		d.take(ctx, s, s.by())
	}
	return nil
}

// seal has a stick wait for a pass phrase.
func (d *Desk) seal(s *State) {
	s.Phase, s.Reason, s.Sealed = Waiting, "it is sealed with a pass phrase: somebody must type it on the page", true
	d.o.Log.Info("stick waits for a pass phrase", "device", s.Device)
}

// examine checks every file of a stick; nothing changes.
func (d *Desk) examine(s *State) (err error) {
	s.settings, err = d.o.Taker.Examine(s.opened)
	s.Changes, s.Entries = s.settings.Changes, s.settings.Entries
	return err
}

// mayTake judges whose stick it is: taken unasked (""), to wait for a yes because of wait, or refused.
func (d *Desk) mayTake(s *State, p *policy.Policy) (wait string, err error) {
	if p == nil {
		return "", nil // whoever holds a box that has no policy yet owns it
	}
	seal, err := d.o.Taker.Check(s.contents.Files, delivery.Signers(p.Stick.Signers))
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

// by names who takes responsibility for what the stick changes.
func (s *State) by() string {
	if s.Signer != "" {
		return "USB stick signed by " + s.Signer
	}
	return "USB stick"
}

// take puts everything on a stick into force, or nothing of it.
func (d *Desk) take(ctx context.Context, s *State, who string) {
	if err := d.o.Taker.Put(ctx, s.settings, s.number, who, fromStick); err != nil {
		d.refuse(ctx, s, err)
		return
	}
	d.taken(ctx, s, who)
}

// fromStick is the reason that revisions have.
const fromStick = "from a stick"

func (d *Desk) taken(ctx context.Context, s *State, who string) {
	s.Phase, s.Reason, s.Sealed = Taken, "", false
	if s.Entries[delivery.RecordsFile] > 0 {
		s.Reason = "what the backup remembers, and the authority of its box, count from the next start"
	}
	d.o.Log.Info("stick taken", "device", s.Device, "who", who, "changes", len(s.Changes), "lists", s.Entries, "system", s.Release)
	d.report(ctx, s)
	s.forget()
}

// forget lets go of what a stick held.
func (s *State) forget() {
	s.contents, s.opened, s.settings = usb.Contents{}, nil, delivery.Settings{}
}

// Accept takes the stick that waits, on the word of who. One that is sealed is opened with phrase first; when nobody vouches for it
// it waits on, and shows what it would change. The error is ErrNothingWaits when no stick waits, envelope.ErrPhrase or
// envelope.ErrWrong when the pass phrase is missing or another one.
func (d *Desk) Accept(ctx context.Context, who, phrase string) (State, error) {
	d.work.Lock()
	defer d.work.Unlock()
	s := d.State()
	if s == nil || s.Phase != Waiting {
		return State{}, ErrNothingWaits
	}
	if s.Sealed {
		if err := d.open(ctx, s, phrase); err != nil {
			return State{}, err
		}
	} else if err := d.examine(s); err != nil { // the policy may have changed since
		d.refuse(ctx, s, err)
	} else {
		d.take(ctx, s, who)
	}
	d.show(*s)
	return *s, nil
}

// open looks at a sealed stick once more, now that somebody has typed a pass phrase.
func (d *Desk) open(ctx context.Context, s *State, phrase string) error {
	if phrase == "" {
		return envelope.ErrPhrase
	}
	p := d.o.Policy()
	if name, err := s.bundle(); err == nil && name != "" {
		return d.takeBundle(ctx, s, p, name, phrase)
	}
	return d.judge(ctx, s, p, phrase)
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
	s.Phase, s.Reason, s.Sealed = Refused, why.Error(), false
	d.o.Log.Warn("stick refused: nothing was changed", "device", s.Device, "why", why)
	d.report(ctx, s)
	s.forget()
}

func (d *Desk) show(s State) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.shown != nil && d.shown.Device == s.Device && !d.shown.Here && d.shown.At.Equal(s.At) {
		s.Here = false // it was taken out meanwhile
	}
	d.shown = &s
}
