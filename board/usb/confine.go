package usb

import (
	"errors"
	"fmt"
	"runtime/debug"

	"golang.org/x/sys/unix"

	"tollgate/board/confine"
)

// What the child may use. The largest stick's allocation table has its place in it; a file system that asks for more was made
// to ask.
const (
	maxMemory  = 320 << 20 // octets of private memory
	softMemory = 192 << 20 // octets from which garbage is collected harder
	maxCPU     = 60        // seconds
)

// shutIn takes from the process what it does not need to read a disk that is open already, and bounds its memory and time.
func shutIn() error {
	debug.SetMemoryLimit(softMemory)
	if err := errors.Join(bound(), confine.Alone()); err != nil {
		return fmt.Errorf("confine the reader of sticks: %w", err)
	}
	return nil
}

func bound() error {
	var errs []error
	for _, l := range []struct {
		what int
		most uint64
	}{{unix.RLIMIT_DATA, maxMemory}, {unix.RLIMIT_CPU, maxCPU}, {unix.RLIMIT_NOFILE, 16}} {
		errs = append(errs, unix.Setrlimit(l.what, &unix.Rlimit{Cur: l.most, Max: l.most}))
	}
	return errors.Join(errs...)
}
