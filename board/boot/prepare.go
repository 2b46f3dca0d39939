package boot

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// dataSeed is an empty ext4 file system of the image's making, small and compressed: the image has no program that makes one.
const dataSeed = "/lib/data.ext4.gz"

// unused is how much of a partition has to be zero for it to count as one that was never used, in bytes. A partition that
// holds anything else is left as it is, even when it cannot be mounted: it may be what the box knows.
const unused = 1 << 20

// firstPiece is how much of it is read at once.
const firstPiece = 16 << 10

// prepareData makes a partition of the box's own disk ready to be mounted: it reaches to the end of the disk, and it holds a
// file system. What was done already is not done again. An error leaves the partition as it was, as usable as before.
func prepareData(root, device, label string) error {
	grow := enlarge(root, filepath.Base(device), label)
	return errors.Join(grow, formatUnused(filepath.Join(root, device), filepath.Join(root, dataSeed)))
}

// enlarge enlarges the partition called label, which is the block device called name.
func enlarge(root, name, label string) error {
	place, err := filepath.EvalSymlinks(filepath.Join(root, "sys/class/block", name))
	if err != nil {
		return fmt.Errorf("enlarge %s: %w", label, err)
	}
	text, err := os.ReadFile(filepath.Join(filepath.Dir(place), "size"))
	if err != nil {
		return fmt.Errorf("enlarge %s: %w", label, err)
	}
	sectors, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		return fmt.Errorf("enlarge %s: the size of its disk: %w", label, err)
	}
	disk, err := os.OpenFile(filepath.Join(root, "dev", filepath.Base(filepath.Dir(place))), os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("enlarge %s: %w", label, err)
	}
	defer disk.Close()
	g, err := growPartition(disk, sectors*sector, label)
	if err != nil || !g.changed {
		return err
	}
	return tellKernel(disk, g)
}

// blkpgPartition and blkpgCall are struct blkpg_partition and struct blkpg_ioctl_arg of the kernel (linux/blkpg.h).
type blkpgPartition struct {
	start, length int64
	number        int32
	_             [128]byte // names of the device and the volume
	_             [4]byte
}

type blkpgCall struct {
	operation, flags, size int32
	_                      int32
	data                   *blkpgPartition
}

const resizePartition = 3 // BLKPG_RESIZE_PARTITION

// tellKernel has the kernel use a partition's new size at once; others of the disk may be in use.
func tellKernel(disk *os.File, g grown) error {
	p := blkpgPartition{start: g.start, length: g.length, number: int32(g.number)}
	call := blkpgCall{operation: resizePartition, size: int32(unsafe.Sizeof(p)), data: &p}
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, disk.Fd(), unix.BLKPG, uintptr(unsafe.Pointer(&call))); errno != 0 {
		return fmt.Errorf("tell the kernel that a partition is larger now: %w", errno)
	}
	return nil
}

// formatUnused writes the empty file system of the file seed to a device that was never used. The first block, by which a file
// system is known, comes last: after a power cut the device still counts as never used.
func formatUnused(device, seed string) error {
	d, err := os.OpenFile(device, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("look at %s: %w", device, err)
	}
	defer d.Close()
	if empty, err := neverUsed(d); err != nil || !empty {
		return err
	}
	s, err := os.Open(seed)
	if err != nil {
		return fmt.Errorf("format %s: %w", device, err)
	}
	defer s.Close()
	if err := writeSeed(d, s); err != nil {
		return fmt.Errorf("format %s: %w", device, err)
	}
	return nil
}

// neverUsed tells whether a device begins with nothing but zeros. One with a file system says so in its first piece already.
func neverUsed(d *os.File) (bool, error) {
	piece := make([]byte, firstPiece)
	for at := 0; at < unused; at += firstPiece {
		if _, err := io.ReadFull(d, piece); err != nil {
			return false, fmt.Errorf("look at %s: %w", d.Name(), err)
		}
		if !zero(piece) {
			return false, nil
		}
	}
	return true, nil
}

func writeSeed(d disk, seed io.Reader) error {
	unpacked, err := gzip.NewReader(seed)
	if err != nil {
		return err
	}
	var first []byte
	block := make([]byte, unused)
	for at := int64(0); ; at += unused {
		n, err := io.ReadFull(unpacked, block)
		if n > 0 && at == 0 {
			first = bytes.Clone(block[:n])
		} else if n > 0 {
			// Zeros are written too: what a card held before the box came to it is no file system.
			if _, err := d.WriteAt(block[:n], at); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			break
		}
		if err != nil {
			return err
		}
	}
	if err := d.Sync(); err != nil {
		return err
	}
	if _, err := d.WriteAt(first, 0); err != nil {
		return err
	}
	return d.Sync()
}

func zero(b []byte) bool {
	return len(bytes.TrimLeft(b, "\x00")) == 0
}

// resizeFileSystem is EXT4_IOC_RESIZE_FS: _IOW('f', 16, __u64).
const resizeFileSystem = 0x40086610

// Places in the superblock of ext4 (Documentation/filesystems/ext4 of the kernel), and where it is on the device.
const (
	superblock     = 1024
	superblockSize = 1024
	atBlocks       = 0x4 // how many there are, the lower half
	atBlockSize    = 0x18
	atMagic        = 0x38
	atIncompatible = 0x60
	atBlocksUpper  = 0x150
	ext4Magic      = 0xef53
	manyBlocks     = 0x80 // of atIncompatible: there is an upper half
)

// fileSystemBlocks is how many blocks the ext4 file system on a device says that it has, and how large they are.
func fileSystemBlocks(device io.ReaderAt) (blocks, size uint64, err error) {
	s := make([]byte, superblockSize)
	if _, err := device.ReadAt(s, superblock); err != nil {
		return 0, 0, fmt.Errorf("read the size of a file system: %w", err)
	}
	shift := binary.LittleEndian.Uint32(s[atBlockSize:])
	if binary.LittleEndian.Uint16(s[atMagic:]) != ext4Magic || shift > 6 {
		return 0, 0, errors.New("read the size of a file system: it is no ext4")
	}
	blocks = uint64(binary.LittleEndian.Uint32(s[atBlocks:]))
	if binary.LittleEndian.Uint32(s[atIncompatible:])&manyBlocks != 0 {
		blocks |= uint64(binary.LittleEndian.Uint32(s[atBlocksUpper:])) << 32
	}
	return blocks, 1024 << shift, nil
}

// fillPartition enlarges the mounted ext4 file system at a folder to all of its partition. One that fills it already stays: the kernel
// would go through all of it to find that out.
func fillPartition(device, at string) error {
	d, err := os.Open(device)
	if err != nil {
		return fmt.Errorf("enlarge the file system at %s: %w", at, err)
	}
	defer d.Close()
	size, err := d.Seek(0, io.SeekEnd)
	if err != nil {
		return fmt.Errorf("enlarge the file system at %s: %w", at, err)
	}
	have, block, err := fileSystemBlocks(d)
	if err != nil {
		return fmt.Errorf("enlarge the file system at %s: %w", at, err)
	}
	blocks := uint64(size) / block
	if have == blocks {
		return nil
	}
	folder, err := os.Open(at)
	if err != nil {
		return fmt.Errorf("enlarge the file system at %s: %w", at, err)
	}
	defer folder.Close()
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, folder.Fd(), resizeFileSystem, uintptr(unsafe.Pointer(&blocks))); errno != 0 {
		return fmt.Errorf("enlarge the file system at %s to %d blocks: %w", at, blocks, errno)
	}
	return nil
}
