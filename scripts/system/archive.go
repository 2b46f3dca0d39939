package main

import (
	"bufio"
	"fmt"
	"io"
)

// archive writes the kernel's format of a file system to be unpacked into memory, "newc" (Linux,
// Documentation/driver-api/early-userspace/buffer-format.rst). Every entry belongs to root and bears the same date. The first
// error stays and comes out of close.
type archive struct {
	w     *bufio.Writer
	date  int64
	inode int
	err   error
}

// Kinds of entries, in the upper bits of the mode (stat(2)).
const (
	kindDir  = 0o040000
	kindFile = 0o100000
	kindLink = 0o120000
	kindChar = 0o020000
)

func newArchive(w io.Writer, date int64) *archive { return &archive{w: bufio.NewWriter(w), date: date} }

func (a *archive) dir(name string) { a.entry(name, kindDir|0o755, 0, 0, nil) }

func (a *archive) file(name string, mode int, content []byte) {
	a.entry(name, kindFile|mode, 0, 0, content)
}

func (a *archive) link(name, to string) { a.entry(name, kindLink|0o777, 0, 0, []byte(to)) }

// console is the one device that must be there before /dev is: the kernel opens it for the first process.
func (a *archive) console() { a.entry("dev/console", kindChar|0o600, 5, 1, nil) }

// close writes the last entry and the first error there was.
func (a *archive) close() error {
	a.inode, a.date = -1, 0
	a.entry("TRAILER!!!", 0, 0, 0, nil)
	if a.err != nil {
		return a.err
	}
	return a.w.Flush()
}

func (a *archive) entry(name string, mode, major, minor int, content []byte) {
	a.inode++
	links := 1
	if mode&kindDir != 0 && mode&kindFile != kindFile {
		links = 2
	}
	head := fmt.Sprintf("070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00",
		a.inode, mode, 0, 0, links, a.date, len(content), 0, 0, major, minor, len(name)+1, 0, name)
	a.padded([]byte(head))
	a.padded(content)
}

// padded writes b and fills up to the next multiple of four.
func (a *archive) padded(b []byte) {
	if a.err != nil {
		return
	}
	if _, a.err = a.w.Write(b); a.err != nil {
		return
	}
	_, a.err = a.w.Write(make([]byte, -len(b)&3))
}
