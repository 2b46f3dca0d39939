// Package confine takes from the running program what it does not need: gaining privileges by running others (no_new_privs),
// core dumps, and writing anywhere but below a few folders (Landlock, Linux 5.13, best effort: an older kernel goes without).
//
// Which user runs the program and which capabilities it has is for who starts it: process 1 (firmware), or systemd.
package confine

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Process confines this process and all it starts, for good. It may go on reading and running what it could before, and writes
// only to files below the folders of write; those that are not there count for nothing. It needs a program without C, as the
// product is: rights belong to threads, and C code may have threads that Go does not know.
func Process(write ...string) error {
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("forbid core dumps: %w", err)
	}
	if err := everyThread(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1); err != nil {
		return fmt.Errorf("forbid new privileges: %w", err)
	}
	if err := restrict(write); err != nil {
		return fmt.Errorf("restrict where files are written: %w", err)
	}
	return nil
}

// What Landlock's first version knows (linux/landlock.h): reading is what is left when writing, removing and making is taken away.
const (
	everything = 1<<13 - 1
	reading    = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
)

func restrict(write []string) error {
	attr := unix.LandlockRulesetAttr{Access_fs: everything}
	rules, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr.Access_fs), 0)
	if errno == unix.ENOSYS || errno == unix.EOPNOTSUPP {
		return nil
	}
	if errno != 0 {
		return fmt.Errorf("make a set of rules: %w", errno)
	}
	defer unix.Close(int(rules))
	if err := allow(rules, "/", reading); err != nil {
		return err
	}
	for _, folder := range write {
		if err := allow(rules, folder, everything); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return everyThread(unix.SYS_LANDLOCK_RESTRICT_SELF, rules, 0)
}

// below is struct landlock_path_beneath_attr, which is packed: 12 octets.
type below struct {
	rights uint64
	folder int32
}

func allow(rules uintptr, folder string, rights uint64) error {
	fd, err := unix.Open(folder, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: folder, Err: err}
	}
	defer unix.Close(fd)
	b := below{rights, int32(fd)}
	if _, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, rules, unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&b)), 0, 0, 0); errno != 0 {
		return fmt.Errorf("allow %s: %w", folder, errno)
	}
	return nil
}

// everyThread does a system call on all threads of the process, since the kernel keeps these rights for each of them.
func everyThread(call, a, b uintptr) error {
	if _, _, errno := syscall.AllThreadsSyscall(call, a, b, 0); errno != 0 {
		return errno
	}
	return nil
}
