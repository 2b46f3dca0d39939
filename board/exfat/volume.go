package exfat

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
)

// maxDepth is how many folders deep a path may lead.
const maxDepth = 16

// Volume is an exFAT file system. One goroutine may use it at a time.
type Volume struct {
	disk io.ReaderAt
	geometry
	folders stream // the root
	bitmap  stream
	capital *capitals

	inTable, inBitmap window
}

// Open returns the volume in the size octets of a disk that begin at start. ErrOther is no exFAT; another error says in words what
// is wrong with it.
func Open(disk io.ReaderAt, start, size int64) (*Volume, error) {
	g, err := readGeometry(disk, start, size)
	if err != nil {
		return nil, err
	}
	v := &Volume{disk: disk, geometry: g}
	if err := v.openRoot(); err != nil {
		return nil, err
	}
	return v, nil
}

// Open returns a file or folder by its path from the root, whatever the case of its letters; "." is the root. It implements fs.FS.
func (v *Volume) Open(name string) (fs.File, error) {
	e, err := v.find(name)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return &file{reader: v.read(e.stream), entry: e}, nil
}

// ReadDir lists a folder in the order of its entries. It implements fs.ReadDirFS but for the order.
func (v *Volume) ReadDir(name string) ([]fs.DirEntry, error) {
	e, err := v.find(name)
	if err == nil && !e.dir {
		err = errors.New("it is no folder")
	}
	if err != nil {
		return nil, &fs.PathError{Op: "list", Path: name, Err: err}
	}
	var list []fs.DirEntry
	err = v.entries(e.stream, func(e entry) bool {
		list = append(list, e)
		return true
	})
	if err != nil {
		return nil, &fs.PathError{Op: "list", Path: name, Err: err}
	}
	return list, nil
}

// find follows a path.
func (v *Volume) find(name string) (entry, error) {
	e := entry{name: ".", dir: true, stream: v.folders}
	if name = path.Clean("/" + name)[1:]; name == "" {
		return e, nil
	}
	parts := strings.Split(name, "/")
	if len(parts) > maxDepth {
		return entry{}, fmt.Errorf("it is more than %d folders deep", maxDepth)
	}
	for _, part := range parts {
		if !e.dir {
			return entry{}, fs.ErrNotExist
		}
		found, err := v.child(e.stream, part)
		if err != nil {
			return entry{}, err
		}
		e = found
	}
	return e, nil
}

// child finds an entry of a folder.
func (v *Volume) child(folder stream, name string) (found entry, err error) {
	err = v.entries(folder, func(e entry) bool {
		if v.capital.same(e.name, name) {
			found = e
		}
		return found.name == ""
	})
	if err == nil && found.name == "" {
		err = fs.ErrNotExist
	}
	return found, err
}

// file is an open file or folder.
type file struct {
	*reader
	entry
}

// Stat implements fs.File.
func (f *file) Stat() (fs.FileInfo, error) { return f.entry, nil }

// Read implements fs.File.
func (f *file) Read(p []byte) (int, error) {
	if f.dir {
		return 0, fs.ErrInvalid
	}
	return f.reader.Read(p)
}

// Close implements fs.File.
func (f *file) Close() error { return nil }
