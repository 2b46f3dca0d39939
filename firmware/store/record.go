package store

import (
	"errors"
	"fmt"

	"go.etcd.io/bbolt"
)

// Put keeps a value under a kind and a key, in place of the one before.
func (s *Store) Put(kind, key string, value []byte) error {
	if kind == "" || key == "" {
		return errors.New("keeping a record: it needs a kind and a key")
	}
	err := s.update(func(tx *bbolt.Tx) error {
		b, err := tx.Bucket(bucketRecords).CreateBucketIfNotExists([]byte(kind))
		if err != nil {
			return err
		}
		return b.Put([]byte(key), seal(value))
	})
	return s.wrap(err, "keeping %s %s", kind, key)
}

// Get returns the value kept under a kind and a key, and whether there is one.
func (s *Store) Get(kind, key string) (value []byte, found bool, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketRecords).Bucket([]byte(kind))
		if b == nil {
			return nil
		}
		sealed := b.Get([]byte(key))
		if sealed == nil {
			return nil
		}
		found = true
		value, err = unseal(sealed)
		if err != nil {
			return damaged(s.path, err.Error())
		}
		return nil
	})
	if err != nil {
		return nil, false, s.wrap(err, "reading %s %s", kind, key)
	}
	return value, found, nil
}

// Delete forgets the value kept under a kind and a key. That there is none is no error.
func (s *Store) Delete(kind, key string) error {
	err := s.update(func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketRecords).Bucket([]byte(kind))
		if b == nil {
			return nil
		}
		return b.Delete([]byte(key))
	})
	return s.wrap(err, "forgetting %s %s", kind, key)
}

// List returns the keys of a kind in order.
func (s *Store) List(kind string) ([]string, error) {
	var keys []string
	err := s.view(func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketRecords).Bucket([]byte(kind))
		if b == nil {
			return nil
		}
		return b.ForEach(func(key, _ []byte) error {
			keys = append(keys, string(key))
			return nil
		})
	})
	return keys, s.wrap(err, "listing the records of kind %s", kind)
}

// wrap says what was being done when err came up.
func (s *Store) wrap(err error, doing string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf(doing+": %w", append(args, err)...)
}
