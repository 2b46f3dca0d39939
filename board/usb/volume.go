package usb

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/diskfs/go-diskfs/backend"
	"github.com/diskfs/go-diskfs/backend/file"
	"github.com/diskfs/go-diskfs/filesystem/ext4"
	"github.com/diskfs/go-diskfs/filesystem/fat12"
	"github.com/diskfs/go-diskfs/filesystem/fat16"
	"github.com/diskfs/go-diskfs/filesystem/fat32"
	"github.com/diskfs/go-diskfs/filesystem/iso9660"
	"github.com/diskfs/go-diskfs/partition"

	"tollgate/board/exfat"
)

// sector is the block that partition tables of sticks count in.
const sector = 512

// maxPartitions is how many partitions are looked into.
const maxPartitions = 16

// Sentences about sticks without a file system that is read.
var (
	errNoVolume = errors.New("the stick holds no file system that can be read: format it as FAT32 or exFAT")
	errNTFS     = errors.New("the stick is formatted as NTFS, which is not read: format it as FAT32 or exFAT")
)

// volume is a file system that is read. A path has no slash before it, and "." is the root.
type volume interface {
	Open(path string) (fs.File, error)
	ReadDir(path string) ([]fs.DirEntry, error)
}

// extent is a part of the disk.
type extent struct{ start, size int64 }

// volumes returns the file systems of a disk: of the disk as a whole, then of its partitions in their order. When none can be read
// the error says why of the first that is known.
func volumes(disk *os.File, writable bool) ([]volume, error) {
	size, err := disk.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, fmt.Errorf("measure the stick: %w", err)
	}
	if size < 16*sector {
		return nil, fmt.Errorf("the stick holds %d octets, too few for a file system", size)
	}
	storage := file.New(disk, !writable)
	var found []volume
	why := errNoVolume
	for _, e := range extents(storage, size) {
		v, err := open(disk, storage, e)
		switch {
		case err == nil:
			found = append(found, v)
		case why == errNoVolume:
			why = err
		}
	}
	if len(found) == 0 {
		return nil, why
	}
	return found, nil
}

// extents lists where a file system may be.
func extents(storage backend.Storage, size int64) []extent {
	list := []extent{{0, size}}
	table, err := partition.Read(storage, sector, sector)
	if err != nil {
		return list
	}
	for _, p := range table.GetPartitions() {
		e := extent{p.GetStart(), p.GetSize()}
		if e.start <= 0 || e.size < 16*sector || e.start > size-e.size {
			continue // it is empty, or reaches past the end
		}
		if list = append(list, e); len(list) > maxPartitions {
			break
		}
	}
	return list
}

// open returns the file system in an extent. What is there decides, never the type that a partition table tells: that of exFAT is
// that of NTFS. errNoVolume: none that is known.
func open(disk io.ReaderAt, storage backend.Storage, e extent) (volume, error) {
	v, err := exfat.Open(disk, e.start, e.size)
	switch {
	case err == nil:
		return v, nil
	case !errors.Is(err, exfat.ErrOther):
		return nil, fmt.Errorf("the exFAT file system of the stick cannot be read: %w: have a computer check or format it", err)
	case isNTFS(disk, e):
		return nil, errNTFS
	}
	if v := openByLibrary(storage, e); v != nil {
		return v, nil
	}
	return nil, errNoVolume
}

// openByLibrary returns the file system in an extent; nil: none that the library knows.
func openByLibrary(storage backend.Storage, e extent) volume {
	if v, err := fat32.Read(storage, e.size, e.start, 0); err == nil {
		return v
	}
	if v, err := fat16.Read(storage, e.size, e.start, sector); err == nil {
		return v
	}
	if v, err := fat12.Read(storage, e.size, e.start, sector); err == nil {
		return v
	}
	if v, err := ext4.Read(storage, e.size, e.start, sector); err == nil {
		return v
	}
	if v, err := iso9660.Read(storage, e.size, e.start, 2048); err == nil {
		return v
	}
	return nil
}

// isNTFS tells whether an extent says that it is NTFS.
func isNTFS(disk io.ReaderAt, e extent) bool {
	name := make([]byte, 8)
	_, err := disk.ReadAt(name, e.start+3)
	return err == nil && string(name) == "NTFS    "
}

// read returns a file, which must be as long as its entry says. It is asked for once, into no more room than that: asked for the last
// cluster in pieces, the library returns what lies behind the file, too.
func read(v volume, path string, size int64) ([]byte, error) {
	f, err := v.Open(path)
	if err != nil {
		return nil, fmt.Errorf("the file %s of the stick cannot be opened: %w", path, err)
	}
	defer f.Close()
	data := make([]byte, size)
	switch n, err := io.ReadFull(f, data); {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, fmt.Errorf("the file %s of the stick is broken: %d of its %d octets can be read", path, n, size)
	case err != nil:
		return nil, fmt.Errorf("the file %s of the stick cannot be read: %w", path, err)
	}
	return data, nil
}
