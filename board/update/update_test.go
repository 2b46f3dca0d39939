package update

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// bench is a box with slots of files, and the key that its updates are signed with.
type bench struct {
	Installer
	key ed25519.PrivateKey
}

const (
	oldSystem = "the system that runs"
	slotSize  = 64 << 10
)

func newBench(t *testing.T) *bench {
	t.Helper()
	dir := t.TempDir()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{key: private, Installer: Installer{
		Slots:   Slots{A: filepath.Join(dir, "a"), B: filepath.Join(dir, "b"), State: filepath.Join(dir, "state")},
		Running: Running{Board: "virt", Release: "1.0.0", Built: 1000, Slot: A},
		Keys:    []ed25519.PublicKey{public}, Spool: dir,
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

func (b *bench) bundle(t *testing.T, change func(*Manifest)) []byte {
	t.Helper()
	m := Manifest{Board: "virt", Release: "1.1.0", Built: 1001}
	if change != nil {
		change(&m)
	}
	var out bytes.Buffer
	if err := Pack(&out, m, newSystem(), b.key); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

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
	m, err := b.Install(bytes.NewReader(b.bundle(t, nil)))
	if err != nil || m.Release != "1.1.0" {
		t.Fatalf("%+v, %v", m, err)
	}
	if !b.holds(t, A, []byte(oldSystem)) || !b.holds(t, B, newSystem()) {
		t.Fatal("the slots hold something else")
	}
	b.start(t)
	if b.Running.Slot != B || !b.Running.Trial {
		t.Fatalf("started %+v", b.Running)
	}
	if _, err := b.Install(bytes.NewReader(b.bundle(t, nil))); err == nil {
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
	if _, err := b.Install(bytes.NewReader(b.bundle(t, nil))); err != nil {
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
	if _, err := b.Install(bytes.NewReader(b.bundle(t, nil))); err != nil {
		t.Errorf("it cannot be tried again: %v", err)
	}
}

func TestWhatIsNotRightChangesNothing(t *testing.T) {
	stranger := newBench(t)
	for name, c := range map[string]struct {
		change  func(*Manifest)
		running func(*bench)
		spoil   func([]byte) []byte
		want    string
	}{
		"another board":      {change: func(m *Manifest) { m.Board = "rpi" }, want: `for "rpi"`},
		"older":              {change: func(m *Manifest) { m.Built = 999 }, want: "not newer"},
		"the same once more": {change: func(m *Manifest) { m.Built = 1000 }, want: "not newer"},
		"another's key":      {running: func(b *bench) { b.Keys = stranger.Keys }, want: "signature"},
		"no key":             {running: func(b *bench) { b.Keys = nil }, want: "without a key"},
		"no slots":           {running: func(b *bench) { b.Running.Slot = "" }, want: "no slots"},
		"truncated":          {spoil: func(b []byte) []byte { return b[:len(b)-1] }, want: "ends after"},
		"longer":             {spoil: func(b []byte) []byte { return append(b, 0) }, want: "longer"},
		"bit in the content": {spoil: func(b []byte) []byte { b[len(b)-100] ^= 4; return b }, want: "changed on the way"},
		"bit in the manifest": {spoil: func(b []byte) []byte {
			return bytes.Replace(b, []byte(`"built":1001`), []byte(`"built":9001`), 1)
		}, want: "signature"},
		"first lines alone": {spoil: func(b []byte) []byte { return b[:40] }, want: "ends within"},
		"something else":    {spoil: func([]byte) []byte { return bytes.Repeat([]byte("PK\x03\x04"), 9000) }, want: "no update of Tollgate"},
		"too large for it":  {running: func(b *bench) { _ = os.Truncate(b.Slots.B, 1000) }, want: "room for 1000"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			if c.running != nil {
				c.running(b)
			}
			bundle := b.bundle(t, c.change)
			if c.spoil != nil {
				bundle = c.spoil(bundle)
			}
			_, err := b.Install(bytes.NewReader(bundle))
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

func TestKeysAreRead(t *testing.T) {
	key := base64.StdEncoding.EncodeToString(make([]byte, ed25519.PublicKeySize))
	if keys, err := ParseKeys("# ours\n\n" + key + "\n"); len(keys) != 1 || err != nil {
		t.Errorf("%d keys, %v", len(keys), err)
	}
	if _, err := ParseKeys("\n" + key[:20]); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("%v", err)
	}
}

func FuzzUpdate(f *testing.F) {
	f.Add([]byte(magic + "AAAA\n{}\n"))
	f.Fuzz(func(t *testing.T, bundle []byte) {
		b := newBench(t)
		if _, err := b.Install(bytes.NewReader(bundle)); err == nil {
			t.Error("an update without a signature was taken")
		}
	})
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
