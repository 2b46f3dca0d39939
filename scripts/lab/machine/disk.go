package machine

import (
	"encoding/binary"
	"fmt"
	"os"
	"strings"
	"unicode/utf16"
)

// Partition is a part of a disk's file.
type Partition struct{ Begin, Size int64 } // octets

// FindPartition looks a partition up by its name in the disk's table (UEFI 2.10, section 5.3.3).
func FindPartition(disk, name string) (Partition, error) {
	const (
		sector  = 512
		entry   = 128
		entries = 128
	)
	f, err := os.Open(disk)
	if err != nil {
		return Partition{}, err
	}
	defer f.Close()
	table := make([]byte, entries*entry)
	if _, err := f.ReadAt(table, 2*sector); err != nil {
		return Partition{}, fmt.Errorf("read the partition table of %s: %w", disk, err)
	}
	for ; len(table) > 0; table = table[entry:] {
		var letters [36]uint16
		for i := range letters {
			letters[i] = binary.LittleEndian.Uint16(table[56+2*i:])
		}
		if strings.TrimRight(string(utf16.Decode(letters[:])), "\x00") == name {
			first, last := binary.LittleEndian.Uint64(table[32:]), binary.LittleEndian.Uint64(table[40:])
			return Partition{Begin: int64(first) * sector, Size: int64(last-first+1) * sector}, nil
		}
	}
	return Partition{}, fmt.Errorf("%s has no partition %s", disk, name)
}

// At reads from a partition as the disk's file holds it now.
func (p Partition) At(disk string, offset int64, size int) ([]byte, error) {
	f, err := os.Open(disk)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b := make([]byte, size)
	_, err = f.ReadAt(b, p.Begin+offset)
	return b, err
}

// CopyOut copies a file out of a FAT partition of a disk's file.
func CopyOut(disk, partition, name, to string) error {
	p, err := FindPartition(disk, partition)
	if err != nil {
		return err
	}
	return tool(nil, "mcopy", "-n", "-o", "-i", fmt.Sprintf("%s@@%d", disk, p.Begin), "::/"+name, to)
}
