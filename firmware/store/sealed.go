package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"
)

// The file's own layout within bbolt:
//
//	about      format: number of this layout · confirmed: number of the last confirmed revision
//	revisions  number -> sealed revision
//	records    kind   -> (key -> sealed value)
//
// Numbers are 8 bytes, the highest first, so that they sort. Sealed is a SHA-256 sum and what it is of.
var (
	bucketAbout     = []byte("about")
	bucketRevisions = []byte("revisions")
	bucketRecords   = []byte("records")
	keyFormat       = []byte("format")
	keyConfirmed    = []byte("confirmed")
)

// format is the number of the layout above.
const format = 1

func makeBuckets(tx *bbolt.Tx) error {
	for _, name := range [][]byte{bucketAbout, bucketRevisions, bucketRecords} {
		if _, err := tx.CreateBucketIfNotExists(name); err != nil {
			return err
		}
	}
	return tx.Bucket(bucketAbout).Put(keyFormat, numberKey(format))
}

func numberKey(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

func numberOf(key []byte) uint64 {
	if len(key) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(key)
}

func seal(value []byte) []byte {
	sum := sha256.Sum256(value)
	return append(sum[:], value...)
}

// unseal returns what was sealed, as a copy that outlives the transaction.
func unseal(sealed []byte) ([]byte, error) {
	if len(sealed) < sha256.Size {
		return nil, errors.New("a value is cut off")
	}
	value := sealed[sha256.Size:]
	if sum := sha256.Sum256(value); !bytes.Equal(sum[:], sealed[:sha256.Size]) {
		return nil, errors.New("a value is not what was written")
	}
	return bytes.Clone(value), nil
}

// readThrough reads every value once and checks that what the layout promises is there.
func (s *Store) readThrough(layout uint64) error {
	err := s.view(func(tx *bbolt.Tx) error {
		about, revisions, records := tx.Bucket(bucketAbout), tx.Bucket(bucketRevisions), tx.Bucket(bucketRecords)
		if about == nil || revisions == nil || records == nil {
			return damaged(s.path, "a part of it is missing")
		}
		if n := numberOf(about.Get(keyFormat)); n != layout {
			return fmt.Errorf("the state %s has layout %d and this Tollgate reads layout %d: use the release that wrote it", s.path, n, layout)
		}
		if err := revisions.ForEach(func(key, sealed []byte) error {
			_, err := readRevision(key, sealed)
			return err
		}); err != nil {
			return damaged(s.path, err.Error())
		}
		if err := records.ForEachBucket(func(kind []byte) error { return readRecords(records.Bucket(kind)) }); err != nil {
			return damaged(s.path, err.Error())
		}
		_, _, err := s.confirmedIn(tx)
		return err
	})
	return err
}

func readRecords(b *bbolt.Bucket) error {
	return b.ForEach(func(_, sealed []byte) error {
		_, err := unseal(sealed)
		return err
	})
}
