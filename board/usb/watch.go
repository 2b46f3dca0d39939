package usb

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Change says that a disk on a USB port has come or gone.
type Change struct {
	Device string // "/dev/sda"
	Here   bool
}

// Watch tells each disk on a USB port that is there, and then those that come and go, until ctx ends (then it returns nil) or
// the kernel tells nothing more. root is the folder that holds sys and dev, "/" on a box.
func Watch(ctx context.Context, root string, tell func(Change)) error {
	events, err := listen()
	if err != nil {
		return err
	}
	defer events.Close()
	defer context.AfterFunc(ctx, func() { events.Close() })()
	there, err := present(root)
	if err != nil {
		return err
	}
	for _, name := range there {
		tell(Change{Device: filepath.Join(root, "dev", name), Here: true})
	}
	message := make([]byte, 16<<10)
	for {
		n, err := events.Read(message)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, unix.ENOBUFS):
			continue // messages were lost; a stick that was missed is plugged in again by its owner
		case err != nil:
			return fmt.Errorf("hear of devices: %w", err)
		}
		tellOf(message[:n], root, tell)
	}
}

func tellOf(message []byte, root string, tell func(Change)) {
	e, ok := parseUevent(message)
	if !ok {
		return
	}
	name := e.disk()
	switch {
	case name == "":
	case e.action == "add":
		tell(Change{Device: filepath.Join(root, "dev", name), Here: true})
	case e.action == "remove":
		tell(Change{Device: filepath.Join(root, "dev", name)})
	}
}

// listen opens the socket on which the kernel tells of devices. Group 1 is the kernel's own; others are those of udev.
func listen() (*os.File, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_KOBJECT_UEVENT)
	if err != nil {
		return nil, fmt.Errorf("hear of devices: %w", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: 1}); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("hear of devices: %w", err)
	}
	return os.NewFile(uintptr(fd), "uevents"), nil
}

// present lists the disks on USB ports that are there now.
func present(root string) ([]string, error) {
	dir := filepath.Join(root, "sys/block")
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list the disks: %w", err)
	}
	var found []string
	for _, e := range entries {
		if target, err := os.Readlink(filepath.Join(dir, e.Name())); err == nil && onUSB(target) {
			found = append(found, e.Name())
		}
	}
	return found, nil
}
