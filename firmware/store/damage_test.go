package store

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"
)

// grown returns the bytes of a file with a history: several pages deep, with free pages and records.
func grown(t testing.TB) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tollgate.db")
	s, err := Options{Keep: 12}.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	for n := uint64(1); n <= 20; n++ {
		if _, err := s.Propose(documentOf(n), "child", "test", noon, noon); err != nil {
			t.Fatal(err)
		}
		confirm(t, s, n)
	}
	for i := range 150 {
		if err := s.Put("key", fmt.Sprintf("key-%03d", i), bytes.Repeat([]byte{byte(i)}, 100)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// grownSmall is grown in few and small pages, so that most bytes of it mean something.
func grownSmall(t testing.TB) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tollgate.db")
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{PageSize: 1024})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Update(makeBuckets), db.Close()); err != nil {
		t.Fatal(err)
	}
	s, err := Options{Keep: 6}.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	for n := uint64(1); n <= 8; n++ {
		if _, err := s.Propose(documentOf(n)[:11], "child", "", noon, noon); err != nil {
			t.Fatal(err)
		}
		confirm(t, s, n)
		if err := s.Put("key", fmt.Sprint(n), bytes.Repeat([]byte{byte(n)}, 200)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// wantSafe opens damaged bytes as a boot would: either it is told, or everything in it is whole and can be written to.
func wantSafe(t *testing.T, what string, b []byte) (refused bool) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tollgate.db")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Open(path)
	if err != nil {
		if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "import the policy again") {
			t.Errorf("%s: %v", what, err)
		}
		if kept, _ := os.ReadFile(path); !bytes.Equal(kept, b) {
			t.Errorf("%s: the damaged file was changed", what)
		}
		return true
	}
	defer s.Close()
	r, found, err := s.Confirmed()
	if err != nil || !found || !bytes.HasPrefix(documentOf(r.Number), r.Policy) || len(r.Policy) < 11 {
		t.Errorf("%s: revision %d is in force, %v, %v", what, r.Number, found, err)
	}
	if _, err := s.Propose([]byte("next"), "", "", noon, noon); err != nil {
		t.Errorf("%s: writing to what was accepted: %v", what, err)
	}
	if _, err := s.Revisions(0); err != nil {
		t.Errorf("%s: reading after writing: %v", what, err)
	}
	return false
}

func TestACutOffStateIsAClearError(t *testing.T) {
	whole := grown(t)
	for _, size := range []int{0, 1, 15, 79, 80, 4095, 4096, 8191, 8192, 16384, len(whole) / 2, len(whole) - 4096*3} {
		if !wantSafe(t, fmt.Sprintf("%d of %d bytes", size, len(whole)), whole[:size]) && size < len(whole)/2 {
			t.Errorf("%d of %d bytes were accepted", size, len(whole))
		}
	}
}

func TestADamagedStateIsAClearErrorAndNeverAPanic(t *testing.T) {
	for name, c := range map[string]struct {
		whole        []byte
		page, rounds int
	}{"large": {grown(t), 4096, 60}, "small": {grownSmall(t), 1024, 600}} {
		t.Run(name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(5, 6))
			refused := 0
			for i := range c.rounds {
				b := bytes.Clone(c.whole)
				what := damage(random, b, c.page, i)
				if wantSafe(t, fmt.Sprintf("%d: %s", i, what), b) {
					refused++
				}
			}
			if refused < c.rounds/5 || refused == c.rounds {
				t.Errorf("%d of %d were refused", refused, c.rounds)
			}
		})
	}
}

// damage spoils a file in one of several ways and says how.
func damage(random *rand.Rand, b []byte, page, i int) string {
	at := random.IntN(len(b))
	start := at / page * page
	switch i % 5 {
	case 0:
		b[at] ^= 1 << random.IntN(8)
		return fmt.Sprintf("one bit at %d", at)
	case 1:
		at = start + random.IntN(64)
		b[at] = byte(random.Uint32())
		return fmt.Sprintf("one byte of a page's head at %d", at)
	case 2:
		clear(b[start : start+page])
		return fmt.Sprintf("page %d empty", start/page)
	case 3:
		other := random.IntN(len(b)) / page * page
		copy(b[start:start+page], b[other:other+page])
		return fmt.Sprintf("page %d over page %d", other/page, start/page)
	default:
		for range 8 {
			at = start + random.IntN(256)/8*8
			order.PutUint64(b[at:], uint64(random.IntN(len(b)/page)))
		}
		return fmt.Sprintf("pointers in page %d", start/page)
	}
}

// Bbolt would follow these until the memory is gone, or write over what is in use.
func TestPointersInCirclesAndFreePagesInUseAreSeen(t *testing.T) {
	whole, pages := grown(t), 0
	for id := uint64(2); id < uint64(len(whole)/4096); id++ {
		head := whole[id*4096:]
		if order.Uint64(head) != id || order.Uint16(head[10:]) == 0 {
			continue
		}
		b := bytes.Clone(whole)
		switch order.Uint16(head[8:]) {
		case branchPage:
			order.PutUint64(b[id*4096+headerSize+8:], id) // its first child is itself
		case freelistPage:
			m, err := readMeta(bytes.NewReader(b), int64(len(b)))
			if err != nil || m.freelist != id {
				continue
			}
			order.PutUint64(b[id*4096+headerSize:], m.root)
		default:
			continue
		}
		if wantSafe(t, fmt.Sprintf("page %d", id), b) {
			pages++
		}
	}
	if pages < 2 {
		t.Errorf("%d damages were seen, want one of a branch and one of the list of free pages at least", pages)
	}
}

func TestWhatIsNoStateIsAClearError(t *testing.T) {
	for name, b := range map[string][]byte{
		"text": []byte("version: 1\n"), "zeros": make([]byte, 1<<16), "noise": bytes.Repeat([]byte("noise"), 20_000),
	} {
		if !wantSafe(t, name, b) {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestADamagedStateCanBeSetAsideAndIsNotDeleted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tollgate.db")
	for n, content := range []string{"first", "second"} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path); !errors.Is(err, ErrDamaged) {
			t.Fatalf("Open = %v", err)
		}
		aside, err := SetAside(path)
		if err != nil || aside != fmt.Sprintf("%s.damaged-%d", path, n+1) {
			t.Fatalf("SetAside = %q, %v", aside, err)
		}
		if kept, err := os.ReadFile(aside); string(kept) != content {
			t.Errorf("%s holds %q, %v", aside, kept, err)
		}
	}
	s := reopened(t, path)
	wantConfirmed(t, s, 0, "")
	if _, err := SetAside(path + "-not-there"); err == nil {
		t.Error("a file that is not there was set aside")
	}
}

func TestAStateOfALaterReleaseIsAnErrorThatSaysSo(t *testing.T) {
	s, path := newStore(t)
	err := s.update(func(tx *tx) error { return tx.Bucket(bucketAbout).Put(keyFormat, numberKey(format+1)) })
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); err == nil || errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "use the release that wrote it") {
		t.Errorf("Open = %v", err)
	}
}

// A surprise inside bbolt after the file was accepted is an error for good, not a panic and not a call that hangs.
func TestAPanicWithinIsAnErrorAndTheLast(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tollgate.db")
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.update(func(*tx) error { panic("page 7: surprise") }); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "page 7: surprise") {
		t.Errorf("update = %v", err)
	}
	if err := s.Put("a", "b", nil); !errors.Is(err, ErrDamaged) {
		t.Errorf("Put = %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// FuzzInspect holds the inspection to its promise: what it accepts, bbolt opens, reads and writes without a surprise.
func FuzzInspect(f *testing.F) {
	whole := grownSmall(f)
	f.Add(whole)
	f.Add(whole[:1<<14])
	f.Fuzz(func(t *testing.T, b []byte) {
		if inspect(bytes.NewReader(b), int64(len(b))) != nil {
			return
		}
		path := filepath.Join(t.TempDir(), "tollgate.db")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Open(path)
		if err != nil {
			return
		}
		defer s.Close()
		if _, err := s.Propose([]byte("next"), "", "", noon, noon); err != nil {
			t.Errorf("writing to what was accepted: %v", err)
		}
	})
}
