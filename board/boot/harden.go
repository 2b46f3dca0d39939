package boot

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// setting is one of the kernel's.
type setting struct{ path, value string }

// settings make the kernel restart the machine when it fails, tell nobody about its insides, and take nothing on trust that
// comes over the network (man 5 proc; Documentation/networking/ip-sysctl of the kernel).
var settings = []setting{
	{"kernel/panic", "10"},
	{"kernel/panic_on_oops", "1"},
	{"kernel/sysrq", "0"},
	{"kernel/dmesg_restrict", "1"},
	{"kernel/kptr_restrict", "2"},
	{"kernel/perf_event_paranoid", "3"},
	{"kernel/unprivileged_bpf_disabled", "1"},
	{"fs/suid_dumpable", "0"},
	{"fs/protected_symlinks", "1"},
	{"fs/protected_hardlinks", "1"},
	{"net/core/bpf_jit_harden", "1"},
	{"net/ipv4/tcp_syncookies", "1"},
	{"net/ipv4/conf/all/accept_redirects", "0"},
	{"net/ipv4/conf/default/accept_redirects", "0"},
	{"net/ipv4/conf/all/send_redirects", "0"},
	{"net/ipv4/conf/default/send_redirects", "0"},
	{"net/ipv4/conf/all/accept_source_route", "0"},
	{"net/ipv4/conf/default/accept_source_route", "0"},
	// A port answers for its own addresses alone, and asks from them (RFC 826 leaves it open).
	{"net/ipv4/conf/all/arp_ignore", "1"},
	{"net/ipv4/conf/all/arp_announce", "2"},
	{"net/ipv6/conf/all/accept_redirects", "0"},
	{"net/ipv6/conf/default/accept_redirects", "0"},
}

// mostFiles is how many files and sockets the program may have open: a call takes up to eight.
const mostFiles = 1 << 17

// Harden sets the kernel up for a machine that serves strangers, below root, and the limits of every process to come: no core
// dumps, many sockets, memory for the kernel's tables. A kernel that lacks a setting does not have what it is about.
func Harden(root string) error {
	faults := []error{applySettings(root)}
	for _, l := range []struct {
		what  int
		limit uint64
	}{{unix.RLIMIT_CORE, 0}, {unix.RLIMIT_NOFILE, mostFiles}, {unix.RLIMIT_MEMLOCK, unix.RLIM_INFINITY}} {
		if err := unix.Setrlimit(l.what, &unix.Rlimit{Cur: l.limit, Max: l.limit}); err != nil {
			faults = append(faults, fmt.Errorf("set the limits of processes: %w", err))
		}
	}
	return errors.Join(faults...)
}

func applySettings(root string) error {
	var faults []error
	for _, s := range settings {
		err := write(filepath.Join(root, "proc/sys", s.path), s.value+"\n")
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			faults = append(faults, fmt.Errorf("protect the kernel: %w", err))
		}
	}
	return errors.Join(faults...)
}

func write(path, value string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value)
	return errors.Join(err, f.Close())
}
