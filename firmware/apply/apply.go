// Package apply is the only one who changes what is configured: all of it or nothing, on trial or for good.
//
//	document -> policy.Parse -> secrets kept -> Diff -> store: proposed
//	         -> each Part in order: Set(new);  one fails: Set(old) in reverse, revision reverted
//	         -> routine change: confirmed;  risky change: on trial until Confirm, else Set(old)
//
// A change is risky when it can cut off the person who made it: network, page, or the way to a peer. A trial that nobody
// confirms ends by itself; after a power cut the last confirmed revision is in force, since Boot knows no other.
// Beside that it holds the pure functions from the policy to the configuration of the packet filter, the relay and the links.
//
// It leaves to others: what a part does with its configuration, and who may ask for a change (api).
package apply

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"tollgate/firmware/event"
	"tollgate/firmware/policy"
	"tollgate/firmware/store"
)

// TrialTime is how long a risky change waits for its confirmation.
const TrialTime = 120 * time.Second

// Part is one piece of the box. Set takes the whole policy, reads its own section and is idempotent; on an error the
// piece is as before. A nil policy is set-up mode.
//
// A part that can go back by itself has Try as well: it puts p into force until the moment by which a trial must be confirmed.
// Confirmed, it is Set; otherwise what was set before is in force again, also when this process is gone.
type Part struct {
	Name string
	Set  func(ctx context.Context, p *policy.Policy) error
	Try  func(ctx context.Context, p *policy.Policy, until time.Time) error // nil: as Set
}

// Revisions keeps policies; *store.Store satisfies it.
type Revisions interface {
	Propose(policy []byte, who, why string, at, deadline time.Time) (store.Revision, error)
	Confirm(number uint64, at time.Time) error
	Revert(number uint64, reason string, at time.Time) error
	Confirmed() (store.Revision, bool, error)
}

// What stands against a change.
var (
	ErrOnTrial = errors.New("another policy is on trial")
	ErrNoTrial = errors.New("no policy is on trial")
	ErrStopped = errors.New("the box is stopping")
)

// Box is the configured box.
type Box struct {
	parts     []Part
	revisions Revisions
	sink      event.Sink
	log       *slog.Logger

	// Kept reads a policy that the store has kept, for Boot; policy.ParseKept unless it is set before.
	Kept func(doc []byte) (*policy.Policy, error)

	change sync.Mutex // held while something is being put into force

	mu       sync.Mutex // guards everything below
	current  *policy.Policy
	revision store.Revision
	before   *held // what a trial goes back to
	timer    *time.Timer
	closed   bool
}

type held struct {
	policy   *policy.Policy
	revision store.Revision
}

// Result says what an import did.
type Result struct {
	Revision store.Revision
	Changes  []policy.Change
	Trial    bool
}

// New makes a Box whose parts are set in this order.
func New(parts []Part, r Revisions, sink event.Sink, log *slog.Logger) *Box {
	return &Box{parts: parts, revisions: r, sink: sink, log: log, Kept: policy.ParseKept}
}

// Boot puts the last confirmed revision into force; false: there is none, and the box is in set-up mode.
func (b *Box) Boot(ctx context.Context) (bool, error) {
	b.change.Lock()
	defer b.change.Unlock()
	rev, ok, err := b.revisions.Confirmed()
	if err != nil {
		return false, fmt.Errorf("read the confirmed policy: %w", err)
	}
	if !ok {
		return false, b.set(ctx, nil, nil)
	}
	p, err := b.Kept(rev.Policy)
	if err != nil {
		return false, fmt.Errorf("read revision %d: %w", rev.Number, err)
	}
	if err := b.set(ctx, p, nil); err != nil {
		return false, fmt.Errorf("put revision %d into force: %w", rev.Number, err)
	}
	b.take(p, rev)
	return true, nil
}

// Again puts what is in force into force once more, be it set-up mode: something that it rests on has changed, such as an
// address that was lent. What is on trial stays so.
func (b *Box) Again(ctx context.Context) error {
	b.change.Lock()
	defer b.change.Unlock()
	p, rev, trial := b.Current()
	if trial {
		return b.put(ctx, p, p, rev.Deadline)
	}
	return b.set(ctx, p, p)
}

// Import puts a document into force. The error is policy.Faults when the document is wrong; a part that fails names itself.
func (b *Box) Import(ctx context.Context, doc []byte, who, why string) (Result, error) {
	b.change.Lock()
	defer b.change.Unlock()
	old, revision, err := b.free()
	if err != nil {
		return Result{}, err
	}
	p, canonical, err := read(doc, old)
	if err != nil {
		return Result{}, err
	}
	changes := policy.Diff(old, p)
	if old != nil && len(changes) == 0 {
		return Result{Revision: revision}, nil
	}
	trial := old != nil && risky(changes)
	now := time.Now()
	var deadline time.Time
	if trial {
		deadline = now.Add(TrialTime)
	}
	rev, err := b.revisions.Propose(canonical, who, why, now, deadline)
	if err != nil {
		return Result{}, fmt.Errorf("keep the new policy: %w", err)
	}
	if err := b.put(ctx, p, old, deadline); err != nil {
		return Result{}, errors.Join(err, b.revisions.Revert(rev.Number, err.Error(), time.Now()))
	}
	rev, err = b.settle(ctx, p, rev, trial)
	return Result{Revision: rev, Changes: changes, Trial: trial}, err
}

// free returns what is in force when nothing stands against a change.
func (b *Box) free() (*policy.Policy, store.Revision, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed:
		return nil, store.Revision{}, ErrStopped
	case b.before != nil:
		return nil, store.Revision{}, ErrOnTrial
	}
	return b.current, b.revision, nil
}

// read parses a document; a masked secret is the one in force.
func read(doc []byte, old *policy.Policy) (*policy.Policy, []byte, error) {
	p, err := policy.Parse(doc)
	if err != nil {
		return nil, nil, err
	}
	if faults := policy.FillSecrets(p, old); len(faults) > 0 {
		return nil, nil, faults
	}
	// What was masked is known now, and an exception that has ended counts for nothing new.
	if faults := append(p.Check(), p.Lapsed(time.Now())...); len(faults) > 0 {
		return nil, nil, faults
	}
	p.HashSecrets()
	canonical, err := p.Canonical()
	if err != nil {
		return nil, nil, fmt.Errorf("write the policy for the store: %w", err)
	}
	return p, canonical, nil
}

// settle confirms a routine change and starts the clock of a risky one.
func (b *Box) settle(ctx context.Context, p *policy.Policy, rev store.Revision, trial bool) (store.Revision, error) {
	b.mu.Lock()
	before := &held{b.current, b.revision}
	b.mu.Unlock()
	if !trial {
		if err := b.revisions.Confirm(rev.Number, time.Now()); err != nil {
			return rev, errors.Join(fmt.Errorf("confirm revision %d: %w", rev.Number, err), b.set(ctx, before.policy, p))
		}
		rev.State = store.Confirmed
	}
	b.take(p, rev)
	if trial {
		b.mu.Lock()
		b.before = before
		b.timer = time.AfterFunc(time.Until(rev.Deadline), func() { b.lapse(rev.Number) })
		b.mu.Unlock()
	}
	b.sink.Tell(event.PolicyApplied{At: time.Now(), Revision: rev.Number, Trial: trial, Who: rev.Who, Why: rev.Why})
	b.log.Info("policy in force", "revision", rev.Number, "who", rev.Who, "trial", trial)
	return rev, nil
}

// Current returns the policy and the revision in force; nil in set-up mode. trial tells whether it still must be confirmed.
func (b *Box) Current() (p *policy.Policy, rev store.Revision, trial bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.current, b.revision, b.before != nil
}

// Close takes no further change. A trial under way is left to the next Boot, which knows only confirmed revisions.
func (b *Box) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	if b.timer != nil {
		b.timer.Stop()
	}
}

func (b *Box) take(p *policy.Policy, rev store.Revision) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.current, b.revision = p, rev
}

// set puts p into force for good.
func (b *Box) set(ctx context.Context, p, old *policy.Policy) error {
	return b.put(ctx, p, old, time.Time{})
}

// put puts p into force part by part, until a moment if there is one. When one fails, those before it go back to old, last
// first.
func (b *Box) put(ctx context.Context, p, old *policy.Policy, until time.Time) error {
	for i, part := range b.parts {
		err := part.put(ctx, p, until)
		if err == nil {
			continue
		}
		err = fmt.Errorf("%s: %w", part.Name, err)
		for j := i; j >= 0; j-- {
			if back := b.parts[j].Set(context.WithoutCancel(ctx), old); back != nil {
				b.log.Error("part not put back", "part", b.parts[j].Name, "err", back)
			}
		}
		return err
	}
	return nil
}

func (p Part) put(ctx context.Context, next *policy.Policy, until time.Time) error {
	if until.IsZero() || p.Try == nil {
		return p.Set(ctx, next)
	}
	return p.Try(ctx, next, until)
}
