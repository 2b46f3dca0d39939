package exfat

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"
	"unicode/utf16"
)

// Types of directory entries (sections 6.2.1, 7) and their bits.
const (
	entrySize = 32

	inUse     = 0x80
	secondary = 0x40
	benign    = 0x20

	typeBitmap   = 0x81
	typeCapitals = 0x82
	typeLabel    = 0x83
	typeFile     = 0x85
	typeStream   = 0xc0
	typeName     = 0xc1
)

const (
	maxEntries = 1 << 18 // entries of a folder that are looked through
	maxFolder  = 256 << 20
	perName    = 15 // characters in one entry of a name

	attributeFolder  = 1 << 4
	attributeArchive = 1 << 5
	flagPossible     = 1 << 0 // AllocationPossible
	flagInOrder      = 1 << 1 // NoFatChain
)

// entry is a file or folder. It implements fs.DirEntry and fs.FileInfo.
type entry struct {
	name string
	dir  bool
	stream
	changed time.Time

	at int64 // where in its folder its entries begin
	n  int   // how many they are
}

func (e entry) Name() string               { return e.name }
func (e entry) IsDir() bool                { return e.dir }
func (e entry) Size() int64                { return e.size }
func (e entry) ModTime() time.Time         { return e.changed }
func (e entry) Sys() any                   { return nil }
func (e entry) Type() fs.FileMode          { return e.Mode().Type() }
func (e entry) Info() (fs.FileInfo, error) { return e, nil }

// Mode implements fs.FileInfo. exFAT knows no owners.
func (e entry) Mode() fs.FileMode {
	if e.dir {
		return fs.ModeDir | 0o555
	}
	return 0o444
}

// sets calls each for the entry sets in use of a folder (section 6), until it returns false. raw are its entries, of which the first
// lies at an octet of the folder; it is gone with the call.
func (v *Volume) sets(folder stream, each func(raw []byte, at int64) (bool, error)) error {
	r := bufio.NewReaderSize(v.read(folder), windowSize)
	raw := make([]byte, 256*entrySize)
	for at := int64(0); at < maxEntries*entrySize; {
		switch _, err := io.ReadFull(r, raw[:entrySize]); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case raw[0] == 0: // no more follow (section 6.2.1)
			return nil
		}
		n, err := setLength(raw)
		if err != nil {
			return err
		}
		set := raw[:n*entrySize]
		if _, err := io.ReadFull(r, set[entrySize:]); err != nil {
			return fmt.Errorf("an entry is cut off: %w", err)
		}
		if raw[0]&inUse != 0 {
			more, err := each(set, at)
			if err != nil || !more {
				return err
			}
		}
		at += int64(len(set))
	}
	return fmt.Errorf("it holds more than %d entries", maxEntries)
}

// setLength is how many entries the set has that begins with one.
func setLength(first []byte) (int, error) {
	switch kind := first[0]; {
	case kind&inUse == 0:
		return 1, nil
	case kind&secondary != 0:
		return 0, errors.New("an entry belongs to no file")
	case kind == typeBitmap, kind == typeCapitals, kind == typeLabel:
		return 1, nil
	case kind == typeFile, kind&benign != 0:
		return 1 + int(first[1]), nil
	}
	return 0, fmt.Errorf("an entry is of the kind %#x, which nobody knows", first[0])
}

// entries calls each for the files and folders of a folder, until it returns false.
func (v *Volume) entries(folder stream, each func(entry) bool) error {
	return v.sets(folder, func(raw []byte, at int64) (bool, error) {
		switch {
		case raw[0] == typeFile:
		case raw[0]&benign != 0 || folder == v.folders:
			return true, nil
		default:
			return false, errors.New("a table of the volume lies in it, which belongs into the root")
		}
		e, err := v.parse(raw)
		if err != nil {
			return false, err
		}
		e.at, e.n = at, len(raw)/entrySize
		return each(e), nil
	})
}

// parse reads the entry set of a file (sections 7.4, 7.6, 7.7).
func (v *Volume) parse(raw []byte) (entry, error) {
	word := binary.LittleEndian.Uint16
	if word(raw[2:]) != setChecksum(raw) {
		return entry{}, errors.New("the checksum of an entry is wrong")
	}
	if len(raw) < 3*entrySize || raw[entrySize] != typeStream {
		return entry{}, errors.New("an entry does not say where its file lies")
	}
	where := raw[entrySize:]
	name, err := v.name(where, raw[2*entrySize:])
	if err != nil {
		return entry{}, err
	}
	e := entry{name: name, dir: word(raw[4:])&attributeFolder != 0, stream: parseStream(where), changed: parseTime(raw[12:16], raw[21], raw[23])}
	err = v.check(e.stream)
	switch {
	case err != nil:
	case e.size > 0 && where[1]&flagPossible == 0:
		err = errors.New("it has octets, and no place for them")
	case e.dir && (e.size != e.valid || e.size%v.cluster != 0 || e.size > maxFolder):
		err = errors.New("no folder has this size")
	}
	if err != nil {
		return entry{}, fmt.Errorf("the entry %.80q cannot be: %w", name, err)
	}
	return e, nil
}

// parseStream reads the place that a Stream Extension entry tells (section 7.6).
func parseStream(raw []byte) stream {
	wide := binary.LittleEndian.Uint64
	return stream{
		first: binary.LittleEndian.Uint32(raw[20:]), size: int64(wide(raw[24:])), valid: int64(wide(raw[8:])),
		inOrder: raw[1]&flagInOrder != 0,
	}
}

// name reads the name of a file from the entries after its Stream Extension.
func (v *Volume) name(where, rest []byte) (string, error) {
	length := int(where[3])
	parts := (length + perName - 1) / perName
	if length == 0 || len(rest) < parts*entrySize {
		return "", errors.New("an entry has no whole name")
	}
	var units []uint16
	for i := range len(rest) / entrySize {
		part := rest[i*entrySize:][:entrySize]
		switch {
		case i < parts && part[0] != typeName, i >= parts && part[0]&^0x1f != inUse|secondary|benign:
			return "", errors.New("an entry is followed by what does not belong to it")
		case i < parts:
			for at := 2; at < entrySize; at += 2 {
				units = append(units, binary.LittleEndian.Uint16(part[at:]))
			}
		}
	}
	units = units[:length]
	if v.capital.hash(units) != binary.LittleEndian.Uint16(where[4:]) {
		return "", errors.New("the hash of a name is wrong")
	}
	// Section 7.7.3 forbids these, and "." and ".." besides.
	name := string(utf16.Decode(units))
	if slices.ContainsFunc(units, func(u uint16) bool { return u < 0x20 }) || strings.ContainsAny(name, `"*/:<>?\|`) || name == "." || name == ".." {
		return "", fmt.Errorf("the name %.80q is forbidden", name)
	}
	return name, nil
}

// setChecksum is the sum of an entry set without its own place (section 6.3.3).
func setChecksum(raw []byte) (sum uint16) {
	for i, b := range raw {
		if i != 2 && i != 3 {
			sum = sum16(sum, b)
		}
	}
	return sum
}

// sum16 adds an octet to a checksum as entries and names have it (sections 6.3.3 and 7.6.4).
func sum16(sum uint16, b byte) uint16 { return sum<<15 + sum>>1 + uint16(b) }

// parseTime reads a time (sections 7.4.5 to 7.4.10): that without an offset is of a clock on a wall somewhere.
func parseTime(stamp []byte, tens, offset byte) time.Time {
	t := binary.LittleEndian.Uint32(stamp)
	zone := time.UTC
	if offset&0x80 != 0 { // quarters of an hour, seven bits with a sign
		zone = time.FixedZone("", int(int8(offset<<1)>>1)*15*60)
	}
	return time.Date(1980+int(t>>25), time.Month(t>>21&15), int(t>>16&31), int(t>>11&31), int(t>>5&63), 2*int(t&31), int(tens)*1e7, zone)
}
