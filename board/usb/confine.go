package usb

import (
	"errors"
	"fmt"
	"runtime/debug"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What the child may use. The largest stick's allocation table has its place in it; a file system that asks for more was made
// to ask.
const (
	maxMemory  = 320 << 20 // octets of private memory
	softMemory = 192 << 20 // octets from which garbage is collected harder
	maxCPU     = 60        // seconds
)

// confine takes from the process what it does not need to read a disk that is open already: capabilities, files, further
// privileges, memory and time without bound. It works in a program without C only, as the product is: rights belong to
// threads, and C code may have threads that Go does not know.
func confine() error {
	debug.SetMemoryLimit(softMemory)
	if err := errors.Join(bound(), giveUp(), shutFiles()); err != nil {
		return fmt.Errorf("confine the reader of sticks: %w", err)
	}
	return nil
}

func bound() error {
	var errs []error
	for _, l := range []struct {
		what int
		most uint64
	}{
		{unix.RLIMIT_DATA, maxMemory}, {unix.RLIMIT_CPU, maxCPU}, {unix.RLIMIT_CORE, 0}, {unix.RLIMIT_NOFILE, 16},
	} {
		errs = append(errs, unix.Setrlimit(l.what, &unix.Rlimit{Cur: l.most, Max: l.most}))
	}
	return errors.Join(errs...)
}

// giveUp drops the capabilities and forbids to gain any.
func giveUp() error {
	var none [2]unix.CapUserData
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	return errors.Join(
		everyThread(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0),
		everyThread(unix.SYS_PRCTL, unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0),
		everyThread(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&head)), uintptr(unsafe.Pointer(&none[0])), 0))
}

// shutFiles forbids to open any file (Landlock, Linux 5.13), best effort: an older kernel has no Landlock, and what is dropped
// besides stands without it.
func shutFiles() error {
	attr := unix.LandlockRulesetAttr{Access_fs: landlockFiles}
	fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr.Access_fs), 0)
	if errno == unix.ENOSYS || errno == unix.EOPNOTSUPP {
		return nil
	}
	if errno != 0 {
		return fmt.Errorf("make a set of Landlock rules: %w", errno)
	}
	defer unix.Close(int(fd))
	return everyThread(unix.SYS_LANDLOCK_RESTRICT_SELF, fd, 0, 0)
}

// landlockFiles are the rights of Landlock's first version: to run, write and read files, list, remove and make them.
const landlockFiles = 1<<13 - 1

// everyThread does a system call on all threads of the process, since the kernel keeps these rights for each of them.
func everyThread(call, a, b, c uintptr) error {
	if _, _, errno := syscall.AllThreadsSyscall6(call, a, b, c, 0, 0, 0); errno != 0 {
		return errno
	}
	return nil
}
