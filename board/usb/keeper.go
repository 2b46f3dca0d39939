package usb

import (
	"os"
	"time"

	"tollgate/board/exfat"
)

// keeper is a file system that is written to.
type keeper interface {
	volume
	// room is how many octets files may still take, and least how many each takes.
	room() (octets, least int64, err error)
	// makeFolder makes a folder in the root.
	makeFolder(name string) error
	// add writes a file that is not there. It gets its name when it is whole.
	add(folder, name string, data []byte) error
	// replace writes a file, over what has that name.
	replace(path string, data []byte) error
}

// kept returns the file system as one that is written to; false: those of its kind are not.
func kept(disk *os.File, v volume) (keeper, bool) {
	switch v := v.(type) {
	case fatVolume:
		return fatKeeper{v, disk}, true
	case *exfat.Volume:
		return exfatKeeper{v, disk}, true
	}
	return nil, false
}

// exfatKeeper writes onto an exFAT.
type exfatKeeper struct {
	*exfat.Volume
	disk *os.File
}

func (k exfatKeeper) room() (octets, least int64, err error) {
	octets, err = k.Free()
	return octets, k.Cluster(), err
}

func (k exfatKeeper) makeFolder(name string) error {
	return k.MakeFolder(k.disk, name, time.Now())
}

func (k exfatKeeper) add(folder, name string, data []byte) error {
	return k.Create(k.disk, join(folder, name), data, time.Now())
}

func (k exfatKeeper) replace(path string, data []byte) error {
	return k.Replace(k.disk, path, data, time.Now())
}
