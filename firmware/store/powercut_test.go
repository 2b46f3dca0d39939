package store

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"
)

var powerCuts = flag.Int("powercuts", 1000, "how often the power is cut in TestWhereverThePowerIsCut…")

// sectorSize is the most that a disk writes whole.
const sectorSize = 512

// history is what the store was asked to do while its writes were recorded.
type history struct {
	before []byte // the file at the start
	log    []written
	acts   []act
}

// act is one thing that the store has confirmed: from then on it must never be lost.
type act struct {
	begun, done int // places in the log
	revision    uint64
	note        string
}

// policyOf makes documents of many lengths, so that pages of the file split and join.
func policyOf(revision uint64) []byte {
	return bytes.Repeat([]byte(fmt.Sprintf("revision %d\n", revision)), 1+int(revision*37%700))
}

// inMemory is a folder in a memory file system, where there is one: what a disk does is decided here.
func inMemory(t *testing.T) string {
	dir, err := os.MkdirTemp("/dev/shm", "tollgate-store-*")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// lived imports policies, one after the other, among other small writes, and records how they reach the disk.
func lived(t *testing.T) history {
	path := filepath.Join(inMemory(t), "tollgate.db")
	s, err := Options{Keep: 8}.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var h history
	if h.before, err = os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	h.log = record(t, func(r *recorder) error {
		for n := uint64(1); n <= 40; n++ {
			a := act{begun: r.length(), note: fmt.Sprintf("%0*d", 1+n*53%900, n)}
			if err := errors.Join(s.Put("note", "latest", []byte(a.note)), s.Put("calls", fmt.Sprint(n%5), bytes.Repeat([]byte{byte(n)}, int(n*997%6000)))); err != nil {
				return err
			}
			p, err := s.Propose(policyOf(n), "stick", "test", noon, noon.Add(time.Minute))
			if err != nil {
				return err
			}
			if err := s.Confirm(p.Number, noon); err != nil {
				return err
			}
			a.revision, a.done = p.Number, r.length()
			h.acts = append(h.acts, a)
		}
		return nil
	})
	return h
}

// cut is what a disk holds after the power has gone when a part of the log had been asked for: all that was flushed, and any sectors
// of the rest, in any order. A disk that obeys tells of nothing before it is true; one that does not loses more.
func (h history) cut(random *rand.Rand, at int, obeys bool) []byte {
	disk := bytes.Clone(h.before)
	type sector struct {
		data   []byte
		offset int64
	}
	var waiting []sector
	var size int64
	put := func(s sector) {
		if end := s.offset + int64(len(s.data)); end > int64(len(disk)) {
			disk = append(disk, make([]byte, end-int64(len(disk)))...)
		}
		copy(disk[s.offset:], s.data)
	}
	for _, w := range h.log[:at] {
		switch {
		case w.flush && obeys:
			for _, s := range waiting {
				put(s)
			}
			if size > int64(len(disk)) {
				disk = append(disk, make([]byte, size-int64(len(disk)))...)
			}
			waiting, size = nil, 0
		case w.data != nil:
			for i := 0; i < len(w.data); i += sectorSize {
				waiting = append(waiting, sector{w.data[i:min(i+sectorSize, len(w.data))], w.offset + int64(i)})
			}
		case !w.flush:
			size = w.size
		}
	}
	random.Shuffle(len(waiting), func(i, j int) { waiting[i], waiting[j] = waiting[j], waiting[i] })
	likely := random.Float64()
	for _, s := range waiting {
		if random.Float64() < likely {
			put(s)
		}
	}
	return disk
}

// opened boots from what is left on the disk, and says what is wrong with it.
func (h history) opened(path string, disk []byte, at int) error {
	if err := os.WriteFile(path, disk, 0o600); err != nil {
		return err
	}
	s, err := Open(path)
	if err != nil {
		return err
	}
	defer s.Close()
	var last, next act
	for _, a := range h.acts {
		if a.done <= at {
			last = a
		} else if a.begun < at {
			next = a
		}
	}
	r, found, err := s.Confirmed()
	if err != nil {
		return err
	}
	if r.Number != last.revision && (next.revision == 0 || r.Number != next.revision) {
		return fmt.Errorf("revision %d is in force, confirmed was %d, being imported %d", r.Number, last.revision, next.revision)
	}
	if found && !bytes.Equal(r.Policy, policyOf(r.Number)) {
		return fmt.Errorf("revision %d is not what was imported", r.Number)
	}
	note, _, err := s.Get("note", "latest")
	if got := string(note); err == nil && got != last.note && got != next.note {
		err = fmt.Errorf("the note is %.20q, not %.20q or %.20q", got, last.note, next.note)
	}
	return err
}

func TestWhereverThePowerIsCutTheStateOpensAndNoConfirmedRevisionIsLost(t *testing.T) {
	h := lived(t)
	flushes, writes := 0, 0
	for _, w := range h.log {
		if w.flush {
			flushes++
		} else if w.data != nil {
			writes++
		}
	}
	if len(h.acts) != 40 || flushes < 2*4*40 || writes < 2*4*40 { // two writes and two flushes a transaction, at least
		t.Fatalf("%d imports, %d writes, %d flushes: something was not recorded", len(h.acts), writes, flushes)
	}
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	path := filepath.Join(inMemory(t), "tollgate.db")
	for n := range *powerCuts {
		at := random.IntN(len(h.log) + 1)
		if err := h.opened(path, h.cut(random, at, true), at); err != nil {
			t.Fatalf("cut %d (seed %d), after %d of %d: %v", n, seed, at, len(h.log), err)
		}
	}
}

// What the test above would see if the store did not wait for the disk.
func TestOnADiskThatDoesNotFlushRevisionsAreLost(t *testing.T) {
	h := lived(t)
	random := rand.New(rand.NewPCG(1, 2))
	path := filepath.Join(inMemory(t), "tollgate.db")
	for range 100 {
		at := len(h.log) - random.IntN(len(h.log)/2)
		if err := h.opened(path, h.cut(random, at, false), at); err != nil {
			return
		}
	}
	t.Error("a hundred times nothing was lost: the test does not see losses")
}
