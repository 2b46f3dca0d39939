package store

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"
)

// later are the options of a version that keeps records under other names, two layouts on.
func later() Options {
	return Options{format: format + 2, migrations: map[uint64]migration{
		format: func(tx *bbolt.Tx) error {
			records := tx.Bucket(bucketRecords)
			b, err := records.CreateBucketIfNotExists([]byte("sources"))
			if err != nil {
				return err
			}
			value := records.Bucket([]byte("bans")).Get([]byte("list"))
			return errors.Join(b.Put([]byte("kept away"), value), records.DeleteBucket([]byte("bans")))
		},
		format + 1: func(tx *bbolt.Tx) error {
			return tx.Bucket(bucketRecords).Bucket([]byte("sources")).Put([]byte("colour"), seal([]byte("blue")))
		},
	}}
}

// older is a file as this version writes it, closed.
func older(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "tollgate.db")
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Put("bans", "list", []byte("203.0.113.9")); err != nil {
		t.Fatal(err)
	}
	confirm(t, s, propose(t, s, "one").Number)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func wantRecord(t *testing.T, s *Store, kind, key, want string) {
	t.Helper()
	if got, _, err := s.Get(kind, key); string(got) != want || err != nil {
		t.Errorf("%s %s is %q, %v; want %q", kind, key, got, err, want)
	}
}

// opened opens a file with options, for one test's next step.
func opened(t *testing.T, o Options, path string) *Store {
	t.Helper()
	s, err := o.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestALaterVersionTakesOverWhatAnEarlierOneKept(t *testing.T) {
	path := older(t)
	for range 2 { // the second start finds it migrated
		s := opened(t, later(), path)
		wantRecord(t, s, "sources", "kept away", "203.0.113.9")
		wantRecord(t, s, "sources", "colour", "blue")
		wantRecord(t, s, "bans", "list", "")
		wantConfirmed(t, s, 1, "one")
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAVersionThatIsFallenBackToFindsItsStateAsItLeftIt(t *testing.T) {
	path := older(t)
	for range 2 { // the later one may be tried again
		s := opened(t, later(), path)
		confirm(t, s, propose(t, s, "two, in new words").Number)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = opened(t, Options{}, path)
		wantRecord(t, s, "bans", "list", "203.0.113.9")
		wantConfirmed(t, s, 1, "one")
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOnceALaterVersionHasProvedItselfThereIsNoWayBack(t *testing.T) {
	path := older(t)
	s := opened(t, later(), path)
	if err := s.ForgetCopies(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(path + "?*"); len(left) != 0 {
		t.Errorf("left behind: %q", left)
	}
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), "use the release that wrote it") {
		t.Errorf("%v", err)
	}
	opened(t, later(), path) // and it is as it was
}

func TestAMigrationThatFailsOrIsCutOffLeavesTheStateAsItWas(t *testing.T) {
	path := older(t)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	broken := later()
	broken.migrations[format+1] = func(tx *bbolt.Tx) error { return errors.New("the disk is full") }
	if _, err := broken.Open(path); err == nil || !strings.Contains(err.Error(), "the disk is full") {
		t.Fatalf("%v", err)
	}
	s := opened(t, Options{}, path)
	wantRecord(t, s, "bans", "list", "203.0.113.9")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	// A cut before the copy has its name leaves a file that is half made, one after it leaves the copy.
	if err := os.WriteFile(path+halfMade+"1", before[:5000], 0o600); err != nil {
		t.Fatal(err)
	}
	s = opened(t, later(), path)
	wantRecord(t, s, "sources", "kept away", "203.0.113.9")
	if _, err := os.Stat(path + halfMade + "1"); err == nil {
		t.Error("what was half made is still there")
	}
	gap := later()
	delete(gap.migrations, format)
	if _, err := gap.Open(older(t)); err == nil || !strings.Contains(err.Error(), "layout 1 and this Tollgate reads layout 3") {
		t.Errorf("a version that has forgotten how: %v", err)
	}
}
