package usb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/diskfs/go-diskfs/filesystem"
)

// OutFolder is the folder of a stick that boxes write to. Nothing in it is ever read: who wants a box to take what another one has
// written moves it into Folder.
const OutFolder = "from-tollgate"

const (
	maxName  = 64       // octets, of a name that plain takes
	maxStore = 32 << 20 // octets of a file that is written
	maxSame  = 99       // files of one name and day
	// half is what a file is called until it is whole.
	half = "half-written.tmp"
)

// store writes what comes from in as a new file in OutFolder of the first FAT of the disk, and returns its name.
func store(disk *os.File, name string, in io.Reader) (string, error) {
	data, err := io.ReadAll(io.LimitReader(in, maxStore+1))
	switch {
	case err != nil:
		return "", err
	case len(data) > maxStore:
		return "", fmt.Errorf("more than %d octets are not written", maxStore)
	case !plain.MatchString(name):
		return "", fmt.Errorf("%q is no name for a file", name)
	}
	found, err := volumes(disk, true)
	if err != nil {
		return "", err
	}
	for _, v := range found {
		if f, ok := v.(fatVolume); ok {
			return storeIn(disk, f, name, data)
		}
	}
	return "", errFAT
}

func storeIn(disk *os.File, v fatVolume, name string, data []byte) (string, error) {
	room, err := free(disk, v)
	if err != nil {
		return "", err
	}
	// The folder, its entries and the last cluster take some more.
	if need := int64(len(data)) + 4*int64(v.BytesPerCluster()); room < need {
		return "", fmt.Errorf("the stick has room for %d octets, and %d are needed", room, need)
	}
	folder, err := entry(v, ".", OutFolder)
	if err == nil && folder == "" {
		folder, err = OutFolder, v.Mkdir("/"+OutFolder)
	}
	if err != nil {
		return "", fmt.Errorf("the folder %s cannot be made on the stick: %w", OutFolder, err)
	}
	if name, err = unused(v, folder, name); err != nil {
		return "", err
	}
	// Under another name first: who pulls the stick out finds a file that is whole, or none of that name.
	if err := put(v, join(folder, half), data); err != nil {
		return "", err
	}
	if err := flush(disk); err != nil {
		return "", err
	}
	if err := v.Rename("/"+join(folder, half), "/"+join(folder, name)); err != nil {
		return "", fmt.Errorf("the file %s cannot be named on the stick: %w", name, err)
	}
	return name, flush(disk)
}

// unused returns name, or the first of name-2, name-3 … that the folder does not have.
func unused(v filesystem.FileSystem, folder, name string) (string, error) {
	entries, err := list(v, folder)
	if err != nil {
		return "", err
	}
	taken := map[string]bool{}
	for _, e := range entries {
		taken[strings.ToLower(e.Name())] = true
	}
	stem, suffix := name, ""
	if dot := strings.LastIndexByte(name, '.'); dot > 0 {
		stem, suffix = name[:dot], name[dot:]
	}
	for n := 2; taken[strings.ToLower(name)]; n++ {
		if n > maxSame {
			return "", fmt.Errorf("the folder %s holds %d files named %s: take some away", folder, maxSame, stem)
		}
		name = fmt.Sprintf("%s-%d%s", stem, n, suffix)
	}
	return name, nil
}

// flush has the stick keep what was written. An image in a file may lie where that is not possible.
func flush(disk *os.File) error {
	if err := disk.Sync(); err != nil {
		return fmt.Errorf("the stick does not keep what is written: %w", err)
	}
	return nil
}

// fatVolume is a FAT of the library, of any kind.
type fatVolume interface {
	filesystem.FileSystem
	Start() int64
	BytesPerCluster() int
}

var errFAT = errors.New("only sticks formatted as FAT are written to")

// free counts the octets of the free clusters of a FAT, from its first table: the count that a FAT32 keeps is a hint (Microsoft FAT
// specification 1.03, section 5).
func free(disk io.ReaderAt, v fatVolume) (int64, error) {
	boot := make([]byte, sector)
	if _, err := disk.ReadAt(boot, v.Start()); err != nil {
		return 0, fmt.Errorf("the stick cannot be read: %w", err)
	}
	word, long := binary.LittleEndian.Uint16, binary.LittleEndian.Uint32
	bytes, reserved, fats, roots := int64(word(boot[11:])), int64(word(boot[14:])), int64(boot[16]), int64(word(boot[17:]))
	size, total := int64(word(boot[22:])), int64(word(boot[19:]))
	if size == 0 {
		size = int64(long(boot[36:]))
	}
	if total == 0 {
		total = int64(long(boot[32:]))
	}
	cluster := int64(v.BytesPerCluster())
	if bytes == 0 || cluster < bytes || size <= 0 || size*bytes > maxTable {
		return 0, errors.New("the file system of the stick is damaged")
	}
	table := make([]byte, size*bytes)
	if _, err := disk.ReadAt(table, v.Start()+reserved*bytes); err != nil {
		return 0, fmt.Errorf("the stick cannot be read: %w", err)
	}
	clusters := (total - reserved - fats*size - (roots*32+bytes-1)/bytes) * bytes / cluster
	return cluster * unusedIn(table, v.Type(), clusters), nil
}

// maxTable is how large the table of a FAT may be, in octets: that of a stick of 2 TB.
const maxTable = 256 << 20

// unusedIn counts the entries of a table that are 0, of the clusters that there are. The first cluster has number 2.
func unusedIn(table []byte, kind filesystem.Type, clusters int64) (n int64) {
	bits := map[filesystem.Type]int64{filesystem.TypeFat12: 12, filesystem.TypeFat16: 16, filesystem.TypeFat32: 32}[kind]
	for c := int64(2); c < clusters+2 && c*bits/8+max(2, bits/8) <= int64(len(table)); c++ {
		at := table[c*bits/8:]
		value := uint32(at[0]) | uint32(at[1])<<8
		switch {
		case bits == 12 && c%2 == 1:
			value >>= 4
		case bits == 12:
			value &= 0xfff
		case bits == 32:
			value = binary.LittleEndian.Uint32(at) << 4 // the upper four bits are not part of it
		}
		if value == 0 {
			n++
		}
	}
	return n
}
