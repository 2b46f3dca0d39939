package usb

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/diskfs/go-diskfs/backend"
	"github.com/diskfs/go-diskfs/backend/file"
	"github.com/diskfs/go-diskfs/filesystem"
	"github.com/diskfs/go-diskfs/filesystem/ext4"
	"github.com/diskfs/go-diskfs/filesystem/fat12"
	"github.com/diskfs/go-diskfs/filesystem/fat16"
	"github.com/diskfs/go-diskfs/filesystem/fat32"
	"github.com/diskfs/go-diskfs/filesystem/iso9660"
	"github.com/diskfs/go-diskfs/partition"
)

// sector is the block that partition tables of sticks count in.
const sector = 512

// maxPartitions is how many partitions are looked into.
const maxPartitions = 16

var errNoVolume = errors.New("the stick holds no file system that can be read: format it as FAT32 (exFAT and NTFS are not read)")

// extent is a part of the disk.
type extent struct{ start, size int64 }

// volumes returns the file systems of a disk: of the disk as a whole, then of its partitions in their order.
func volumes(disk *os.File, writable bool) ([]filesystem.FileSystem, error) {
	size, err := disk.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, fmt.Errorf("measure the stick: %w", err)
	}
	if size < 16*sector {
		return nil, fmt.Errorf("the stick holds %d octets, too few for a file system", size)
	}
	storage := file.New(disk, !writable)
	var found []filesystem.FileSystem
	for _, e := range extents(storage, size) {
		if v := open(storage, e); v != nil {
			found = append(found, v)
		}
	}
	if len(found) == 0 {
		return nil, errNoVolume
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

// open returns the file system in an extent; nil: none that is known.
func open(storage backend.Storage, e extent) filesystem.FileSystem {
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

// read returns a file, which must be as long as its entry says. It is asked for once, into no more room than that: asked for the last
// cluster in pieces, the library returns what lies behind the file, too.
func read(volume filesystem.FileSystem, path string, size int64) ([]byte, error) {
	f, err := volume.Open(path)
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
