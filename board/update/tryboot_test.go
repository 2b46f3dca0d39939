package update

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// bootVolume is a small FAT12 file system with autoboot.txt behind a label, as the tools lay it out.
func bootVolume(content string) []byte {
	const (
		entries, table, sectors = 16, 1, 32
		root                    = (1 + 2*table) * fatSector
		data                    = root + entries*fatEntry
	)
	v := make([]byte, sectors*fatSector)
	v[510], v[511], v[13], v[16] = 0x55, 0xaa, 1, 2
	for at, n := range map[int]uint16{11: fatSector, 14: 1, 17: entries, 19: sectors, 22: table} {
		binary.LittleEndian.PutUint16(v[at:], n)
	}
	copy(v[root:], "TOLLGATE   \x08")
	entry := v[root+fatEntry:]
	copy(entry, autobootEntry+"\x20")
	binary.LittleEndian.PutUint16(entry[26:], 3)
	binary.LittleEndian.PutUint32(entry[28:], uint32(len(content)))
	copy(v[data+fatSector:], content)
	return v
}

// piFirmware does what Raspberry Pi's documentation says of autoboot.txt. The last word of the sections that count wins; what a restart
// has asked for stands in a register, which a power cut clears.
type piFirmware struct{ asked bool }

func (p *piFirmware) told(ask bool) { p.asked = ask }

func (p *piFirmware) next(b *cutBench) (Slot, bool, error) {
	asked := p.asked
	p.asked = false
	content, _, err := readAutoboot(b.disks["boot"])
	if err != nil {
		return "", false, err
	}
	partition, counts := "", true
	for line := range strings.FieldsSeq(string(content)) {
		switch name, value, _ := strings.Cut(line, "="); {
		case strings.HasPrefix(line, "["):
			counts = line == "[all]" || line == "[tryboot]" && asked
		case counts && name == "boot_partition":
			partition = value
		}
	}
	return map[string]Slot{"2": A, "3": B}[partition], asked, nil
}

func newPiCutBench(seed uint64, cuts ...int) *cutBench {
	b := newCutBench(seed, cuts...)
	b.loader = &piFirmware{}
	volume := bootVolume(autoboot(A))
	b.disks["boot"] = newFlash(b.power, len(volume))
	copy(b.disks["boot"].durable, volume)
	copy(b.disks["boot"].cached, volume)
	b.Slots.Autoboot = "boot"
	return b
}

func TestARaspberryPiTriesASystemOnceAndKeepsItWhenItIsToldTo(t *testing.T) {
	b := newPiCutBench(0)
	if ask, err := b.Arm(); ask || err != nil {
		t.Fatalf("nothing waits: %v, %v", ask, err)
	}
	write := func() {
		t.Helper()
		if err := b.Write(kept(t, 2)); err != nil {
			t.Fatal(err)
		}
		if err := b.Try(); err != nil {
			t.Fatal(err)
		}
	}
	runs := func(slot Slot, trial, fell bool) {
		t.Helper()
		if b.Running.Slot != slot || b.Running.Trial != trial {
			t.Errorf("runs %+v, want slot %s, on trial %v", b.Running, slot, trial)
		}
		if got, err := b.Fallback(); got != fell || err != nil {
			t.Errorf("fell back: %v, %v; want %v", got, err, fell)
		}
	}
	write()
	b.start(t) // power off and on: nobody has asked the firmware
	runs(A, false, false)
	if err := b.restart(t); err != nil {
		t.Fatal(err)
	}
	runs(B, true, false)
	b.start(t) // it hangs, and the watchdog resets
	runs(A, false, true)
	runs(A, false, false)
	write()
	if err := b.restart(t); err != nil {
		t.Fatal(err)
	}
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	b.start(t)
	runs(B, false, false)
}

// A sector that is torn at any octet while a system is kept names a slot, and both hold a whole system then.
func TestATornChoiceNamesASlot(t *testing.T) {
	for torn := range len(autoboot(A)) + 1 {
		b := newPiCutBench(0)
		content := autoboot(B)[:torn] + autoboot(A)[torn:]
		copy(b.disks["boot"].cached, bootVolume(content))
		started, _, err := b.loader.next(b)
		if err != nil || !started.known() {
			t.Fatalf("%q starts %q, %v", content, started, err)
		}
		if s, err := b.Slots.Read(); s.Active != started || err != nil {
			t.Errorf("%q starts %s and is read as %+v, %v", content, started, s, err)
		}
		b.Running.Slot = started
		if err := b.Commit(); err != nil {
			t.Fatal(err)
		}
		if content, _, err := readAutoboot(b.disks["boot"]); string(content) != autoboot(started) || err != nil {
			t.Errorf("not mended: %q, %v", content, err)
		}
	}
}

func TestWhatIsNoChoiceIsAnErrorOrTheFirstSlot(t *testing.T) {
	for _, content := range []string{"", "# nothing\n", "[tryboot]\nboot_partition=3\n", "[all]\nboot_partition=2\n[none]\nboot_partition=3\n"} {
		if got := parseAutoboot(content); got != A {
			t.Errorf("%q chooses %s", content, got)
		}
	}
	for name, spoil := range map[string]func([]byte){
		"no file system":       func(v []byte) { clear(v) },
		"FAT32":                func(v []byte) { v[17], v[22] = 0, 0 },
		"no file":              func(v []byte) { v[3*fatSector+fatEntry] = 'X' },
		"outside":              func(v []byte) { v[3*fatSector+fatEntry+27] = 0xff },
		"longer than a sector": func(v []byte) { v[3*fatSector+fatEntry+29] = 0xff },
	} {
		b := newPiCutBench(0)
		spoil(b.disks["boot"].cached)
		if _, err := b.Slots.Read(); err == nil {
			t.Errorf("%s: read", name)
		}
		if err := b.Commit(); err == nil {
			t.Errorf("%s: written", name)
		}
	}
}

func TestTheImageBringsTheSameChoice(t *testing.T) {
	content, err := os.ReadFile("../../buildroot/board/rpi/autoboot.txt")
	if err != nil {
		t.Fatal(err)
	}
	if string(content) != autoboot(A) {
		t.Errorf("the image has %q, and the program writes %q", content, autoboot(A))
	}
}

// What the image's own tools make is read, and what is written is read by them.
func TestTheFileSystemOfTheImageIsUnderstood(t *testing.T) {
	dir := t.TempDir()
	image, file, state := filepath.Join(dir, "boot.vfat"), filepath.Join(dir, "autoboot.txt"), filepath.Join(dir, "state")
	for path, content := range map[string][]byte{file: []byte(autoboot(A)), state: make([]byte, 16*copySize)} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tool(t, "mkfs.fat", "-C", "-F", "16", "-s", "1", "-n", "TOLLGATE", image, "8192")
	tool(t, "mcopy", "-i", image, file, "::autoboot.txt")
	i := Installer{Slots: Slots{State: state, Autoboot: image}, Running: Running{Slot: B}}
	if s, err := i.Slots.Read(); s != fresh || err != nil {
		t.Fatalf("%+v, %v", s, err)
	}
	before, err := os.ReadFile(image)
	if err != nil {
		t.Fatal(err)
	}
	if err := i.Commit(); err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(image)
	if err != nil {
		t.Fatal(err)
	}
	changed := 0
	for n := range before {
		if before[n] != after[n] {
			changed++
		}
	}
	if got := tool(t, "mtype", "-i", image, "::autoboot.txt"); got != autoboot(B) || changed != 2 {
		t.Errorf("%q, with %d octets changed", got, changed)
	}
}

// tool runs one of the tools that images are made with.
func tool(t *testing.T, name string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/" + name)
	}
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("%s is missing: scripts/setup image brings it", name)
		}
		t.Skipf("%s is missing: scripts/setup image brings it", name)
	}
	out, err := exec.CommandContext(t.Context(), path, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", name, err, out)
	}
	return string(out)
}

func FuzzAutoboot(f *testing.F) {
	f.Add(bootVolume(autoboot(A)))
	f.Fuzz(func(t *testing.T, volume []byte) {
		content, at, err := readAutoboot(bytes.NewReader(volume))
		if err == nil && (len(content) > fatSector || at < fatSector || at%fatSector != 0) {
			t.Errorf("%d octets at %d", len(content), at)
		}
		parseAutoboot(string(content))
	})
}
