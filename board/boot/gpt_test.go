package boot

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"
)

const mega = 1 << 20

// card is a disk in memory that stops taking writes after some, as at a power cut.
type card struct {
	content []byte
	writes  int // left; negative: as many as there are
}

var errPower = errors.New("power cut")

func (c *card) ReadAt(p []byte, at int64) (int, error) {
	if at+int64(len(p)) > int64(len(c.content)) {
		return 0, errors.New("behind the end")
	}
	return copy(p, c.content[at:]), nil
}

func (c *card) WriteAt(p []byte, at int64) (int, error) {
	if c.writes == 0 {
		return 0, errPower
	}
	c.writes--
	return copy(c.content[at:], p), nil
}

func (c *card) Sync() error { return nil }

// flashed is a card of size bytes that an image of 8 MiB was written to: a small partition, and data, the last one.
func flashed(t *testing.T, size int) *card {
	t.Helper()
	c := &card{content: make([]byte, size), writes: -1}
	header, entries := make([]byte, sector), make([]byte, entriesSize)
	copy(header, "EFI PART\x00\x00\x01\x00")
	binary.LittleEndian.PutUint32(header[atHeaderSize:], 92)
	binary.LittleEndian.PutUint32(header[atEntryCount:], entryCount)
	binary.LittleEndian.PutUint32(header[atEntrySize:], entrySize)
	for i, p := range []struct {
		name        string
		first, last uint64
	}{{"tollgate-boot", 2048, 4095}, {"tollgate-data", 4096, 8*mega/sector - 1 - tableEnd}} {
		e := entries[i*entrySize:]
		e[0] = 1 // a type
		binary.LittleEndian.PutUint64(e[atFirst:], p.first)
		binary.LittleEndian.PutUint64(e[atLast:], p.last)
		for n, u := range utf16.Encode([]rune(p.name)) {
			binary.LittleEndian.PutUint16(e[atName+2*n:], u)
		}
	}
	binary.LittleEndian.PutUint32(header[atEntriesSum:], crc32.ChecksumIEEE(entries))
	if err := writeTable(c, header, entries, 1, 8*mega/sector-1, 2); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestDataReachesToTheEndOfALargerCard(t *testing.T) {
	c := flashed(t, 64*mega)
	g, err := growPartition(c, 64*mega, "tollgate-data")
	if err != nil || !g.changed || g.number != 2 || g.start != 4096*sector || g.start+g.length != 64*mega-tableEnd*sector {
		t.Fatalf("%+v, %v", g, err)
	}
	if again, err := growPartition(c, 64*mega, "tollgate-data"); err != nil || again.changed || again.length != g.length {
		t.Errorf("a second time: %+v, %v", again, err)
	}
	for _, place := range []int{1, 64*mega/sector - 1} {
		header := c.content[place*sector:][:sector]
		if headerSum(header) != binary.LittleEndian.Uint32(header[atHeaderSum:]) {
			t.Errorf("the table at sector %d has a wrong checksum", place)
		}
		list := binary.LittleEndian.Uint64(header[atEntriesPlace:])
		if crc32.ChecksumIEEE(c.content[list*sector:][:entriesSize]) != binary.LittleEndian.Uint32(header[atEntriesSum:]) {
			t.Errorf("the list of the table at sector %d has a wrong checksum", place)
		}
	}
}

func TestAPowerCutWhileACardIsEnlargedLeavesOneWholeTable(t *testing.T) {
	for writes := range 4 {
		c := flashed(t, 64*mega)
		c.writes = writes
		if _, err := growPartition(c, 64*mega, "tollgate-data"); !errors.Is(err, errPower) {
			t.Fatalf("after %d writes: %v", writes, err)
		}
		first := readTable(c, make([]byte, sector), make([]byte, entriesSize))
		second := c.content[len(c.content)-sector:]
		whole := bytes.HasPrefix(second, []byte("EFI PART")) && headerSum(second) == binary.LittleEndian.Uint32(second[atHeaderSum:])
		if first != nil && !whole {
			t.Errorf("after %d writes neither table is whole: %v", writes, first)
		}
	}
}

func TestATableThatIsNotAnImagesIsLeftAlone(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(content []byte)
		label string
		want  string
	}{
		"no table":       {func(b []byte) { clear(b[sector:]) }, "tollgate-data", "no partition table"},
		"bit in header":  {func(b []byte) { b[sector+60] ^= 1 }, "tollgate-data", "its checksum is wrong"},
		"bit in list":    {func(b []byte) { b[2*sector+5] ^= 1 }, "tollgate-data", "list of partitions is damaged"},
		"header size":    {func(b []byte) { binary.LittleEndian.PutUint32(b[sector+atHeaderSize:], 1<<31) }, "tollgate-data", "no partition table"},
		"other name":     {func([]byte) {}, "tollgate-x", "no partition called tollgate-x"},
		"not at the end": {func([]byte) {}, "tollgate-boot", "not the last one"},
	} {
		t.Run(name, func(t *testing.T) {
			d := flashed(t, 64*mega)
			c.spoil(d.content)
			before := bytes.Clone(d.content)
			_, err := growPartition(d, 64*mega, c.label)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
			if !bytes.Equal(before, d.content) {
				t.Error("the card was written to")
			}
		})
	}
}

func FuzzPartitionTable(f *testing.F) {
	f.Add([]byte("EFI PART"), uint8(92))
	f.Fuzz(func(t *testing.T, table []byte, length uint8) {
		c := &card{content: make([]byte, 4*mega), writes: -1}
		copy(c.content[sector:], table)
		header := c.content[sector:][:sector]
		binary.LittleEndian.PutUint32(header[atHeaderSize:], uint32(length))
		if length >= 92 { // so that more is looked at than the checksums
			binary.LittleEndian.PutUint32(header[atEntriesSum:], crc32.ChecksumIEEE(c.content[2*sector:][:entriesSize]))
			binary.LittleEndian.PutUint32(header[atHeaderSum:], headerSum(header))
		}
		_, _ = growPartition(c, 4*mega, "tollgate-data")
	})
}

// seedOf is an image's empty file system: a first block that makes it one, and something far behind.
func seedOf(t *testing.T) (path string, content []byte) {
	t.Helper()
	content = make([]byte, 3*mega)
	copy(content[1024:], "a file system")
	copy(content[2*mega:], "its journal")
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "seed.gz")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path, content
}

func TestAPartitionThatWasNeverUsedGetsAFileSystem(t *testing.T) {
	seed, want := seedOf(t)
	device := filepath.Join(t.TempDir(), "device")
	stale := make([]byte, 4*mega)
	for i := mega; i < len(stale); i++ {
		stale[i] = byte(rand.Uint32()) // what the card held before, behind the end of the image
	}
	if err := os.WriteFile(device, stale, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := formatUnused(device, seed); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(device); !bytes.Equal(got[:len(want)], want) {
		t.Error("the device does not hold the empty file system")
	}
}

func TestAPartitionThatHoldsAnythingIsNotFormatted(t *testing.T) {
	seed, _ := seedOf(t)
	device := filepath.Join(t.TempDir(), "device")
	used := make([]byte, 4*mega)
	used[mega-1] = 1
	if err := os.WriteFile(device, used, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := formatUnused(device, seed); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(device); !bytes.Equal(got, used) {
		t.Error("the device was written to")
	}
}

func TestAPowerCutWhileFormattingIsMadeGoodAtTheNextStart(t *testing.T) {
	seed, want := seedOf(t)
	for writes := range 3 {
		c := &card{content: make([]byte, 4*mega), writes: writes}
		f, err := os.Open(seed)
		if err != nil {
			t.Fatal(err)
		}
		if err := writeSeed(c, f); !errors.Is(err, errPower) {
			t.Fatalf("after %d writes: %v", writes, err)
		}
		f.Close()
		if !zero(c.content[:unused]) {
			t.Errorf("after %d writes the partition counts as used", writes)
		}
		device := filepath.Join(t.TempDir(), "device")
		if err := os.WriteFile(device, c.content, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := formatUnused(device, seed); err != nil {
			t.Fatal(err)
		}
		if got, _ := os.ReadFile(device); !bytes.Equal(got[:len(want)], want) {
			t.Errorf("after %d writes and another start there is no file system", writes)
		}
	}
}

// What mke2fs makes of 1 GiB is read as the kernel reads it; without the upper half its field means something else.
func TestTheSizeOfAFileSystemIsReadFromItself(t *testing.T) {
	super := func(change func(s []byte)) *card {
		c := &card{content: make([]byte, 4096)}
		s := c.content[superblock:]
		binary.LittleEndian.PutUint32(s[atBlocks:], 236539)
		binary.LittleEndian.PutUint32(s[atBlockSize:], 2)
		binary.LittleEndian.PutUint16(s[atMagic:], ext4Magic)
		binary.LittleEndian.PutUint32(s[atBlocksUpper:], 1)
		change(s)
		return c
	}
	for name, c := range map[string]struct {
		change       func(s []byte)
		blocks, size uint64
		fails        bool
	}{
		"small":         {func([]byte) {}, 236539, 4096, false},
		"large":         {func(s []byte) { binary.LittleEndian.PutUint32(s[atIncompatible:], manyBlocks|0x2) }, 1<<32 + 236539, 4096, false},
		"little blocks": {func(s []byte) { s[atBlockSize] = 0 }, 236539, 1024, false},
		"no ext4":       {func(s []byte) { s[atMagic] = 0 }, 0, 0, true},
		"nonsense":      {func(s []byte) { s[atBlockSize] = 7 }, 0, 0, true},
	} {
		blocks, size, err := fileSystemBlocks(super(c.change))
		if blocks != c.blocks || size != c.size || (err != nil) != c.fails {
			t.Errorf("%s: %d blocks of %d, %v", name, blocks, size, err)
		}
	}
	if _, _, err := fileSystemBlocks(&card{}); err == nil {
		t.Error("a device that cannot be read has a file system")
	}
}
