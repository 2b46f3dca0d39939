package usb

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

// What the child finds open: the disk behind its standard streams.
const diskFD = 3

// Child does one piece of work on the disk that its parent has left open for it and returns the exit status. args are those
// that Reader adds: "list SERIAL", "copy NAME SERIAL", "write NAME" or "store NAME". The answer goes to standard output, a sentence to
// standard error when there is none.
func Child(args []string) int {
	if err := shutIn(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	disk := os.NewFile(diskFD, "the stick")
	if disk == nil {
		fmt.Fprintln(os.Stderr, "no disk was handed over")
		return 1
	}
	if err := work(disk, args, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func work(disk *os.File, args []string, in io.Reader, out io.Writer) error {
	switch {
	case len(args) == 2 && args[0] == "list":
		c, err := readDisk(disk, args[1])
		if err != nil {
			return err
		}
		return json.NewEncoder(out).Encode(c)
	case len(args) == 3 && args[0] == "copy":
		return copyOut(disk, args[1], args[2], out)
	case len(args) == 2 && args[0] == "write":
		data, err := io.ReadAll(io.LimitReader(in, maxFile))
		if err != nil {
			return err
		}
		return writeTo(disk, args[1], data)
	case len(args) == 2 && args[0] == "store":
		name, err := store(disk, args[1], in)
		if err == nil {
			_, err = io.WriteString(out, name)
		}
		return err
	}
	return fmt.Errorf("%q is no work for this process", args)
}

// readDisk returns the contents of the first file system that has the folder.
func readDisk(disk *os.File, serial string) (Contents, error) {
	found, err := volumes(disk, false)
	if err != nil {
		return Contents{}, err
	}
	var errs []error
	for _, v := range found {
		c, err := collect(v, serial)
		if err == nil {
			return c, nil
		}
		errs = append(errs, err)
	}
	return Contents{}, errs[0]
}

// copyOut writes one file of any size to out.
func copyOut(disk *os.File, name, serial string, out io.Writer) error {
	found, err := volumes(disk, false)
	if err != nil {
		return err
	}
	for _, v := range found {
		path, size, err := find(v, name, serial)
		if err != nil || path == "" {
			continue
		}
		f, err := v.Open(path)
		if err != nil {
			return fmt.Errorf("the file %s of the stick cannot be opened: %w", name, err)
		}
		defer f.Close()
		// No more than that: the library goes on behind a file's end (see read).
		if _, err := io.CopyN(out, f, size); err != nil {
			return fmt.Errorf("the file %s of the stick cannot be read: %w", name, err)
		}
		return nil
	}
	return fmt.Errorf("the stick has no file %s", name)
}

// find returns the path of a file and its size, the one of the box before the one for all; "": there is none.
func find(v volume, name, serial string) (path string, size int64, err error) {
	top, err := entry(v, ".", Folder)
	if err != nil || top == "" {
		return "", 0, err
	}
	folders := []string{top}
	if own, err := entry(v, top, serial); err == nil && own != "" && serial != "" {
		folders = []string{own, top}
	}
	for _, folder := range folders {
		entries, err := list(v, folder)
		if err != nil {
			return "", 0, err
		}
		for _, e := range entries {
			if !e.IsDir() && strings.EqualFold(e.Name(), name) && plain().MatchString(e.Name()) {
				info, err := e.Info()
				if err != nil {
					return "", 0, err
				}
				return join(folder, e.Name()), info.Size(), nil
			}
		}
	}
	return "", 0, nil
}

// writeTo puts a file into the folder of the first file system that has one and can be written.
func writeTo(disk *os.File, name string, data []byte) error {
	if !plain().MatchString(name) {
		return fmt.Errorf("%q is no name for a file", name)
	}
	found, err := volumes(disk, true)
	if err != nil {
		return err
	}
	for _, v := range found {
		top, err := entry(v, ".", Folder)
		if err != nil || top == "" {
			continue
		}
		k, ok := kept(disk, v)
		if !ok {
			return errNotKept
		}
		return k.replace(join(top, name), data)
	}
	return fmt.Errorf("the stick has no folder %s", Folder)
}
