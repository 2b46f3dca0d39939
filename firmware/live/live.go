// Package live keeps small records in a memory file system, so that a process finds there what the one before it was doing
// when it ended without warning: the running calls.
//
// A Folder holds one file a record, 0600 in a folder of 0700. A record is written whole under another name and then renamed,
// so that a reader finds the old one or the new one and nothing between. It carries its version and a SHA-256: what is
// damaged, or of another release, is told and dropped, never guessed at. Nothing is synchronised to anything: what is kept
// has to outlive the process, and must not outlive the power, because there are keys in it. Open refuses a folder on a
// disk. (Where the machine has swap space, memory may reach a disk by that way, as all of a process may.)
//
// It leaves to others what a record means (call, media, registrar) and when it is written.
package live

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// ErrDisk says that a folder is not in a memory file system, where keys must not be.
var ErrDisk = errors.New("it is not in a memory file system (tmpfs or ramfs), and keys must not be written to a disk")

// Folder holds records. It is safe for concurrent use, as long as each name has one writer.
type Folder struct{ dir string }

const suffix = ".record"

// Open makes the folder where there is none, and closes it to everybody else. It fails with ErrDisk for one on a disk.
func Open(dir string) (*Folder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder for running calls: %w", err)
	}
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return nil, fmt.Errorf("look at the folder for running calls: %w", os.NewSyscallError("statfs", err))
	}
	if s.Type != unix.TMPFS_MAGIC && s.Type != unix.RAMFS_MAGIC {
		return nil, fmt.Errorf("the folder for running calls, %s: %w", dir, ErrDisk)
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return nil, fmt.Errorf("close the folder for running calls to others: %w", err)
	}
	return &Folder{dir}, nil
}

// Write keeps a record under a name of letters, digits, dots and dashes, in the place of the one before.
func (f *Folder) Write(name string, payload []byte) error {
	path, err := f.path(name)
	if err != nil {
		return err
	}
	fresh := path + ".new"
	if err := writeFile(fresh, head(payload), payload); err != nil {
		return errors.Join(fmt.Errorf("write the record %s: %w", name, err), gone(os.Remove(fresh)))
	}
	if err := unix.Rename(fresh, path); err != nil {
		return errors.Join(fmt.Errorf("write the record %s: %w", name, err), gone(os.Remove(fresh)))
	}
	return nil
}

// writeFile writes a file in parts. It calls the kernel by itself: os.OpenFile asks five times more whether a file of memory can
// be waited for.
func writeFile(path string, parts ...[]byte) error {
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_CREAT|unix.O_TRUNC|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return os.NewSyscallError("open", err)
	}
	for _, part := range parts {
		if err := writeAll(fd, part); err != nil {
			return errors.Join(os.NewSyscallError("write", err), unix.Close(fd))
		}
	}
	return os.NewSyscallError("close", unix.Close(fd))
}

func writeAll(fd int, b []byte) error {
	for len(b) > 0 {
		n, err := unix.Write(fd, b)
		if err != nil && err != unix.EINTR {
			return err
		}
		b = b[max(n, 0):]
	}
	return nil
}

// Remove forgets a record. There need be none.
func (f *Folder) Remove(name string) error {
	path, err := f.path(name)
	if err != nil {
		return err
	}
	if err := gone(os.Remove(path)); err != nil {
		return fmt.Errorf("remove the record %s: %w", name, err)
	}
	return nil
}

// Read returns all records by name. Those that cannot be read are told in damaged, and removed.
func (f *Folder) Read() (records map[string][]byte, damaged []error, err error) {
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return nil, nil, fmt.Errorf("read the folder for running calls: %w", err)
	}
	records = map[string][]byte{}
	for _, e := range entries {
		path := filepath.Join(f.dir, e.Name())
		name, whole := strings.CutSuffix(e.Name(), suffix)
		if !whole { // half written when the process ended
			damaged = append(damaged, gone(os.Remove(path)))
			continue
		}
		payload, err := readFile(path, e)
		if err != nil {
			damaged = append(damaged, fmt.Errorf("record %s: %w", name, err), gone(os.Remove(path)))
			continue
		}
		records[name] = payload
	}
	return records, told(damaged), nil
}

func readFile(path string, e fs.DirEntry) ([]byte, error) {
	info, err := e.Info()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > largest {
		return nil, errors.New("it is no file of ours")
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return decode(b)
}

func (f *Folder) path(name string) (string, error) {
	proper := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '.'
	}
	if name == "" || strings.HasPrefix(name, ".") || strings.ContainsFunc(name, func(r rune) bool { return !proper(r) }) || len(name) > 200 {
		return "", fmt.Errorf("%q is no name for a record", name)
	}
	return filepath.Join(f.dir, name+suffix), nil
}

// gone is the error of a removal, unless there was nothing to remove.
func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// told leaves out what is no error.
func told(errs []error) (list []error) {
	for _, err := range errs {
		if err != nil {
			list = append(list, err)
		}
	}
	return list
}
