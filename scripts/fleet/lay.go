package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"tollgate/board/usb"
)

// imageSize is how large the image of a stick is, in KiB; FAT16.
const imageSize = "16384"

// lay writes the stick of a box as a folder, or as an image that dd writes onto a stick.
func (j job) lay(b box, files map[string][]byte) error {
	root := filepath.Join(j.out, b.name)
	folder := filepath.Join(root, usb.Folder)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			return err
		}
	}
	if !j.image {
		return nil
	}
	image := root + ".img"
	for _, command := range [][]string{
		{"mkfs.fat", "-n", "TOLLGATE", "-C", image, imageSize},
		{"mcopy", "-s", "-i", image, folder, "::"},
	} {
		if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s (scripts/setup sticks brings it): %w: %s", command[0], err, out)
		}
	}
	return os.RemoveAll(root)
}
