package boot

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"unicode/utf16"
)

// Sizes of a GUID partition table (UEFI 2.10, chapter 5.3), in bytes. Images are made with sectors of 512.
const (
	sector      = 512
	entrySize   = 128
	entryCount  = 128
	entriesSize = entrySize * entryCount
	tableEnd    = entriesSize/sector + 1 // sectors that the second table takes at the end of the disk
)

// Places in a header of the table.
const (
	atHeaderSize   = 12
	atHeaderSum    = 16
	atMyPlace      = 24
	atOtherPlace   = 32
	atLastUsable   = 48
	atEntriesPlace = 72
	atEntryCount   = 80
	atEntrySize    = 84
	atEntriesSum   = 88
)

// Places in an entry.
const (
	atFirst = 32
	atLast  = 40
	atName  = 56
)

// disk is what a table is read from and written to.
type disk interface {
	io.ReaderAt
	io.WriterAt
	Sync() error
}

// grown tells what enlarging did: the partition's number, and where it lies now, in bytes.
type grown struct {
	number        int
	start, length int64
	changed       bool
}

// growPartition enlarges the partition called name to the end of a disk of size bytes, when it is the last one; an image is made
// for the smallest card. The second table at the new end is written first, then the first one: a power cut leaves one of the
// two whole, and both say where everything begins.
func growPartition(d disk, size int64, name string) (grown, error) {
	header := make([]byte, sector)
	entries := make([]byte, entriesSize)
	if err := readTable(d, header, entries); err != nil {
		return grown{}, err
	}
	last := uint64(size/sector) - 1
	number, entry, err := lastEntry(entries, name)
	if err != nil {
		return grown{}, err
	}
	end := last - tableEnd
	first := binary.LittleEndian.Uint64(entry[atFirst:])
	g := grown{number: number, start: int64(first) * sector, length: int64(end-first+1) * sector}
	if binary.LittleEndian.Uint64(entry[atLast:]) >= end {
		return g, nil
	}
	binary.LittleEndian.PutUint64(entry[atLast:], end)
	binary.LittleEndian.PutUint64(header[atLastUsable:], end)
	binary.LittleEndian.PutUint32(header[atEntriesSum:], crc32.ChecksumIEEE(entries))
	g.changed = true
	return g, errors.Join(
		writeTable(d, header, entries, last, 1, last-tableEnd+1),
		writeTable(d, header, entries, 1, last, 2),
	)
}

// readTable fills header and entries from the first table, and makes sure that they are whole.
func readTable(d disk, header, entries []byte) error {
	if _, err := d.ReadAt(header, sector); err != nil {
		return fmt.Errorf("read the partition table: %w", err)
	}
	length := binary.LittleEndian.Uint32(header[atHeaderSize:])
	switch {
	case !bytes.HasPrefix(header, []byte("EFI PART")) || length < 92 || length > sector:
		return errors.New("the disk has no partition table of the kind that images have (GPT)")
	case binary.LittleEndian.Uint32(header[atEntryCount:]) != entryCount || binary.LittleEndian.Uint32(header[atEntrySize:]) != entrySize ||
		binary.LittleEndian.Uint64(header[atEntriesPlace:]) != 2:
		return errors.New("the partition table is not laid out as those of images are")
	case headerSum(header) != binary.LittleEndian.Uint32(header[atHeaderSum:]):
		return errors.New("the partition table is damaged: its checksum is wrong")
	}
	if _, err := d.ReadAt(entries, 2*sector); err != nil {
		return fmt.Errorf("read the partition table: %w", err)
	}
	if crc32.ChecksumIEEE(entries) != binary.LittleEndian.Uint32(header[atEntriesSum:]) {
		return errors.New("the list of partitions is damaged: its checksum is wrong")
	}
	return nil
}

// headerSum is the header's checksum, reckoned with zeros in its own place.
func headerSum(header []byte) uint32 {
	h := bytes.Clone(header[:binary.LittleEndian.Uint32(header[atHeaderSize:])])
	clear(h[atHeaderSum : atHeaderSum+4])
	return crc32.ChecksumIEEE(h)
}

// lastEntry finds the partition called name, which nothing may lie behind.
func lastEntry(entries []byte, name string) (number int, entry []byte, err error) {
	var furthest uint64
	for i := range entryCount {
		e := entries[i*entrySize : (i+1)*entrySize]
		furthest = max(furthest, binary.LittleEndian.Uint64(e[atFirst:]))
		if entryName(e) == name {
			number, entry = i+1, e
		}
	}
	switch {
	case entry == nil:
		return 0, nil, fmt.Errorf("the disk has no partition called %s", name)
	case binary.LittleEndian.Uint64(entry[atFirst:]) != furthest:
		return 0, nil, fmt.Errorf("the partition %s is not the last one of the disk and cannot be enlarged", name)
	}
	return number, entry, nil
}

func entryName(entry []byte) string {
	var units []uint16
	for i := atName; i < entrySize; i += 2 {
		u := binary.LittleEndian.Uint16(entry[i:])
		if u == 0 {
			break
		}
		units = append(units, u)
	}
	return string(utf16.Decode(units))
}

// writeTable writes one of the two tables and waits until it is on the disk: its list first, then the header that stands for it.
func writeTable(d disk, header, entries []byte, place, other, list uint64) error {
	binary.LittleEndian.PutUint64(header[atMyPlace:], place)
	binary.LittleEndian.PutUint64(header[atOtherPlace:], other)
	binary.LittleEndian.PutUint64(header[atEntriesPlace:], list)
	binary.LittleEndian.PutUint32(header[atHeaderSum:], headerSum(header))
	for _, w := range []struct {
		what  []byte
		place uint64
	}{{entries, list}, {header, place}} {
		if _, err := d.WriteAt(w.what, int64(w.place)*sector); err != nil {
			return fmt.Errorf("write the partition table: %w", err)
		}
	}
	if err := d.Sync(); err != nil {
		return fmt.Errorf("write the partition table: %w", err)
	}
	return nil
}
