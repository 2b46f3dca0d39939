package boot

import (
	"bytes"
	"compress/gzip"
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
	head := make([]byte, unused)
	if _, err := io.ReadFull(d, head); err != nil {
		return fmt.Errorf("look at %s: %w", device, err)
	}
	if !zero(head) {
		return nil
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

// fillPartition enlarges the mounted ext4 file system at a folder to all of its partition. One that fills it already stays.
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
	var s unix.Statfs_t
	if err := unix.Statfs(at, &s); err != nil {
		return fmt.Errorf("enlarge the file system at %s: %w", at, err)
	}
	blocks := uint64(size) / uint64(s.Bsize)
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
