package exfat

import (
	"bytes"
	"encoding/binary"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
)

// run runs a tool of the system; where it is missing the test cannot be made. It returns what it printed and whether it was content.
func run(t testing.TB, tool string, args ...string) (string, bool) {
	t.Helper()
	path, err := exec.LookPath(tool)
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/" + tool)
	}
	if err != nil {
		why := tool + " is missing: scripts/setup sticks"
		if os.Getenv("CI") == "true" {
			t.Fatal(why)
		}
		t.Skip(why)
	}
	out, err := exec.Command(path, args...).CombinedOutput()
	return string(out), err == nil
}

// image is a volume that tests lay out octet by octet, with nothing of what ships.
type image []byte

// formatted is an empty volume of the system's own making.
func formatted(t testing.TB, size int64, args ...string) image {
	t.Helper()
	path := filepath.Join(t.TempDir(), "exfat")
	f, err := os.Create(path)
	if err == nil {
		err = f.Truncate(size)
	}
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	if said, ok := run(t, "mkfs.exfat", append(args, path)...); !ok {
		t.Fatal(said)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// sound lets the system's own checker look at the volume.
func (im image) sound(t testing.TB) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "exfat")
	if err := os.WriteFile(path, im, 0o600); err != nil {
		t.Fatal(err)
	}
	if said, ok := run(t, "fsck.exfat", "-n", path); !ok || !strings.Contains(said, "clean") {
		t.Errorf("the file system is not sound:\n%s", said)
	}
}

func (im image) long(at int) int      { return int(binary.LittleEndian.Uint32(im[at:])) }
func (im image) cluster() int         { return 1 << (im[108] + im[109]) }
func (im image) at(c int) int         { return im.long(88)<<im[108] + (c-2)*im.cluster() }
func (im image) inTable(c int) []byte { return im[im.long(80)<<im[108]+4*c:] }
func (im image) root() int            { return im.at(im.long(96)) }
func (im image) bitmap() []byte       { return im[im.at(im.long(im.find(typeBitmap)+20)):] }

// find is where in the root the first entry of a kind lies.
func (im image) find(kind byte) int {
	at := im.root()
	for im[at] != kind {
		at += entrySize
	}
	return at
}

// take takes n free clusters, one after the other or with gaps between them.
func (im image) take(n, gap int) (list []int) {
	for c := 2; len(list) < n; c++ {
		if im.used(c) {
			if gap == 0 {
				list = nil
			}
			continue
		}
		list = append(list, c)
		c += gap
	}
	for _, c := range list {
		im.bitmap()[(c-2)/8] |= 1 << ((c - 2) % 8)
	}
	return list
}

func (im image) used(c int) bool { return im.bitmap()[(c-2)/8]>>((c-2)%8)&1 == 1 }

// leaf is a file as it lies on an image: in clusters with gaps between them, with more room than was written, with two entries
// that nobody knows after its name.
type leaf struct {
	text    string
	gap     int
	unset   int
	vendor  bool
	content map[string]leaf // of a folder
}

// lay writes files and folders into a folder that begins at an octet, after what is there.
func (im image) lay(at int, files map[string]leaf) {
	for im[at] != 0 {
		at += entrySize
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		at += copy(im[at:], im.set(name, files[name]))
	}
}

// set writes what a file holds and returns its entries.
func (im image) set(name string, f leaf) []byte {
	size := len(f.text) + f.unset
	if f.content != nil {
		size = im.cluster()
	}
	list := im.take((size+im.cluster()-1)/im.cluster(), f.gap)
	rest := f.text
	for i, c := range list {
		rest = rest[copy(im[im.at(c):][:im.cluster()], rest):]
		if f.gap > 0 {
			next := uint32(0xffffffff)
			if i+1 < len(list) {
				next = uint32(list[i+1])
			}
			binary.LittleEndian.PutUint32(im.inTable(c), next)
		}
	}
	units := utf16.Encode([]rune(name))
	set := make([]byte, (2+(len(units)+14)/15)*32)
	set[0], set[12], set[13], set[14], set[15] = 0x85, 0x21, 0x60, 0x77, 0x5d // 2026-11-23 12:01:02
	if f.content != nil {
		set[4] = 0x10
		im.lay(im.at(list[0]), f.content)
	}
	set[32], set[33], set[35] = 0xc0, 0x01, byte(len(units))
	if f.gap == 0 && size > 0 {
		set[33] = 0x03
	}
	binary.LittleEndian.PutUint64(set[40:], uint64(size-f.unset))
	binary.LittleEndian.PutUint64(set[56:], uint64(size))
	if len(list) > 0 {
		binary.LittleEndian.PutUint32(set[52:], uint32(list[0]))
	}
	var hash uint16
	for i, u := range units {
		set[64+i/15*32] = 0xc1
		binary.LittleEndian.PutUint16(set[64+i/15*32+2+i%15*2:], u)
		if u >= 'a' && u <= 'z' || u == 'ä' {
			u -= 32
		}
		for _, b := range []byte{byte(u), byte(u >> 8)} {
			hash = hash>>1 | hash<<15
			hash += uint16(b)
		}
	}
	binary.LittleEndian.PutUint16(set[36:], hash)
	if f.vendor {
		set = append(set, append([]byte{0xe0}, make([]byte, 31)...)...)
	}
	set[1] = byte(len(set)/32 - 1)
	return summed(set)
}

// summed puts the checksum into an entry set.
func summed(set []byte) []byte {
	var sum uint16
	for i, b := range set {
		if i == 2 || i == 3 {
			continue
		}
		sum = sum>>1 | sum<<15
		sum += uint16(b)
	}
	binary.LittleEndian.PutUint16(set[2:], sum)
	return set
}

// sealed puts the checksum of the boot sectors right after they were changed.
func (im image) sealed() image {
	sector := 1 << im[108]
	if im[108] < 9 || im[108] > 12 {
		return im // no checksum can be right
	}
	sum := bootChecksum(im[:11*sector])
	for at := 11 * sector; at < 12*sector; at += 4 {
		binary.LittleEndian.PutUint32(im[at:], sum)
	}
	return im
}

func (im image) open() (*Volume, error) { return Open(bytes.NewReader(im), 0, int64(len(im))) }
