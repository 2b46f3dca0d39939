package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.etcd.io/bbolt"
	"golang.org/x/sys/unix"
)

// halfMade is between the name of a file and the random end of the name under which it is made.
const halfMade = ".new-"

// removeHalfMade removes what a process left behind that was killed in create. Call it with the lock on path: nobody else
// who makes a file could use it then.
func removeHalfMade(path string) error {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("reading the folder of the state: %w", err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), filepath.Base(path)+halfMade) {
			continue
		}
		if err := os.Remove(filepath.Join(filepath.Dir(path), e.Name())); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("removing a half made state: %w", err)
		}
	}
	return nil
}

// create makes an empty file at path when there is none. It is made beside and linked into place when it is whole, so
// that a file at path is never half made: a short one is a damaged one.
func create(path string) error {
	if _, err := os.Lstat(path); err == nil || !errors.Is(err, os.ErrNotExist) {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+halfMade+"*")
	if err != nil {
		return fmt.Errorf("making the state: %w", err)
	}
	defer os.Remove(temp.Name())
	if err := temp.Close(); err != nil {
		return fmt.Errorf("making the state: %w", err)
	}
	if err := fillNew(temp.Name()); err != nil {
		return fmt.Errorf("making the state: %w", err)
	}
	if err := os.Link(temp.Name(), path); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("putting the new state in place: %w", err)
	}
	return syncFolder(filepath.Dir(path))
}

func fillNew(path string) error {
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		return err
	}
	return errors.Join(db.Update(makeBuckets), db.Close())
}

// syncFolder makes a new name in a folder survive a power cut.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("opening the folder of the state: %w", err)
	}
	defer folder.Close()
	if err := folder.Sync(); err != nil {
		return fmt.Errorf("writing the folder of the state: %w", err)
	}
	return nil
}

// openInspected opens the file, locks it for this process and reads its structure through, in that order: before the
// lock another process may be writing, and before the inspection bbolt would trust what it maps. Bbolt takes the same
// lock again, which it then has.
func openInspected(path string, wait time.Duration) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	if err := prepare(file, wait); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

func prepare(file *os.File, wait time.Duration) error {
	if err := lock(file, wait); err != nil {
		return err
	}
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a file", file.Name())
	}
	if info.Mode().Perm() != 0o600 {
		if err := file.Chmod(0o600); err != nil {
			return err
		}
	}
	if err := inspect(file, info.Size()); err != nil {
		return damaged(file.Name(), err.Error())
	}
	return nil
}

// lock takes the file for this process alone (flock). The kernel lets go of it when the process ends, however it ends.
func lock(file *os.File, wait time.Duration) error {
	for deadline := time.Now().Add(wait); ; time.Sleep(20 * time.Millisecond) {
		err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("locking the state: %w", err)
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%w: %s: stop the other tollgate, or give this one another folder with --state", ErrLocked, file.Name())
		}
	}
}

// SetAside renames a file that cannot be trusted, so that Open makes a new one, and returns its new name. Nothing is
// deleted: a file set aside before keeps its name.
func SetAside(path string) (string, error) {
	for n := 1; ; n++ {
		aside := fmt.Sprintf("%s.damaged-%d", path, n)
		err := os.Link(path, aside)
		if errors.Is(err, os.ErrExist) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("setting the damaged state aside: %w", err)
		}
		if err := os.Remove(path); err != nil {
			return "", fmt.Errorf("setting the damaged state aside: %w", err)
		}
		return aside, syncFolder(filepath.Dir(path))
	}
}
