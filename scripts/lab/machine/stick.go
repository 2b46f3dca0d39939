package machine

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// stickSize is that of a stick, in octets; FAT32 wants no less.
const stickSize = 64 << 20

// MakeStick makes the file of a stick without partitions, formatted as FAT32, that holds files in the folder tollgate.
func MakeStick(path string, files map[string][]byte) error {
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		return err
	}
	if err := os.Truncate(path, stickSize); err != nil {
		return err
	}
	if err := tool(nil, "mkfs.fat", "-F", "32", "-n", "STICK", path); err != nil {
		return err
	}
	if err := tool(nil, "mmd", "-i", path, "::/tollgate"); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := tool(files[name], "mcopy", "-i", path, "-", "::/tollgate/"+name); err != nil {
			return err
		}
	}
	return nil
}

// ReadStick returns what the file on such a stick holds that lies in a folder and whose name begins with prefix.
func ReadStick(path, folder, prefix string) (name string, content []byte, err error) {
	folder = "::/" + folder
	list, err := exec.Command("mdir", "-b", "-i", path, folder).Output()
	if err != nil {
		return "", nil, fmt.Errorf("list the stick: %w", err)
	}
	for line := range strings.Lines(string(list)) {
		if name = strings.TrimPrefix(strings.TrimSpace(line), folder+"/"); strings.HasPrefix(name, prefix) {
			content, err = exec.Command("mtype", "-i", path, folder+"/"+name).Output()
			return name, content, err
		}
	}
	return "", nil, fmt.Errorf("the stick has no file %s…:\n%s", prefix, list)
}

// CheckStick has the file of such a stick looked through, and tells what is wrong with its file system.
func CheckStick(path string) error { return tool(nil, "fsck.fat", "-n", path) }

// MakeExt4Stick makes the file of a stick formatted as ext4 that holds what lies in a folder.
func MakeExt4Stick(path, folder string) error {
	if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Truncate(path, stickSize)); err != nil {
		return err
	}
	return tool(nil, "mkfs.ext4", "-q", "-d", folder, path)
}

// tool runs a program of Debian's.
func tool(in []byte, name string, args ...string) error {
	c := exec.Command(name, args...)
	c.Stdin = bytes.NewReader(in)
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, out)
	}
	return nil
}
