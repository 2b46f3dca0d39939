// Package boot does what the first process of a machine has to do before anything else can run: it mounts the file systems,
// loads the kernel's modules, sets what protects the kernel, seeds its random numbers, finds the partition that data is kept
// on, and in the end switches the machine off.
//
//	kernel -> Mount -> Words -> LoadModules -> Harden -> Loopback -> MountData -> Seed -> the program -> Halt
//
// Whatever it reads comes from the kernel or from the read-only image; it looks at nothing that came from a network or a
// removable medium. Every step tells what went wrong and leaves the machine able to go on, because a first process that gives
// up is a machine that hangs.
//
// It leaves to others what runs on the machine and how it is kept alive, and addresses and routes (board/link).
package boot

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// HostName names the machine towards the kernel.
func HostName(name string) error {
	if err := unix.Sethostname([]byte(name)); err != nil {
		return fmt.Errorf("set the host name: %w", err)
	}
	return nil
}

// Console makes the kernel's console the program's standard input, output and error, for a kernel that starts its first
// process before there is one.
func Console(path string) error {
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return fmt.Errorf("open the console %s: %w", path, err)
	}
	for std := range 3 {
		if fd == std {
			continue
		}
		if err := unix.Dup3(fd, std, 0); err != nil {
			return fmt.Errorf("use the console %s: %w", path, err)
		}
	}
	if fd > 2 {
		return unix.Close(fd)
	}
	return nil
}

// Loopback switches the loopback interface on, whose addresses the kernel then gives by itself.
func Loopback() error {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("switch the loopback interface on: %w", err)
	}
	defer unix.Close(s)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return fmt.Errorf("switch the loopback interface on: %w", err)
	}
	lo.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, lo); err != nil {
		return fmt.Errorf("switch the loopback interface on: %w", err)
	}
	return nil
}
