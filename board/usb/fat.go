package usb

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/diskfs/go-diskfs/filesystem"
)

// fatVolume is a FAT of the library, of any kind.
type fatVolume interface {
	filesystem.FileSystem
	Start() int64
	BytesPerCluster() int
}

var errNotKept = errors.New("only sticks formatted as FAT or exFAT are written to")

// fatKeeper writes onto a FAT.
type fatKeeper struct {
	fatVolume
	disk *os.File
}

func (k fatKeeper) room() (octets, least int64, err error) {
	t, err := readTable(k.disk, k.fatVolume)
	return t.free(), t.cluster, err
}

// add writes under another name first: who pulls the stick out finds a file that is whole, or none of that name.
func (k fatKeeper) add(folder, name string, data []byte) error {
	if err := k.replace(join(folder, half), data); err != nil {
		return err
	}
	if err := k.Rename("/"+join(folder, half), "/"+join(folder, name)); err != nil {
		return fmt.Errorf("the file %s cannot be named on the stick: %w", name, err)
	}
	return errors.Join(k.recount(), flush(k.disk))
}

func (k fatKeeper) replace(path string, data []byte) error {
	f, err := k.OpenFile("/"+path, os.O_CREATE|os.O_RDWR|os.O_TRUNC)
	if err != nil {
		return fmt.Errorf("the file %s cannot be made on the stick: %w", path, err)
	}
	if _, err := f.Write(data); err != nil {
		return errors.Join(fmt.Errorf("the file %s cannot be written on the stick: %w", path, err), f.Close())
	}
	return errors.Join(f.Close(), k.recount(), flush(k.disk))
}

// table is the first table of a FAT (Microsoft FAT specification 1.03, section 4): what each cluster is used for.
type table struct {
	entries  []byte
	bits     int64 // of an entry
	clusters int64 // that there are; the first has number 2
	cluster  int64 // octets of one
	data     int64 // where the first one begins on the disk
}

// maxTable is how large the table of a FAT may be, in octets: that of a stick of 2 TB.
const maxTable = 256 << 20

// readTable reads it. The count of free clusters that a FAT32 keeps besides is a hint (see recount).
func readTable(disk io.ReaderAt, v fatVolume) (table, error) {
	boot := make([]byte, sector)
	if _, err := disk.ReadAt(boot, v.Start()); err != nil {
		return table{}, fmt.Errorf("the stick cannot be read: %w", err)
	}
	word, long := binary.LittleEndian.Uint16, binary.LittleEndian.Uint32
	octets, reserved, fats, roots := int64(word(boot[11:])), int64(word(boot[14:])), int64(boot[16]), int64(word(boot[17:]))
	size, total := int64(word(boot[22:])), int64(word(boot[19:]))
	if size == 0 {
		size = int64(long(boot[36:]))
	}
	if total == 0 {
		total = int64(long(boot[32:]))
	}
	t := table{cluster: int64(v.BytesPerCluster())}
	if octets == 0 || t.cluster < octets || size <= 0 || size*octets > maxTable {
		return table{}, errors.New("the file system of the stick is damaged")
	}
	t.entries = make([]byte, size*octets)
	if _, err := disk.ReadAt(t.entries, v.Start()+reserved*octets); err != nil {
		return table{}, fmt.Errorf("the stick cannot be read: %w", err)
	}
	t.bits = map[filesystem.Type]int64{filesystem.TypeFat12: 12, filesystem.TypeFat16: 16, filesystem.TypeFat32: 32}[v.Type()]
	before := reserved + fats*size + (roots*32+octets-1)/octets // sectors
	t.clusters, t.data = (total-before)*octets/t.cluster, v.Start()+before*octets
	return t, nil
}

// value is the entry of a cluster, 0 for one that is free; false: there is no such cluster.
func (t table) value(c int64) (uint32, bool) {
	at := c * t.bits / 8
	if c < 2 || c >= t.clusters+2 || at+max(2, t.bits/8) > int64(len(t.entries)) {
		return 0, false
	}
	v := uint32(binary.LittleEndian.Uint16(t.entries[at:]))
	switch {
	case t.bits == 12 && c%2 == 1:
		v >>= 4
	case t.bits == 12:
		v &= 0xfff
	case t.bits == 32:
		v = binary.LittleEndian.Uint32(t.entries[at:]) << 4 // the upper four bits are not part of it
	}
	return v, true
}

// free is how many octets the free clusters have.
func (t table) free() (n int64) {
	for c := int64(2); ; c++ {
		v, ok := t.value(c)
		if !ok {
			return n
		}
		if v == 0 {
			n += t.cluster
		}
	}
}

// makeFolder makes a folder. On FAT32 the library has the folder name the cluster of the root as that of its parent, which is to be 0
// (section 6.5), and other systems repair it: it is put right here.
func (k fatKeeper) makeFolder(name string) error {
	before, err := readTable(k.disk, k.fatVolume)
	if err != nil {
		return err
	}
	if err := k.Mkdir("/" + name); err != nil || k.Type() != filesystem.TypeFat32 {
		return err
	}
	after, err := readTable(k.disk, k.fatVolume)
	if err != nil {
		return err
	}
	for c := int64(2); ; c++ {
		was, ok := before.value(c)
		if !ok {
			return nil
		}
		if is, _ := after.value(c); was != 0 || is == 0 {
			continue
		}
		if err := belowRoot(k.disk, after.data+(c-2)*after.cluster); err != nil {
			return err
		}
	}
}

// belowRoot has the folder that begins at a place of the disk say that its parent is the root. What is no folder stays as it is.
func belowRoot(disk *os.File, at int64) error {
	const entry = 32
	head := make([]byte, 2*entry)
	if _, err := disk.ReadAt(head, at); err != nil {
		return fmt.Errorf("the stick cannot be read: %w", err)
	}
	if !bytes.HasPrefix(head, []byte(".          ")) || !bytes.HasPrefix(head[entry:], []byte("..         ")) {
		return nil
	}
	for _, half := range []int64{entry + 20, entry + 26} { // the upper and the lower half of the cluster's number
		if _, err := disk.WriteAt([]byte{0, 0}, at+half); err != nil {
			return fmt.Errorf("the stick cannot be written: %w", err)
		}
	}
	return nil
}
