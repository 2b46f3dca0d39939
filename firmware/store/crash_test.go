package store

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A process that imports one policy after the other is killed (SIGKILL) at a random moment, 100 times over the same file.
// Each time the file holds the revision that was confirmed last or the one that was being imported, whole.
func TestKilledDuringAnImportTheOldOrTheNewPolicyIsThereWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tollgate.db")
	random := rand.New(rand.NewPCG(1, 2))
	var confirmed, during uint64
	for range 100 {
		until, kill := startChild(t, path, "import")
		until("open")
		time.Sleep(time.Duration(random.IntN(30_000)) * time.Microsecond)
		told := kill()
		if told.err != "" {
			t.Fatalf("the child failed: %s", told.err)
		}
		confirmed, during = max(confirmed, told.confirmed), max(during, told.importing)
		got := wantWhole(t, path)
		if got != confirmed && got != during {
			t.Fatalf("revision %d is in force; confirmed was %d, being imported was %d", got, confirmed, during)
		}
		confirmed = got
	}
	if confirmed < 100 {
		t.Errorf("%d revisions in 100 lives: the children were killed before they did anything", confirmed)
	}
}

// wantWhole opens the file as a boot would, checks every revision by its content and returns the one in force.
func wantWhole(t *testing.T, path string) uint64 {
	t.Helper()
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	list, err := s.Revisions(0)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range list {
		if !bytes.Equal(r.Policy, documentOf(r.Number)) || r.Who != "child" {
			t.Fatalf("revision %d is not what was imported", r.Number)
		}
	}
	r, _, err := s.Confirmed()
	if err != nil {
		t.Fatal(err)
	}
	return r.Number
}

// The file itself is there whole or not at all, whenever its making is interrupted.
func TestKilledWhileTheStateIsMadeTheNextStartMakesIt(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 20 {
		path := filepath.Join(t.TempDir(), "tollgate.db")
		until, kill := startChild(t, path, "hold")
		until("opening")
		time.Sleep(time.Duration(random.IntN(8_000)) * time.Microsecond)
		kill()
		if got := wantWhole(t, path); got != 0 {
			t.Errorf("revision %d is in force in a new state", got)
		}
		if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
			t.Errorf("beside the state there is something left: %v, %v", entries, err)
		}
	}
}

func TestAStateOpenElsewhereIsAClearErrorWithARemedy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tollgate.db")
	until, kill := startChild(t, path, "hold")
	until("open")
	start := time.Now()
	_, err := Options{LockWait: 100 * time.Millisecond}.Open(path)
	if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), "stop the other tollgate") || !strings.Contains(err.Error(), path) {
		t.Errorf("Open = %v", err)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("it took %v to say so", took)
	}
	kill()
	wantWhole(t, path)
}

// A second store of the same process is refused too, and leaves the first one's lock alone.
func TestAStateIsOpenOnce(t *testing.T) {
	s, path := newStore(t)
	if _, err := (Options{LockWait: time.Millisecond}).Open(path); !errors.Is(err, ErrLocked) {
		t.Errorf("Open = %v", err)
	}
	confirm(t, s, propose(t, s, "one").Number)
	if _, err := (Options{LockWait: time.Millisecond}).Open(path); !errors.Is(err, ErrLocked) {
		t.Errorf("Open = %v", err)
	}
}

func TestAFolderInThePlaceOfTheStateIsAnError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tollgate.db")
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); err == nil {
		t.Error("a folder was opened")
	}
}
