package update

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// errCut is what everything answers once the power is off.
var errCut = errors.New("the power is off")

// sector is what a disk writes at once, in bytes.
const sector = 512

// supply is the power of a box: it is cut at a write or a flush, and again after it has come back.
type supply struct {
	cuts   []int // steps until each
	off    bool
	steps  int // all of them
	chance *rand.Rand
}

// step counts one and tells whether the power is on after it.
func (s *supply) step() error {
	s.steps++
	if len(s.cuts) > 0 {
		s.cuts[0]--
		s.off = s.cuts[0] < 0
	}
	if s.off {
		return errCut
	}
	return nil
}

func (s *supply) back() {
	if s.off {
		s.off, s.cuts = false, s.cuts[1:]
	}
}

// flash is a partition on a card that keeps writes to itself until it is told to flush them. When the power is cut, any of them may
// have been done, in any order, and one sector may be torn.
type flash struct {
	power   *supply
	durable []byte
	cached  []byte
	dirty   map[int]bool // sectors that differ
}

func newFlash(power *supply, size int) *flash {
	return &flash{power: power, durable: make([]byte, size), cached: make([]byte, size), dirty: map[int]bool{}}
}

func (f *flash) ReadAt(b []byte, at int64) (int, error) {
	if f.power.off {
		return 0, errCut
	}
	return bytes.NewReader(f.cached).ReadAt(b, at)
}

func (f *flash) WriteAt(b []byte, at int64) (int, error) {
	if f.power.off {
		return 0, errCut
	}
	copy(f.cached[at:], b)
	for s := int(at) / sector; s*sector < int(at)+len(b); s++ {
		f.dirty[s] = true
	}
	return len(b), f.power.step()
}

func (f *flash) Sync() error {
	if f.power.off {
		return errCut
	}
	if err := f.power.step(); err != nil {
		return err
	}
	copy(f.durable, f.cached)
	clear(f.dirty)
	return nil
}

func (f *flash) Seek(int64, int) (int64, error) { return int64(len(f.cached)), nil }

func (f *flash) Close() error { return nil }

// lose is what the card looks like when the power comes back.
func (f *flash) lose() {
	torn := f.power.chance.IntN(4) == 0
	for s := range len(f.durable) / sector {
		if !f.dirty[s] || f.power.chance.IntN(2) == 0 {
			continue
		}
		end := (s + 1) * sector
		if torn {
			torn, end = false, s*sector+f.power.chance.IntN(sector)
		}
		copy(f.durable[s*sector:end], f.cached[s*sector:])
	}
	copy(f.cached, f.durable)
	clear(f.dirty)
}

// cutBench is a box whose power is cut, with a first system in slot a.
type cutBench struct {
	Installer
	power  *supply
	disks  map[string]*flash
	loader loader
}

// loader is what starts a machine.
type loader interface {
	// next is the slot that the next start takes, and whether it is on trial; an error is a power cut.
	next(*cutBench) (slot Slot, trial bool, err error)
	// told is what a restart says: whether it asks for a trial. A power cut says nothing.
	told(ask bool)
}

// uBoot does what buildroot/board/virt/boot.cmd says.
type uBoot struct{}

func (uBoot) told(bool) {}

func (uBoot) next(b *cutBench) (Slot, bool, error) {
	s, err := b.Slots.Read()
	if err != nil || !s.Left {
		return s.Active, false, err
	}
	s.Left = false
	return s.Trying, true, b.Slots.write(s)
}

// release is what a box gets as its first system, its second and so on.
func release(n int) []byte {
	return bytes.Repeat([]byte{byte(n), 's', 'y', 's', 't', 'e', 'm', '.'}, 20<<10/8)
}

func newCutBench(seed uint64, cuts ...int) *cutBench {
	power := &supply{cuts: cuts, chance: rand.New(rand.NewPCG(seed, 1))}
	b := &cutBench{power: power, loader: uBoot{}, disks: map[string]*flash{"a": newFlash(power, 32<<10), "b": newFlash(power, 32<<10), "state": newFlash(power, 16*copySize)}}
	b.Slots = Slots{A: "a", B: "b", State: "state", open: func(path string, _ int) (device, error) { return b.disks[path], nil }}
	for _, copied := range [][]byte{b.disks["a"].durable, b.disks["a"].cached} {
		copy(copied, release(1))
	}
	b.Running = Running{Board: "virt", Built: 1, Slot: A}
	return b
}

// holds tells which release a slot holds whole; 0: none.
func (b *cutBench) holds(s Slot) int {
	for n := 1; n <= 3; n++ {
		if bytes.HasPrefix(b.disks[b.Slots.path(s)].durable, release(n)) {
			return n
		}
	}
	return 0
}

// start switches the power on and starts what the loader chooses; the slot must hold a system.
func (b *cutBench) start(t *testing.T) {
	t.Helper()
	for {
		if b.power.off {
			for _, name := range slices.Sorted(maps.Keys(b.disks)) {
				b.disks[name].lose()
			}
			b.loader.told(false)
			b.power.back()
		}
		chosen, trial, err := b.loader.next(b)
		if errors.Is(err, errCut) {
			continue // once more
		}
		if err != nil {
			t.Fatal(err)
		}
		n := b.holds(chosen)
		if n == 0 {
			t.Fatalf("slot %s is started and holds no whole system: trial %v", chosen, trial)
		}
		b.Running.Slot, b.Running.Trial, b.Running.Built = chosen, trial, int64(n)
		return
	}
}

// restart is the restart that somebody wants.
func (b *cutBench) restart(t *testing.T) error {
	t.Helper()
	ask, err := b.Arm()
	if err != nil {
		return err
	}
	b.loader.told(ask)
	b.start(t)
	return nil
}

// live brings release n as a box does: written, tried, kept; and does so until it runs, whatever is cut.
func (b *cutBench) live(t *testing.T, n int, content *Kept) {
	t.Helper()
	for range 20 {
		if !b.Running.Trial && b.Running.Built == int64(n) {
			return
		}
		var err error
		if b.Running.Trial {
			err = b.Commit()
			b.Running.Trial = err != nil
		} else if _, err = b.Fallback(); err == nil {
			if err = b.Write(content); err == nil {
				err = b.Try()
			}
			if err == nil {
				err = b.restart(t)
			}
		}
		if err != nil {
			if !errors.Is(err, errCut) {
				t.Fatal(err)
			}
			b.start(t)
		}
	}
	t.Fatalf("release %d does not come to run: %+v", n, b.Running)
}

// kept is a release that was verified.
func kept(t *testing.T, n int) *Kept {
	t.Helper()
	sum := sha256.Sum256(release(n))
	s := System{Size: int64(len(release(n))), SHA256: sum[:]}
	f, err := Installer{Spool: t.TempDir()}.Keep(s, bytes.NewReader(release(n)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// The power is cut at every write and every flush of an update, and once more at every third of what follows; two updates go
// either way. What the loader chooses always is a whole system, and the update comes to run in the end.
func TestWheneverThePowerIsCutAWholeSystemStarts(t *testing.T) {
	second, third := kept(t, 2), kept(t, 3)
	for name, bench := range map[string]func(seed uint64, cuts ...int) *cutBench{"U-Boot": newCutBench, "Raspberry Pi": newPiCutBench} {
		t.Run(name, func(t *testing.T) {
			whole := bench(0)
			whole.live(t, 2, second)
			whole.live(t, 3, third)
			if whole.Running.Slot != A || whole.power.steps < 30 {
				t.Fatalf("in slot %s after %d steps", whole.Running.Slot, whole.power.steps)
			}
			for one := range whole.power.steps {
				for other := one % 3; other < whole.power.steps; other += 3 {
					b := bench(uint64(one*100+other), one, other)
					b.live(t, 2, second)
					b.live(t, 3, third)
				}
			}
			t.Logf("cut at each of %d steps, and once more at every third of what follows", whole.power.steps)
		})
	}
}
