package store

import (
	"bytes"
	"fmt"

	"go.etcd.io/bbolt"
)

// Confirmed returns the revision that was confirmed last, and whether there is one. It is what the box boots from.
func (s *Store) Confirmed() (r Revision, found bool, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		r, found, err = s.confirmedIn(tx)
		return err
	})
	if err != nil {
		return Revision{}, false, s.wrap(err, "reading the confirmed revision")
	}
	return r, found, nil
}

func (s *Store) confirmedIn(tx *bbolt.Tx) (Revision, bool, error) {
	key := tx.Bucket(bucketAbout).Get(keyConfirmed)
	if key == nil {
		return Revision{}, false, nil
	}
	sealed := tx.Bucket(bucketRevisions).Get(key)
	if sealed == nil {
		return Revision{}, false, damaged(s.path, fmt.Sprintf("revision %d is the confirmed one and is missing", numberOf(key)))
	}
	r, err := readRevision(key, sealed)
	if err != nil {
		return Revision{}, false, damaged(s.path, err.Error())
	}
	if r.State != Confirmed {
		return Revision{}, false, damaged(s.path, fmt.Sprintf("revision %d is the confirmed one and says it is %s", r.Number, r.State))
	}
	return r, true, nil
}

// Revisions returns the newest revisions, the newest first, at most limit of them; all that are kept when limit is 0.
func (s *Store) Revisions(limit int) ([]Revision, error) {
	var list []Revision
	err := s.view(func(tx *bbolt.Tx) error {
		c := tx.Bucket(bucketRevisions).Cursor()
		for key, sealed := c.Last(); key != nil && (limit <= 0 || len(list) < limit); key, sealed = c.Prev() {
			r, err := readRevision(key, sealed)
			if err != nil {
				return damaged(s.path, err.Error())
			}
			list = append(list, r)
		}
		return nil
	})
	if err != nil {
		return nil, s.wrap(err, "reading the revisions")
	}
	return list, nil
}

// prune forgets old revisions, but never the confirmed one.
func (s *Store) prune(tx *bbolt.Tx) error {
	b := tx.Bucket(bucketRevisions)
	confirmed := numberOf(tx.Bucket(bucketAbout).Get(keyConfirmed))
	var old [][]byte
	seen := 0
	for c, key := cursorAtEnd(b); key != nil; key, _ = c.Prev() {
		if seen++; seen > s.keep && numberOf(key) != confirmed {
			old = append(old, bytes.Clone(key))
		}
	}
	for _, key := range old {
		if err := b.Delete(key); err != nil {
			return err
		}
	}
	return nil
}

func cursorAtEnd(b *bbolt.Bucket) (*bbolt.Cursor, []byte) {
	c := b.Cursor()
	key, _ := c.Last()
	return c, key
}
