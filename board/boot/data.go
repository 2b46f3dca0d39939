package boot

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// partLabel stands before the name of a partition.
const partLabel = "PARTLABEL="

// look is how often it is looked whether a device is there.
const look = 10 * time.Millisecond

// MountData mounts where data is kept at the folder at: the place that word names (see Words.Data), as soon as it is there,
// or memory. A partition that was never used is given a file system, and is enlarged to the end of its disk. When kept is false
// although a place is named, the error tells why; then nothing is kept over a power-off. Otherwise it tells what else was wrong.
func MountData(ctx context.Context, word, at string) (kept bool, err error) {
	if err := os.MkdirAll(at, 0o755); err != nil {
		return false, fmt.Errorf("mount %s: %w", at, err)
	}
	if mounted(at) {
		return true, nil
	}
	if word != "none" {
		if kept, err = mountDevice(ctx, word, at); kept {
			return true, err
		}
	}
	if m := unix.Mount("tmpfs", at, "tmpfs", quiet, "mode=0755,size=25%"); m != nil {
		err = errors.Join(err, fmt.Errorf("mount memory at %s: %w", at, m))
	}
	return false, err
}

// mountDevice prepares and mounts what word names; done tells whether it is mounted.
func mountDevice(ctx context.Context, word, at string) (done bool, err error) {
	device, err := waitForDevice(ctx, "/", word)
	if err != nil {
		return false, err
	}
	label, labelled := strings.CutPrefix(word, partLabel)
	if labelled { // what cannot be prepared may be usable all the same
		err = prepareData("/", device, label)
	}
	if m := unix.Mount(device, at, "ext4", quiet|unix.MS_NOATIME, "errors=remount-ro"); m != nil {
		return false, errors.Join(err, fmt.Errorf("mount %s at %s: %w", device, at, m))
	}
	if labelled {
		err = errors.Join(err, fillPartition(device, at))
	}
	return true, err
}

// waitForDevice returns the device file that word names once it is there.
func waitForDevice(ctx context.Context, root, word string) (string, error) {
	for {
		device, found := findDevice(root, word)
		if found {
			return device, nil
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("there is no %s to keep data on", word)
		case <-time.After(look):
		}
	}
}

// FindPartition returns the device file of the partition called label in the partition table, on any disk but USB ones.
func FindPartition(root, label string) (device string, found bool) {
	return findDevice(root, partLabel+label)
}

// findDevice looks for what word names. A partition is known by the name that the kernel has read from the partition table;
// none on a USB device counts, since anybody can plug one in that bears the name.
func findDevice(root, word string) (string, bool) {
	label, labelled := strings.CutPrefix(word, partLabel)
	if !labelled {
		_, err := os.Stat(filepath.Join(root, word))
		return word, err == nil
	}
	blocks, err := os.ReadDir(filepath.Join(root, "sys/class/block"))
	if err != nil {
		return "", false
	}
	for _, b := range blocks {
		place, err := os.Readlink(filepath.Join(root, "sys/class/block", b.Name())) // of one step, to where the device hangs
		if err != nil || strings.Contains(place, "/usb") {
			continue
		}
		if named(filepath.Join(root, "sys/class/block", place, "uevent"), label) {
			return "/dev/" + b.Name(), true
		}
	}
	return "", false
}

// named tells whether what the kernel says of a block device holds the partition name label.
func named(uevent, label string) bool {
	text, err := os.ReadFile(uevent)
	if err != nil {
		return false
	}
	for _, line := range strings.Split(string(text), "\n") {
		if line == "PARTNAME="+label {
			return true
		}
	}
	return false
}
