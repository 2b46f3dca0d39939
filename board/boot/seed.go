package boot

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// seedSize is what the kernel's generator takes in at most, in bytes (random(4)).
const seedSize = 512

// Seed gives the kernel's random numbers what the box kept for them at its last start, and keeps something new in the file
// before anybody draws from it, so that no seed is used twice. A box that starts for the first time has none, and waits for
// what the kernel gathers itself. device is /dev/urandom.
func Seed(file, device string) error {
	kept, err := os.ReadFile(file)
	if err == nil && len(kept) == seedSize {
		err = credit(device, kept)
	} else if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	next := make([]byte, seedSize)
	rand.Read(next) // waits until the kernel has gathered enough
	return errors.Join(err, replace(file, next))
}

// entropy is struct rand_pool_info of the kernel (linux/random.h).
type entropy struct {
	bits, size int32
	bytes      [seedSize]byte
}

// addEntropy is RNDADDENTROPY: _IOW('R', 0x03, int[2]).
const addEntropy = 0x40085203

// credit mixes a seed in and counts it as random.
func credit(device string, seed []byte) error {
	f, err := os.OpenFile(device, os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("seed the random numbers: %w", err)
	}
	defer f.Close()
	e := entropy{bits: seedSize * 8, size: seedSize}
	copy(e.bytes[:], seed)
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), addEntropy, uintptr(unsafe.Pointer(&e))); errno != 0 {
		return fmt.Errorf("seed the random numbers: %w", errno)
	}
	return nil
}

// replace writes a file so that a power cut leaves the old one or the new one.
func replace(path string, content []byte) error {
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("keep a seed: %w", err)
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		return fmt.Errorf("keep a seed: %w", err)
	}
	return nil
}
