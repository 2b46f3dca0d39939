package exfat

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"time"
	"unicode/utf16"
)

// unusedFile is the type of an entry that was one of a file.
const unusedFile = typeFile &^ inUse

// Create adds a file that has data to a folder that is there; a name that is taken is an error. at is the time that it gets. The file
// is there as a whole once Create returns, and before that not at all.
func (v *Volume) Create(disk Disk, name string, data []byte, at time.Time) error {
	c, err := v.begin()
	if err != nil {
		return err
	}
	s, err := c.place(data, int64(len(data)))
	if err != nil {
		return err
	}
	if err := c.enter(name, false, s, at); err != nil {
		return err
	}
	return c.write(disk)
}

// MakeFolder adds an empty folder, as Create adds a file.
func (v *Volume) MakeFolder(disk Disk, name string, at time.Time) error {
	c, err := v.begin()
	if err != nil {
		return err
	}
	s, err := c.place(nil, v.cluster)
	if err != nil {
		return err
	}
	if err := c.enter(name, true, s, at); err != nil {
		return err
	}
	return c.write(disk)
}

// Replace gives a file other data, or creates it. The file has the old data or the new, at each moment.
func (v *Volume) Replace(disk Disk, name string, data []byte, at time.Time) error {
	old, err := v.find(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return v.Create(disk, name, data, at)
	case err != nil:
		return err
	case old.dir:
		return fmt.Errorf("%s is a folder", name)
	}
	folder, err := v.find(path.Dir(name))
	if err != nil {
		return err
	}
	c, err := v.begin()
	if err != nil {
		return err
	}
	s, err := c.place(data, int64(len(data)))
	if err != nil {
		return err
	}
	if err := c.lead(folder.stream, old, s, at); err != nil {
		return err
	}
	return c.write(disk)
}

// enter has an entry set of a path lead to a place.
func (c *change) enter(name string, dir bool, s stream, at time.Time) error {
	folder, err := c.v.find(path.Dir(name))
	if err != nil {
		return err
	}
	if !folder.dir {
		return fmt.Errorf("%s is no folder", path.Dir(name))
	}
	base := path.Base(name)
	if _, err := c.v.child(folder.stream, base); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(fmt.Errorf("there is a %s", name), err)
	}
	set := c.v.set(base, dir, s, at)
	if int64(len(set)) > c.v.sector {
		return fmt.Errorf("the name %s is too long", base)
	}
	begin, gap, err := c.v.gap(folder.stream, int64(len(set)))
	if err != nil {
		return err
	}
	switch {
	case begin < folder.size:
		return c.within(folder.stream, set, begin, gap)
	case folder.stream == c.v.folders:
		return c.growRoot(set, begin, gap)
	}
	return c.grow(path.Dir(name), folder, set, begin, gap, at)
}

// within puts a set into a folder that has room for it at an octet; what lies from gap to there becomes unused.
func (c *change) within(folder stream, set []byte, begin, gap int64) (err error) {
	if c.way, err = c.unused(folder, gap, begin); err != nil {
		return err
	}
	c.turn.data = set
	c.turn.at, err = c.v.place(folder, begin)
	return err
}

// growRoot has the root be a cluster longer: nothing but its chain tells its length.
func (c *change) growRoot(set []byte, begin, gap int64) error {
	more, err := c.place(set, c.v.cluster)
	if err != nil {
		return err
	}
	c.chain([]uint32{more.first})
	if c.way, err = c.unused(c.v.folders, gap, begin); err != nil {
		return err
	}
	last := c.v.root
	for range begin/c.v.cluster - 1 {
		if last, err = c.v.after(last); err != nil {
			return err
		}
	}
	c.turn = c.link(last, more.first)
	return nil
}

// grow has another folder lie elsewhere, with a set more: its length and its chain cannot change in one write.
func (c *change) grow(name string, folder entry, set []byte, begin, gap int64, at time.Time) error {
	if begin+c.v.cluster > maxFolder {
		return fmt.Errorf("the folder %s is full", name)
	}
	content := make([]byte, begin, begin+int64(len(set)))
	if _, err := io.ReadFull(c.v.read(folder.stream), content); err != nil {
		return err
	}
	for ; gap < begin; gap += entrySize {
		content[gap] = unusedFile
	}
	s, err := c.place(append(content, set...), begin+c.v.cluster)
	if err != nil {
		return err
	}
	parent, err := c.v.find(path.Dir(name))
	if err != nil {
		return err
	}
	return c.lead(parent.stream, folder, s, at)
}

// lead has an entry that is there lead elsewhere. Its set must lie in one sector, as the sets of this package do, to change at once.
func (c *change) lead(folder stream, e entry, s stream, at time.Time) error {
	size := int64(e.n) * entrySize
	begin, err := c.v.place(folder, e.at)
	if err != nil {
		return err
	}
	if begin/c.v.sector != (begin+size-1)/c.v.sector {
		return fmt.Errorf("%s was made by another system in a way that cannot be changed safely: delete it or give it another name", e.name)
	}
	set := make([]byte, size)
	if _, err := c.v.disk.ReadAt(set, begin); err != nil {
		return fmt.Errorf("the stick cannot be read: %w", err)
	}
	s.put(set[entrySize:])
	putTime(set[12:16], set[21:22], set[23:24], at)
	c.turn = piece{begin, summed16(set)}
	return c.release(e.stream)
}

// gap finds room for a set within a sector of a folder: at begin, or at the folder's end when there is none. From gap on to begin
// entries have to be made unused, for none may follow the first that was never used.
func (v *Volume) gap(folder stream, size int64) (begin, gap int64, err error) {
	r := v.read(folder)
	sector := make([]byte, v.sector)
	begin = -1
	virgin := int64(-1) // where the entries begin that were never used
	for at := int64(0); at < folder.size; at += v.sector {
		if at >= maxEntries*entrySize {
			return 0, 0, fmt.Errorf("the folder holds more than %d entries", maxEntries)
		}
		if _, err := io.ReadFull(r, sector); err != nil {
			return 0, 0, err
		}
		run := int64(0) // octets of entries that are not in use before i
		for i := int64(0); i < v.sector; i += entrySize {
			switch kind := sector[i]; {
			case virgin >= 0 && kind != 0:
				return 0, 0, errors.New("the folder goes on behind its end")
			case kind == 0 && virgin < 0:
				virgin = at + i
			}
			if run += entrySize; sector[i]&inUse != 0 {
				run = 0
			}
			if begin < 0 && run == size {
				begin = at + i + entrySize - size
			}
		}
	}
	if begin < 0 {
		begin = folder.size
	}
	if virgin < 0 || virgin > begin {
		virgin = begin
	}
	return begin, virgin, nil
}

// unused makes the entries of a folder unused that lie between two places.
func (c *change) unused(folder stream, from, to int64) (list []piece, err error) {
	for ; from < to; from += entrySize {
		at, err := c.v.place(folder, from)
		if err != nil {
			return nil, err
		}
		list = append(list, piece{at, []byte{unusedFile}})
	}
	return list, nil
}

// set makes the entry set of a file or folder (sections 7.4, 7.6, 7.7).
func (v *Volume) set(name string, dir bool, s stream, at time.Time) []byte {
	units := utf16.Encode([]rune(name))
	parts := (len(units) + perName - 1) / perName
	set := make([]byte, (2+parts)*entrySize)
	set[0], set[1], set[4] = typeFile, byte(1+parts), attributeArchive
	if dir {
		set[4] = attributeFolder
	}
	putTime(set[8:12], set[20:21], set[22:23], at)
	putTime(set[12:16], set[21:22], set[23:24], at)
	putTime(set[16:20], nil, set[24:25], at)
	where := set[entrySize:]
	where[0], where[3] = typeStream, byte(len(units))
	binary.LittleEndian.PutUint16(where[4:], v.capital.hash(units))
	s.put(where)
	for i, u := range units {
		part := set[(2+i/perName)*entrySize:]
		part[0] = typeName
		binary.LittleEndian.PutUint16(part[2+2*(i%perName):], u)
	}
	return summed16(set)
}

// put writes the place into a Stream Extension entry (section 7.6).
func (s stream) put(raw []byte) {
	raw[1] = flagPossible
	if s.inOrder {
		raw[1] |= flagInOrder
	}
	binary.LittleEndian.PutUint64(raw[8:], uint64(s.valid))
	binary.LittleEndian.PutUint32(raw[20:], s.first)
	binary.LittleEndian.PutUint64(raw[24:], uint64(s.size))
}

// summed16 puts its checksum into an entry set.
func summed16(set []byte) []byte {
	binary.LittleEndian.PutUint16(set[2:], setChecksum(set))
	return set
}

// putTime writes a time in UTC (sections 7.4.5 to 7.4.10): of which there are only the years from 1980 to 2107.
func putTime(stamp, tens, offset []byte, t time.Time) {
	t = t.UTC()
	if t.Year() < 1980 || t.Year() > 2107 {
		t = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	v := uint32(t.Year()-1980)<<25 | uint32(t.Month())<<21 | uint32(t.Day())<<16
	v |= uint32(t.Hour())<<11 | uint32(t.Minute())<<5 | uint32(t.Second()/2)
	binary.LittleEndian.PutUint32(stamp, v)
	if len(tens) > 0 {
		tens[0] = byte(t.Second()%2*100 + t.Nanosecond()/1e7)
	}
	offset[0] = 0x80
}
