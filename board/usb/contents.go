package usb

import (
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"sync"

	"github.com/diskfs/go-diskfs/filesystem"

	"tollgate/board/exfat"
)

// Folder is the folder of a stick whose files are read, in any case of letters.
const Folder = "tollgate"

// Limits of one stick. What a box is configured with is small; an update is copied apart.
const (
	maxEntries = 256      // of the folder
	maxFile    = 12 << 20 // octets of a file that is read at once
	maxFiles   = 16 << 20
)

// Contents is what lies in the folder of a stick.
type Contents struct {
	FileSystem string            `json:"file_system"`     // "FAT32"
	Files      map[string][]byte `json:"files"`           // by name; no file is larger than 12 MiB, all together 16 MiB
	Large      map[string]int64  `json:"large,omitempty"` // size of the files that are not in Files
	// Ignored are names that cannot be used, why in words.
	Ignored []string `json:"ignored,omitempty"`
}

// plain is a name that means the same to every file system and can be shown anywhere.
var plain = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`) })

// collect reads the folder of a stick; serial names the folder inside it whose files go before, when it is there, so that one
// stick serves many boxes.
func collect(v volume, serial string) (Contents, error) {
	c := Contents{FileSystem: typeName(v), Files: map[string][]byte{}, Large: map[string]int64{}}
	top, err := entry(v, ".", Folder)
	if err != nil {
		return c, err
	}
	if top == "" {
		return c, fmt.Errorf("the stick has no folder %s", Folder)
	}
	if err := c.add(v, top); err != nil {
		return c, err
	}
	if serial == "" {
		return c, nil
	}
	own, err := entry(v, top, serial)
	if err != nil || own == "" {
		return c, err
	}
	return c, c.add(v, own)
}

// entry returns the path of a folder inside another whatever the case of its letters; "": there is none.
func entry(v volume, in, name string) (string, error) {
	entries, err := list(v, in)
	if err != nil {
		return "", err
	}
	for _, e := range entries {
		if e.IsDir() && strings.EqualFold(e.Name(), name) {
			return join(in, e.Name()), nil
		}
	}
	return "", nil
}

func list(v volume, folder string) ([]fs.DirEntry, error) {
	entries, err := v.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("the folder %s of the stick cannot be read: %w", folder, err)
	}
	if len(entries) > maxEntries && folder != "." {
		return nil, fmt.Errorf("the folder %s of the stick holds %d entries, more than %d", folder, len(entries), maxEntries)
	}
	return entries, nil
}

// add takes the plain files of one folder.
func (c *Contents) add(v volume, folder string) error {
	entries, err := list(v, folder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() || strings.HasPrefix(e.Name(), ".") {
			continue // what systems leave behind
		}
		if err := c.take(v, folder, e); err != nil {
			return err
		}
	}
	return nil
}

func (c *Contents) take(v volume, folder string, e fs.DirEntry) error {
	if !plain().MatchString(e.Name()) {
		c.Ignored = append(c.Ignored, fmt.Sprintf("%.80q: a name may hold letters a to z, digits, dot, hyphen and underscore", e.Name()))
		return nil
	}
	info, err := e.Info()
	if err != nil {
		return fmt.Errorf("the file %s of the stick cannot be read: %w", e.Name(), err)
	}
	if !info.Mode().IsRegular() {
		c.Ignored = append(c.Ignored, e.Name()+": it is no plain file")
		return nil
	}
	name := strings.ToLower(e.Name())
	delete(c.Large, name)
	delete(c.Files, name)
	if info.Size() > maxFile || c.size()+info.Size() > maxFiles {
		c.Large[name] = info.Size()
		return nil
	}
	data, err := read(v, join(folder, e.Name()), info.Size())
	if err != nil {
		return err
	}
	c.Files[name] = data
	return nil
}

func (c *Contents) size() (total int64) {
	for _, data := range c.Files {
		total += int64(len(data))
	}
	return total
}

func join(folder, name string) string {
	if folder == "." {
		return name
	}
	return folder + "/" + name
}

func typeName(v volume) string {
	if _, ok := v.(*exfat.Volume); ok {
		return "exFAT"
	}
	known, ok := v.(interface{ Type() filesystem.Type })
	if !ok {
		return "unknown"
	}
	switch known.Type() {
	case filesystem.TypeFat12:
		return "FAT12"
	case filesystem.TypeFat16:
		return "FAT16"
	case filesystem.TypeFat32:
		return "FAT32"
	case filesystem.TypeExt4:
		return "ext4"
	case filesystem.TypeISO9660:
		return "ISO 9660"
	}
	return "unknown"
}
