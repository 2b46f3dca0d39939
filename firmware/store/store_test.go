package store

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"
)

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.FixedZone("Paris", 7200))

func newStore(t testing.TB) (*Store, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "state", "tollgate.db")
	return reopened(t, path), path
}

func reopened(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func propose(t testing.TB, s *Store, doc string) Revision {
	t.Helper()
	r, err := s.Propose([]byte(doc), "alice", "because", noon, noon.Add(2*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func confirm(t testing.TB, s *Store, number uint64) {
	t.Helper()
	if err := s.Confirm(number, noon.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
}

func wantConfirmed(t testing.TB, s *Store, number uint64, doc string) {
	t.Helper()
	r, found, err := s.Confirmed()
	if err != nil || found != (number != 0) || r.Number != number || string(r.Policy) != doc {
		t.Errorf("confirmed is revision %d %q, %v, %v; want %d %q", r.Number, []byte(r.Policy), found, err, number, doc)
	}
}

func TestTheBoxBootsFromTheLastConfirmedRevision(t *testing.T) {
	s, path := newStore(t)
	wantConfirmed(t, s, 0, "")
	first := propose(t, s, "one")
	wantConfirmed(t, s, 0, "")
	confirm(t, s, first.Number)
	wantConfirmed(t, s, 1, "one")
	second := propose(t, s, "two")
	wantConfirmed(t, s, 1, "one")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = reopened(t, path)
	wantConfirmed(t, s, 1, "one")
	if err := s.Revert(second.Number, "nobody confirmed it", noon); err != nil {
		t.Fatal(err)
	}
	wantConfirmed(t, s, 1, "one")
	confirm(t, s, propose(t, s, "three").Number)
	wantConfirmed(t, s, 3, "three")
}

func TestARevisionSaysWhoWhenWhyAndWhatBecameOfIt(t *testing.T) {
	s, path := newStore(t)
	confirm(t, s, propose(t, s, "one").Number)
	r, err := s.Propose([]byte("two"), "bob", "new carrier", noon, noon.Add(2*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Revert(2, "time ran out", noon.Add(2*time.Minute)); err != nil {
		t.Fatal(err)
	}
	r3, err := s.Propose([]byte("three"), "carol", "", noon, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	want := []Revision{
		r3,
		{2, Document("two"), "bob", "new carrier", noon.UTC(), Reverted, noon.UTC().Add(2 * time.Minute), noon.UTC().Add(2 * time.Minute), "time ran out"},
		{1, Document("one"), "alice", "because", noon.UTC(), Confirmed, noon.UTC().Add(2 * time.Minute), noon.UTC().Add(time.Minute), ""},
	}
	if r.Number != 2 || r.State != Proposed || !r3.Deadline.IsZero() {
		t.Errorf("Propose returned %+v and %+v", r, r3)
	}
	for range 2 {
		got, err := s.Revisions(0)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = reopened(t, path)
	}
	if got, err := s.Revisions(1); err != nil || len(got) != 1 || got[0].Number != 3 {
		t.Errorf("Revisions(1) = %v, %v", got, err)
	}
}

func TestARevisionIsDecidedOnce(t *testing.T) {
	s, _ := newStore(t)
	for _, doc := range []string{"one", "two", "three", "four"} {
		propose(t, s, doc)
	}
	confirm(t, s, 3)
	if err := s.Revert(4, "no", noon); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ got, want error }{
		"confirming twice":                {s.Confirm(3, noon), ErrDecided},
		"reverting a confirmed one":       {s.Revert(3, "", noon), ErrDecided},
		"confirming a reverted one":       {s.Confirm(4, noon), ErrDecided},
		"confirming one from before":      {s.Confirm(2, noon), ErrDecided},
		"confirming one that is not":      {s.Confirm(9, noon), ErrUnknown},
		"reverting one that is not":       {s.Revert(0, "", noon), ErrUnknown},
		"giving up one from before is ok": {s.Revert(1, "", noon), nil},
	} {
		if !errors.Is(c.got, c.want) {
			t.Errorf("%s: %v, want %v", name, c.got, c.want)
		}
	}
	wantConfirmed(t, s, 3, "three")
	if _, err := s.Propose(nil, "", "", noon, noon); err == nil {
		t.Error("an empty policy was kept")
	}
}

func TestTheLastFiftyRevisionsAndTheConfirmedOneAreKept(t *testing.T) {
	s, _ := newStore(t)
	confirm(t, s, propose(t, s, "in force").Number)
	for i := range 60 {
		propose(t, s, fmt.Sprint(i))
	}
	list, err := s.Revisions(0)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 51 || list[0].Number != 61 || list[49].Number != 12 || list[50].Number != 1 {
		t.Errorf("%d revisions from %d to %d and %d", len(list), list[0].Number, list[49].Number, list[len(list)-1].Number)
	}
	wantConfirmed(t, s, 1, "in force")
	confirm(t, s, 61)
	propose(t, s, "last")
	if list, _ = s.Revisions(0); len(list) != 50 {
		t.Errorf("%d revisions after the old one went out of force, want 50", len(list))
	}
}

func TestRecordsAreKeptByKindAndKey(t *testing.T) {
	s, path := newStore(t)
	if _, found, err := s.Get("key", "ca"); found || err != nil {
		t.Errorf("found a record in an empty store: %v", err)
	}
	for kind, keys := range map[string][]string{"key": {"sip", "ca"}, "account": {"admin"}} {
		for _, key := range keys {
			if err := s.Put(kind, key, []byte(kind+key)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.Put("key", "ca", nil); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Delete("key", "nothing"), s.Delete("nothing", "x"), s.Close()); err != nil {
		t.Fatal(err)
	}
	s = reopened(t, path)
	if keys, err := s.List("key"); err != nil || !cmp.Equal(keys, []string{"ca", "sip"}) {
		t.Errorf("List = %q, %v", keys, err)
	}
	if v, found, err := s.Get("key", "sip"); string(v) != "keysip" || !found || err != nil {
		t.Errorf("Get = %q, %v, %v", v, found, err)
	}
	if v, found, err := s.Get("key", "ca"); len(v) != 0 || !found || err != nil {
		t.Errorf("Get of an empty record = %q, %v, %v", v, found, err)
	}
	if err := s.Delete("key", "sip"); err != nil {
		t.Fatal(err)
	}
	if _, found, _ := s.Get("key", "sip"); found {
		t.Error("a deleted record is still there")
	}
	if s.Put("", "x", nil) == nil || s.Put("x", "", nil) == nil {
		t.Error("a record without kind or key was kept")
	}
}

func TestTheFileIsForItsOwnerAlone(t *testing.T) {
	s, path := newStore(t)
	wantMode(t, path, 0o600)
	wantMode(t, filepath.Dir(path), 0o700|fs.ModeDir)
	if err := errors.Join(s.Close(), os.Chmod(path, 0o644)); err != nil {
		t.Fatal(err)
	}
	reopened(t, path)
	wantMode(t, path, 0o600)
	if left, _ := filepath.Glob(path + ".*"); left != nil {
		t.Errorf("making the state left %q", left)
	}
}

func wantMode(t *testing.T, path string, mode fs.FileMode) {
	t.Helper()
	if info, err := os.Stat(path); err != nil || info.Mode() != mode {
		t.Errorf("%s has mode %v, %v; want %v", path, info.Mode(), err, mode)
	}
}

func TestADocumentNeverPrints(t *testing.T) {
	r := Revision{Number: 1, Policy: Document("hunter2")}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		if got := fmt.Sprintf(verb, r); bytes.Contains([]byte(got), []byte("hunter2")) || bytes.Contains([]byte(got), []byte("68756e74657232")) || bytes.Contains([]byte(got), []byte("104 117")) {
			t.Errorf("%s prints %s", verb, got)
		}
	}
}

func TestManyAtOnce(t *testing.T) {
	s, _ := newStore(t)
	done := make(chan error)
	for i := range 8 {
		go func() {
			key := fmt.Sprint(i)
			_, err := s.Propose([]byte(key), "x", "", noon, noon)
			_, _, getErr := s.Get("kind", key)
			done <- errors.Join(err, s.Put("kind", key, []byte(key)), getErr)
		}()
	}
	for range 8 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if list, err := s.Revisions(0); len(list) != 8 || err != nil {
		t.Errorf("%d revisions, %v", len(list), err)
	}
}

// tx keeps bbolt's name out of the tests.
type tx = bbolt.Tx
