package update

import (
	"bytes"
	"crypto/sha256"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// bench is a box with slots of files.
type bench struct{ Installer }

const (
	oldSystem = "the system that runs"
	slotSize  = 64 << 10
)

func newBench(t *testing.T) *bench {
	t.Helper()
	dir := t.TempDir()
	b := &bench{Installer{
		Slots:   Slots{A: filepath.Join(dir, "a"), B: filepath.Join(dir, "b"), State: filepath.Join(dir, "state")},
		Running: Running{Board: "virt", Release: "1.0.0", Built: 1000, Slot: A},
		Spool:   dir,
	}}
	for path, size := range map[string]int{b.Slots.A: slotSize, b.Slots.B: slotSize, b.Slots.State: 16 * copySize} {
		content := make([]byte, size)
		if path == b.Slots.A {
			copy(content, oldSystem)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// newSystem is longer than a head, so that both ways of writing are taken.
func newSystem() []byte {
	return bytes.Repeat([]byte("the system that is to run. "), 1000)
}

// described is the new system as its maker describes it.
func described(change func(*System)) System {
	sum := sha256.Sum256(newSystem())
	s := System{Board: "virt", Release: "1.1.0", Built: 1001, Size: int64(len(newSystem())), SHA256: sum[:]}
	if change != nil {
		change(&s)
	}
	return s
}

// install brings the new system.
func (b *bench) install() error { return b.Install(described(nil), bytes.NewReader(newSystem())) }

func (b *bench) state(t *testing.T) State {
	t.Helper()
	s, err := b.Slots.Read()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (b *bench) holds(t *testing.T, slot Slot, want []byte) bool {
	t.Helper()
	content, err := os.ReadFile(b.Slots.path(slot))
	if err != nil {
		t.Fatal(err)
	}
	return bytes.HasPrefix(content, want)
}

// start is what the loader does at a start (buildroot/board/virt/boot.cmd).
func (b *bench) start(t *testing.T) {
	t.Helper()
	s := b.state(t)
	b.Running.Slot, b.Running.Trial = s.Active, false
	if s.Left {
		s.Left = false
		b.Running.Slot, b.Running.Trial = s.Trying, true
		if err := b.Slots.write(s); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAnUpdateIsTriedAndCommitted(t *testing.T) {
	b := newBench(t)
	if err := b.install(); err != nil {
		t.Fatal(err)
	}
	if !b.holds(t, A, []byte(oldSystem)) || !b.holds(t, B, newSystem()) {
		t.Fatal("the slots hold something else")
	}
	b.start(t)
	if b.Running.Slot != B || !b.Running.Trial {
		t.Fatalf("started %+v", b.Running)
	}
	if err := b.install(); err == nil {
		t.Error("an update is taken while the last one is on trial")
	}
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	b.start(t)
	if fell, err := b.Fallback(); b.Running.Slot != B || b.Running.Trial || fell || err != nil {
		t.Errorf("after the commit: %+v, fell back %v, %v", b.Running, fell, err)
	}
}

func TestAnUpdateThatDoesNotProveItselfIsLeft(t *testing.T) {
	b := newBench(t)
	if err := b.install(); err != nil {
		t.Fatal(err)
	}
	b.start(t) // on trial, and then it hangs
	b.start(t)
	if b.Running.Slot != A || b.Running.Trial {
		t.Fatalf("started %+v", b.Running)
	}
	for n, want := range []bool{true, false} {
		if fell, err := b.Fallback(); fell != want || err != nil {
			t.Errorf("asked %d: %v, %v", n, fell, err)
		}
	}
	if err := b.install(); err != nil {
		t.Errorf("it cannot be tried again: %v", err)
	}
}

func TestWhatIsNotRightChangesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(*System)
		running func(*bench)
		spoil   func([]byte) []byte
		want    string
	}{
		"another board":      {change: func(s *System) { s.Board = "rpi" }, want: `for "rpi"`},
		"older":              {change: func(s *System) { s.Built = 999 }, want: "not newer"},
		"the same once more": {change: func(s *System) { s.Built = 1000 }, want: "not newer"},
		"no checksum":        {change: func(s *System) { s.SHA256 = nil }, want: "checksum"},
		"no slots":           {running: func(b *bench) { b.Running.Slot = "" }, want: "no slots"},
		"truncated":          {spoil: func(b []byte) []byte { return b[:len(b)-1] }, want: "ends after"},
		"longer":             {spoil: func(b []byte) []byte { return append(b, 0) }, want: "longer"},
		"bit in the content": {spoil: func(b []byte) []byte { b[len(b)-100] ^= 4; return b }, want: "changed on the way"},
		"too large for it":   {running: func(b *bench) { _ = os.Truncate(b.Slots.B, 1000) }, want: "room for 1000"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			if c.running != nil {
				c.running(b)
			}
			content := newSystem()
			if c.spoil != nil {
				content = c.spoil(content)
			}
			err := b.Install(described(c.change), bytes.NewReader(content))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
			if s := b.state(t); s != fresh {
				t.Errorf("the next start takes %+v", s)
			}
			if !b.holds(t, A, []byte(oldSystem)) || !b.holds(t, B, make([]byte, 1000)) {
				t.Error("a slot was written to")
			}
			if left, _ := filepath.Glob(filepath.Join(b.Spool, "update-*")); len(left) != 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func TestOneWholeCopyOfTheStateIsEnough(t *testing.T) {
	tried := State{Active: A, Trying: B, Left: true}
	for name, c := range map[string]struct {
		spoil []int64
		want  State
	}{
		"both whole":    {nil, tried},
		"first torn":    {[]int64{10}, tried},
		"second torn":   {[]int64{secondCopy + 10}, tried},
		"neither whole": {[]int64{10, secondCopy + 10}, fresh},
	} {
		b := newBench(t)
		if err := b.Slots.write(tried); err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(b.Slots.State)
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range c.spoil {
			content[at] ^= 0xff
		}
		if err := os.WriteFile(b.Slots.State, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if got := b.state(t); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

// That U-Boot reads and writes the same is shown by scripts/qemu-test.
func TestAStateComesBackAsItWasWritten(t *testing.T) {
	for _, s := range []State{fresh, {Active: B, Trying: A, Left: true}, {Active: A, Trying: B}} {
		if got, err := parseState(s.marshal()); got != s || err != nil {
			t.Errorf("%+v came back as %+v, %v", s, got, err)
		}
	}
}

func FuzzState(f *testing.F) {
	f.Add(fresh.marshal())
	f.Fuzz(func(t *testing.T, copied []byte) {
		s, err := parseState(copied)
		if err == nil && (!s.Active.known() || s.Trying != None && !s.Trying.known()) {
			t.Errorf("%q was read as %+v", copied, s)
		}
	})
}
