package boot

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// fileSystem is one that the kernel makes up itself.
type fileSystem struct {
	kind, at, options string
	flags             uintptr
}

const quiet = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC

// fileSystems are mounted in this order. Nothing can be run from any of them, nor be a device, but for /dev itself.
var fileSystems = []fileSystem{
	{"proc", "/proc", "", quiet},
	{"sysfs", "/sys", "", quiet},
	{"devtmpfs", "/dev", "mode=0755", unix.MS_NOSUID | unix.MS_NOEXEC},
	{"tmpfs", "/run", "mode=0755,size=25%", quiet},
	{"tmpfs", "/tmp", "mode=1777,size=10%", quiet},
}

// Mount mounts what the kernel makes up: /proc, /sys, /dev, /run and /tmp. What is mounted already stays.
func Mount() error {
	var faults []error
	for _, f := range fileSystems {
		if mounted(f.at) {
			continue
		}
		if err := os.MkdirAll(f.at, 0o755); err != nil {
			faults = append(faults, fmt.Errorf("mount %s: %w", f.at, err))
			continue
		}
		if err := unix.Mount(f.kind, f.at, f.kind, f.flags, f.options); err != nil && !errors.Is(err, unix.EBUSY) {
			faults = append(faults, fmt.Errorf("mount %s: %w", f.at, err))
		}
	}
	return errors.Join(faults...)
}

// mounted tells whether a file system begins at path.
func mounted(path string) bool {
	var here, above unix.Stat_t
	if unix.Stat(path, &here) != nil || unix.Stat(filepath.Dir(path), &above) != nil {
		return false
	}
	return here.Dev != above.Dev
}
