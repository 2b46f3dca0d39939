package boot

import (
	"os"
	"path/filepath"
	"strings"
)

// Sticks are the device files of disks and partitions on USB, below root, but for a disk that something is mounted from: a box may
// run from a USB disk, which is no stick.
func Sticks(root string) []string {
	blocks, err := os.ReadDir(filepath.Join(root, "sys/class/block"))
	if err != nil {
		return nil
	}
	mounts, err := os.ReadFile(filepath.Join(root, "proc/self/mounts"))
	if err != nil {
		return nil // what is mounted is not known
	}
	var list []string
	for _, b := range blocks {
		place, err := filepath.EvalSymlinks(filepath.Join(root, "sys/class/block", b.Name()))
		if err != nil {
			continue
		}
		_, usb, found := strings.Cut(place, "/usb")
		if !found {
			continue
		}
		disk := b.Name()
		if _, after, nested := strings.Cut(usb, "/block/"); nested {
			disk, _, _ = strings.Cut(after, "/")
		}
		if !strings.Contains("\n"+string(mounts), "\n/dev/"+disk) {
			list = append(list, "/dev/"+b.Name())
		}
	}
	return list
}
