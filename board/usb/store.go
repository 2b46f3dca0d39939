package usb

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// OutFolder is the folder of a stick that boxes write to. Nothing in it is ever read: who wants a box to take what another one has
// written moves it into Folder.
const OutFolder = "from-tollgate"

const (
	maxName  = 64       // octets, of a name that plain takes
	maxStore = 32 << 20 // octets of a file that is written
	maxSame  = 99       // files of one name and day
	// half is what a file is called until it is whole.
	half = "half-written.tmp"
)

// store writes what comes from in as a new file in OutFolder of the first FAT or exFAT of the disk, and returns its name.
func store(disk *os.File, name string, in io.Reader) (string, error) {
	data, err := io.ReadAll(io.LimitReader(in, maxStore+1))
	switch {
	case err != nil:
		return "", err
	case len(data) > maxStore:
		return "", fmt.Errorf("more than %d octets are not written", maxStore)
	case !plain().MatchString(name):
		return "", fmt.Errorf("%q is no name for a file", name)
	}
	found, err := volumes(disk, true)
	if err != nil {
		return "", err
	}
	for _, v := range found {
		if k, ok := kept(disk, v); ok {
			return storeIn(k, name, data)
		}
	}
	return "", errNotKept
}

func storeIn(k keeper, name string, data []byte) (string, error) {
	room, least, err := k.room()
	if err != nil {
		return "", err
	}
	// The folder, its entries and the last cluster take some more.
	if need := int64(len(data)) + 4*least; room < need {
		return "", fmt.Errorf("the stick has room for %d octets, and %d are needed", room, need)
	}
	folder, err := entry(k, ".", OutFolder)
	if err == nil && folder == "" {
		folder, err = OutFolder, k.makeFolder(OutFolder)
	}
	if err != nil {
		return "", fmt.Errorf("the folder %s cannot be made on the stick: %w", OutFolder, err)
	}
	if name, err = unused(k, folder, name); err != nil {
		return "", err
	}
	return name, k.add(folder, name, data)
}

// unused returns name, or the first of name-2, name-3 … that the folder does not have.
func unused(v volume, folder, name string) (string, error) {
	entries, err := list(v, folder)
	if err != nil {
		return "", err
	}
	taken := map[string]bool{}
	for _, e := range entries {
		taken[strings.ToLower(e.Name())] = true
	}
	stem, suffix := name, ""
	if dot := strings.LastIndexByte(name, '.'); dot > 0 {
		stem, suffix = name[:dot], name[dot:]
	}
	for n := 2; taken[strings.ToLower(name)]; n++ {
		if n > maxSame {
			return "", fmt.Errorf("the folder %s holds %d files named %s: take some away", folder, maxSame, stem)
		}
		name = fmt.Sprintf("%s-%d%s", stem, n, suffix)
	}
	return name, nil
}

// flush has the stick keep what was written. An image in a file may lie where that is not possible.
func flush(disk *os.File) error {
	if err := disk.Sync(); err != nil {
		return fmt.Errorf("the stick does not keep what is written: %w", err)
	}
	return nil
}
