// Package confine takes from the running program what it does not need: gaining privileges by running others (no_new_privs),
// core dumps, capabilities, and files (Landlock, Linux 5.13, best effort: an older kernel goes without).
//
// It needs a program without C, as the product is: rights belong to threads, and C code may have threads that Go does not know.
// Which user runs the program and which capabilities it has at first is for who starts it: process 1 (firmware), or systemd.
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
// only to files below the folders of write; those that are not there count for nothing.
func Process(write ...string) error {
	if err := common(); err != nil {
		return err
	}
	rules := []rule{{"/", reading}}
	for _, folder := range write {
		rules = append(rules, rule{folder, everything})
	}
	return restrict(rules)
}

// Alone leaves this process nothing but the files that it has open: no file can be opened, and there are no capabilities.
func Alone() error {
	if err := common(); err != nil {
		return err
	}
	if err := dropCapabilities(); err != nil {
		return fmt.Errorf("drop capabilities: %w", err)
	}
	return restrict(nil)
}

func common() error {
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("forbid core dumps: %w", err)
	}
	if err := everyThread(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0); err != nil {
		return fmt.Errorf("forbid new privileges: %w", err)
	}
	return nil
}

func dropCapabilities() error {
	var none [2]unix.CapUserData
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	return errors.Join(
		everyThread(unix.SYS_PRCTL, unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0),
		everyThread(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&head)), uintptr(unsafe.Pointer(&none[0])), 0))
}

// What Landlock's first version knows (linux/landlock.h): reading is what is left when writing, removing and making is taken away.
const (
	everything = 1<<13 - 1
	reading    = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
)

// rule says what may be done below a folder.
type rule struct {
	folder string
	rights uint64
}

// restrict forbids what no rule allows.
func restrict(allowed []rule) error {
	attr := unix.LandlockRulesetAttr{Access_fs: everything}
	rules, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr.Access_fs), 0)
	if errno == unix.ENOSYS || errno == unix.EOPNOTSUPP {
		return nil
	}
	if errno != 0 {
		return fmt.Errorf("restrict the use of files: make a set of rules: %w", errno)
	}
	defer unix.Close(int(rules))
	for _, r := range allowed {
		if err := r.add(rules); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("restrict the use of files: %w", err)
		}
	}
	if err := everyThread(unix.SYS_LANDLOCK_RESTRICT_SELF, rules, 0, 0); err != nil {
		return fmt.Errorf("restrict the use of files: %w", err)
	}
	return nil
}

// below is struct landlock_path_beneath_attr, which is packed: 12 octets.
type below struct {
	rights uint64
	folder int32
}

func (r rule) add(rules uintptr) error {
	fd, err := unix.Open(r.folder, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: r.folder, Err: err}
	}
	defer unix.Close(fd)
	b := below{r.rights, int32(fd)}
	if _, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, rules, unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&b)), 0, 0, 0); errno != 0 {
		return fmt.Errorf("allow %s: %w", r.folder, errno)
	}
	return nil
}

// everyThread does a system call on all threads of the process, since the kernel keeps these rights for each of them.
func everyThread(call, a, b, c uintptr) error {
	if _, _, errno := syscall.AllThreadsSyscall(call, a, b, c); errno != 0 {
		return errno
	}
	return nil
}
