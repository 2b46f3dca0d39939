package update

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// Slots are the partitions that updates work on: block devices, or files in tests.
type Slots struct {
	A, B  string
	State string
	// Autoboot is the partition with autoboot.txt, by which the firmware of a Raspberry Pi chooses; empty where U-Boot does.
	Autoboot string

	open func(path string, flag int) (device, error) // nil: that of the system
}

// device is a partition.
type device interface {
	io.ReaderAt
	io.WriterAt
	io.Seeker
	Sync() error
	Close() error
}

func (s Slots) device(path string, flag int) (device, error) {
	if s.open != nil {
		return s.open(path, flag)
	}
	return os.OpenFile(path, flag, 0)
}

func (s Slots) path(which Slot) string {
	if which == A {
		return s.A
	}
	return s.B
}

// keeper keeps what the machine's loader chooses the slot by.
type keeper interface {
	read() (State, error)
	write(State) error
	// arm readies a restart for a trial, if one waits, and tells whether the restart has to ask the loader for it.
	arm() (ask bool, err error)
}

func (s Slots) keeper() keeper {
	if s.Autoboot != "" {
		return tryboot{environment{s}}
	}
	return environment{s}
}

// Read returns what chooses the slot at the next start.
func (s Slots) Read() (State, error) { return s.keeper().read() }

func (s Slots) write(state State) error { return s.keeper().write(state) }

// headSize is how much of a slot is written last, in bytes. U-Boot knows a system by its head and a Raspberry Pi's firmware a
// file system by both its boot sectors, which lie in there, so a slot that is half written holds none.
const headSize = 4096

// fill writes content of size bytes to a slot.
func (s Slots) fill(which Slot, content io.ReaderAt, size int64) error {
	f, err := s.device(s.path(which), os.O_WRONLY)
	if err != nil {
		return fmt.Errorf("write slot %s: %w", which, err)
	}
	defer f.Close()
	room, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return fmt.Errorf("write slot %s: %w", which, err)
	}
	if size > room {
		return fmt.Errorf("the update has %d bytes, and slot %s has room for %d", size, which, room)
	}
	head := min(headSize, size)
	for _, part := range []struct {
		content io.Reader
		at      int64
	}{
		{zeros(head), 0},
		{io.NewSectionReader(content, head, size-head), head},
		{io.NewSectionReader(content, 0, head), 0},
	} {
		if _, err := io.Copy(io.NewOffsetWriter(f, part.at), part.content); err != nil {
			return fmt.Errorf("write slot %s: %w", which, err)
		}
		if err := f.Sync(); err != nil {
			return fmt.Errorf("write slot %s: %w", which, err)
		}
	}
	return nil
}

func zeros(n int64) io.Reader { return io.LimitReader(zeroReader{}, n) }

type zeroReader struct{}

func (zeroReader) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

// sum is the SHA-256 of a slot's first bytes, as the disk has them and not as they are remembered.
func (s Slots) sum(which Slot, size int64) ([]byte, error) {
	f, err := s.device(s.path(which), os.O_RDONLY)
	if err != nil {
		return nil, fmt.Errorf("read slot %s back: %w", which, err)
	}
	defer f.Close()
	if f, ok := f.(*os.File); ok {
		if err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil && !errors.Is(err, unix.ENOSYS) {
			return nil, fmt.Errorf("read slot %s back: %w", which, err)
		}
	}
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(f, 0, size)); err != nil {
		return nil, fmt.Errorf("read slot %s back: %w", which, err)
	}
	return h.Sum(nil), nil
}
