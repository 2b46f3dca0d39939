package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"go.etcd.io/bbolt"
)

// migration turns one layout into the next, within a transaction.
type migration func(*bbolt.Tx) error

// migrations lists, for each layout before the present one, how it becomes the next. There is only one layout so far.
func migrations() map[uint64]migration { return nil }

// laidOut is between the name of a file and the number of a layout: a copy from before a migration.
const laidOut = ".layout-"

func copyPath(path string, layout uint64) string { return fmt.Sprintf("%s%s%d", path, laidOut, layout) }

// layout is the number that the file has.
func (s *Store) layout() (n uint64, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		about := tx.Bucket(bucketAbout)
		if about == nil {
			return damaged(s.path, "a part of it is missing")
		}
		n = numberOf(about.Get(keyFormat))
		return nil
	})
	return n, err
}

// migrate brings a file of an earlier layout to the present one. The file as it was stays beside it: a version before this one, to
// which the box may fall back, knows only that.
func (s *Store) migrate(from uint64) error {
	for n := from; n < s.format; n++ {
		if s.migrations[n] == nil {
			return fmt.Errorf("the state %s has layout %d and this Tollgate reads layout %d: use the release that wrote it", s.path, from, s.format)
		}
	}
	if err := s.readThrough(from); err != nil {
		return err
	}
	if err := s.copyTo(copyPath(s.path, from)); err != nil {
		return err
	}
	err := s.update(func(tx *bbolt.Tx) error {
		for n := from; n < s.format; n++ {
			if err := s.migrations[n](tx); err != nil {
				return fmt.Errorf("from layout %d: %w", n, err)
			}
		}
		return tx.Bucket(bucketAbout).Put(keyFormat, numberKey(s.format))
	})
	return s.wrap(err, "migrating the state %s", s.path)
}

// copyTo writes the file as it is to another place, whole or not at all.
func (s *Store) copyTo(path string) error {
	temp, err := os.CreateTemp(filepath.Dir(s.path), filepath.Base(s.path)+halfMade+"*")
	if err != nil {
		return fmt.Errorf("copying the state: %w", err)
	}
	defer os.Remove(temp.Name())
	err = s.view(func(tx *bbolt.Tx) error {
		_, err := tx.WriteTo(temp)
		return err
	})
	if err = errors.Join(err, temp.Sync(), temp.Close()); err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("copying the state: %w", err)
	}
	return syncFolder(filepath.Dir(path))
}

// fallBack puts the copy that was made before a migration in the place of the file, which a later version has written. What that
// version added is lost: it has not proved itself.
func fallBack(path string, layout, format uint64) error {
	err := os.Rename(copyPath(path, format), path)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("the state %s has layout %d and this Tollgate reads layout %d: use the release that wrote it", path, layout, format)
	}
	if err != nil {
		return fmt.Errorf("going back to the state before the update: %w", err)
	}
	return syncFolder(filepath.Dir(path))
}

// ForgetCopies removes what earlier versions of the box would need: this one has proved itself.
func (s *Store) ForgetCopies() error {
	folder := filepath.Dir(s.path)
	entries, err := os.ReadDir(folder)
	if err != nil {
		return fmt.Errorf("forgetting the state before the update: %w", err)
	}
	var errs []error
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), filepath.Base(s.path)+laidOut) {
			errs = append(errs, os.Remove(filepath.Join(folder, e.Name())))
		}
	}
	return errors.Join(errs...)
}
