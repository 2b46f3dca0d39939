// Package store keeps what must survive a power cut in one bbolt file: the revisions of the policy, each with who, when,
// why and what became of it, and small records of other packages under a kind and a key. It is the only writer of that
// file.
//
// Every write is one transaction, on disk before the call returns: after a crash the file holds the state before it or
// after it, whole. Every value carries a checksum, and Open reads the file through before it trusts it, so that a damaged
// file is an error and never a panic or a half policy. The file is for its owner alone (mode 0600): it holds secrets.
//
// It leaves to others: what a policy means (policy), which revision is in force and when a trial ends (apply).
package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"
)

// Errors that callers decide by, with errors.Is. What wraps them says which file and what to do.
var (
	ErrLocked  = errors.New("another process has the state open")
	ErrDamaged = errors.New("the state is damaged")
)

// Store is an open file. Its methods may be called from several goroutines at once.
type Store struct {
	db     *bbolt.DB
	path   string
	keep   int
	format uint64
	// migrations lead from earlier layouts to format.
	migrations map[uint64]migration
	damaged    atomic.Bool // set by the first surprise; from then on every call is an error
}

// Options says how to open a file. The zero value holds the defaults.
type Options struct {
	LockWait time.Duration // how long to wait for another process to let go of the file; default 1 s
	Keep     int           // how many revisions to keep; default 50

	format     uint64 // of another version, in tests
	migrations map[uint64]migration
}

// Open opens the file at path with the default options, and makes it and its folder when they are not there.
func Open(path string) (*Store, error) { return Options{}.Open(path) }

// Open opens the file at path. The error is ErrLocked while another process has it open, and ErrDamaged when it cannot be
// trusted; the file then stays as it is (see SetAside).
func (o Options) Open(path string) (*Store, error) {
	if o.LockWait <= 0 {
		o.LockWait = time.Second
	}
	if o.Keep <= 0 {
		o.Keep = 50
	}
	if o.format == 0 {
		o.format, o.migrations = format, migrations()
	}
	s := &Store{path: path, keep: o.Keep, format: o.format, migrations: o.migrations}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("making the folder of the state: %w", err)
	}
	if err := create(path); err != nil {
		return nil, err
	}
	if err := s.openAs(o.LockWait); err != nil {
		return nil, err
	}
	if err := s.readThrough(s.format); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if err := removeHalfMade(path); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// openAs opens the file in the layout of this version: one of an earlier layout is migrated, in place of one of a later layout comes
// what that had found here.
func (s *Store) openAs(wait time.Duration) error {
	if err := s.open(wait); err != nil {
		return err
	}
	n, err := s.layout()
	switch {
	case err != nil:
	case n < s.format:
		err = s.migrate(n)
	case n > s.format:
		if err = fallBack(s.path, n, s.format); err == nil {
			if err = s.Close(); err != nil {
				return err
			}
			return s.open(wait)
		}
	}
	if err != nil {
		return errors.Join(err, s.Close())
	}
	return nil
}

// open hands a file that is locked and inspected to bbolt.
func (s *Store) open(wait time.Duration) (err error) {
	var file *os.File
	defer func() {
		if err != nil && file != nil {
			_ = file.Close() // bbolt closes it on errors of its own, but not when it panics
		}
	}()
	defer s.guard(&err)()
	s.db, err = bbolt.Open(s.path, 0o600, &bbolt.Options{
		OpenFile: func(path string, flag int, mode os.FileMode) (*os.File, error) {
			file, err = openInspected(path, wait)
			return file, err
		},
	})
	if err != nil && !errors.Is(err, ErrLocked) && !errors.Is(err, ErrDamaged) {
		return fmt.Errorf("opening the state %s: %w", s.path, err)
	}
	return err
}

// Close lets go of the file.
func (s *Store) Close() error {
	if s.damaged.Load() {
		// A panic may have left bbolt's locks taken, and closing would wait for them for ever.
		return nil
	}
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("closing the state %s: %w", s.path, err)
	}
	return nil
}

// guard turns a panic of bbolt, or an access beyond the end of the mapped file, into ErrDamaged. Use it as
// `defer s.guard(&err)()` at the top of whatever enters bbolt.
func (s *Store) guard(err *error) func() {
	before := debug.SetPanicOnFault(true)
	return func() {
		debug.SetPanicOnFault(before)
		if r := recover(); r != nil {
			s.damaged.Store(true)
			*err = damaged(s.path, fmt.Sprint(r))
		}
	}
}

// view and update run a transaction under guard.
func (s *Store) view(do func(*bbolt.Tx) error) error { return s.enter(s.db.View, do) }

func (s *Store) update(do func(*bbolt.Tx) error) error { return s.enter(s.db.Update, do) }

func (s *Store) enter(transaction func(func(*bbolt.Tx) error) error, do func(*bbolt.Tx) error) (err error) {
	if s.damaged.Load() {
		return damaged(s.path, "it was found so before")
	}
	defer s.guard(&err)()
	return transaction(do)
}

// damaged is the one error about a file that cannot be trusted.
func damaged(path, what string) error {
	return fmt.Errorf("%w: %s: %s; the file is left as it is: to begin afresh, move it away and import the policy again", ErrDamaged, path, what)
}
