package boot

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// AskWipe leaves the mark that has the next start wipe what Wipe names. When it returns, a power cut does not lose the mark.
func AskWipe(mark string) error {
	f, err := os.OpenFile(mark, os.O_WRONLY|os.O_CREATE, 0o600)
	if err == nil {
		err = errors.Join(f.Sync(), f.Close(), syncFolder(filepath.Dir(mark)))
	}
	if err != nil {
		return fmt.Errorf("ask for a reset: %w", err)
	}
	return nil
}

// Wipe empties folder when the mark is there, and takes the mark away last: a power cut in between has the next start do it
// again. Files are overwritten first, which a disk heeds and a memory card may not. Nothing may use the folder meanwhile.
func Wipe(mark, folder string) (wiped bool, err error) {
	if _, err := os.Lstat(mark); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	// What cannot be overwritten is removed all the same.
	faults := []error{filepath.WalkDir(folder, overwrite)}
	if errors.Is(faults[0], fs.ErrNotExist) {
		faults[0] = nil
	}
	if err := errors.Join(os.RemoveAll(folder), syncFolder(filepath.Dir(folder))); err != nil {
		return true, errors.Join(append(faults, fmt.Errorf("wipe %s: %w", folder, err))...)
	}
	return true, errors.Join(append(faults, os.Remove(mark), syncFolder(filepath.Dir(mark)))...)
}

// overwrite fills a plain file that has no other name with zeros.
func overwrite(path string, e fs.DirEntry, err error) error {
	if err != nil || !e.Type().IsRegular() {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return fmt.Errorf("wipe: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("wipe: %w", err)
	}
	if s, ok := info.Sys().(*syscall.Stat_t); !ok || s.Nlink != 1 {
		return nil
	}
	zeros := make([]byte, 64<<10)
	for at := int64(0); at < info.Size(); at += int64(len(zeros)) {
		if _, err := f.WriteAt(zeros[:min(int64(len(zeros)), info.Size()-at)], at); err != nil {
			return fmt.Errorf("wipe: %w", err)
		}
	}
	return f.Sync()
}

func syncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
