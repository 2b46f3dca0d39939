package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.etcd.io/bbolt"
)

// State is what became of a revision.
type State string

// The states. A revision is proposed once and decided once.
const (
	Proposed  State = "proposed"
	Confirmed State = "confirmed"
	Reverted  State = "reverted"
)

// Document is a policy as it was proposed, with its secrets in the clear. It never prints.
type Document []byte

// Format makes every fmt verb print the length alone.
func (d Document) Format(f fmt.State, _ rune) { fmt.Fprint(f, d.shown()) }

// LogValue makes slog print the length alone.
func (d Document) LogValue() slog.Value { return slog.StringValue(d.shown()) }

// MarshalText makes JSON print the length alone.
func (d Document) MarshalText() ([]byte, error) { return []byte(d.shown()), nil }

func (d Document) shown() string { return fmt.Sprintf("(policy of %d bytes)", len(d)) }

// Revision is one version of the policy. Times are in UTC.
type Revision struct {
	Number   uint64 // from 1, never used twice
	Policy   Document
	Who, Why string
	At       time.Time // when it was proposed
	State    State
	Deadline time.Time // until when it has to be confirmed; zero when there is none
	Decided  time.Time // when it was confirmed or reverted; zero while it is proposed
	Reason   string    // why it was reverted
}

// ErrDecided is the error of deciding a revision that is not open any more.
var ErrDecided = errors.New("the revision is decided already")

// ErrUnknown is the error of asking for a revision that is not there.
var ErrUnknown = errors.New("there is no such revision")

// saved is a revision as the file has it.
type saved struct {
	Who      string    `json:"who"`
	Why      string    `json:"why"`
	At       time.Time `json:"at"`
	State    State     `json:"state"`
	Deadline time.Time `json:"deadline,omitzero"`
	Decided  time.Time `json:"decided,omitzero"`
	Reason   string    `json:"reason,omitempty"`
	Policy   []byte    `json:"policy"`
}

func writeRevision(b *bbolt.Bucket, r Revision) error {
	value, err := json.Marshal(saved{r.Who, r.Why, r.At, r.State, r.Deadline, r.Decided, r.Reason, r.Policy})
	if err != nil {
		return err
	}
	return b.Put(numberKey(r.Number), seal(value))
}

func readRevision(key, sealed []byte) (Revision, error) {
	number := numberOf(key)
	value, err := unseal(sealed)
	if err != nil {
		return Revision{}, fmt.Errorf("revision %d: %w", number, err)
	}
	var s saved
	if err := json.Unmarshal(value, &s); err != nil {
		return Revision{}, fmt.Errorf("revision %d: %w", number, err)
	}
	return Revision{number, s.Policy, s.Who, s.Why, s.At, s.State, s.Deadline, s.Decided, s.Reason}, nil
}

// Propose keeps a policy as a new revision. It is not what the box boots from until it is confirmed. A zero deadline
// means that there is none; the store does not watch it.
func (s *Store) Propose(policy []byte, who, why string, at, deadline time.Time) (Revision, error) {
	if len(policy) == 0 {
		return Revision{}, errors.New("keeping a revision: the policy is empty")
	}
	r := Revision{Policy: append(Document(nil), policy...), Who: who, Why: why, At: utc(at), State: Proposed, Deadline: utc(deadline)}
	err := s.update(func(tx *bbolt.Tx) (err error) {
		b := tx.Bucket(bucketRevisions)
		if r.Number, err = b.NextSequence(); err != nil {
			return err
		}
		if err := writeRevision(b, r); err != nil {
			return err
		}
		return s.prune(tx)
	})
	if err != nil {
		return Revision{}, s.wrap(err, "keeping a revision")
	}
	return r, nil
}

// utc drops what a file cannot hold: the monotonic clock and the zone.
func utc(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.Round(0).UTC()
}

// Confirm makes a proposed revision the one that the box boots from. The error is ErrDecided when it was decided before,
// or when a later one is confirmed already.
func (s *Store) Confirm(number uint64, at time.Time) error {
	err := s.decide(number, func(tx *bbolt.Tx, r *Revision) error {
		last := numberOf(tx.Bucket(bucketAbout).Get(keyConfirmed))
		if number < last {
			return fmt.Errorf("%w: revision %d was confirmed after it", ErrDecided, last)
		}
		r.State, r.Decided = Confirmed, utc(at)
		return tx.Bucket(bucketAbout).Put(keyConfirmed, numberKey(number))
	})
	return s.wrap(err, "confirming revision %d", number)
}

// Revert gives a proposed revision up. The one confirmed before it stays in force. The error is ErrDecided when it was
// decided before.
func (s *Store) Revert(number uint64, reason string, at time.Time) error {
	err := s.decide(number, func(_ *bbolt.Tx, r *Revision) error {
		r.State, r.Decided, r.Reason = Reverted, utc(at), reason
		return nil
	})
	return s.wrap(err, "reverting revision %d", number)
}

// decide changes a proposed revision in one transaction.
func (s *Store) decide(number uint64, change func(*bbolt.Tx, *Revision) error) error {
	return s.update(func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketRevisions)
		key := numberKey(number)
		sealed := b.Get(key)
		if sealed == nil {
			return ErrUnknown
		}
		r, err := readRevision(key, sealed)
		if err != nil {
			return damaged(s.path, err.Error())
		}
		if r.State != Proposed {
			return fmt.Errorf("%w: it is %s", ErrDecided, r.State)
		}
		if err := change(tx, &r); err != nil {
			return err
		}
		return writeRevision(b, r)
	})
}
