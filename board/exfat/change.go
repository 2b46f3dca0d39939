package exfat

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/bits"
	"slices"
)

// Disk is a disk that a volume is written to.
type Disk interface {
	io.WriterAt
	// Sync returns once the disk keeps what was written.
	Sync() error
}

// maxBitmap is the largest bitmap that a volume may have to be written to, in octets: that of 512 million clusters.
const maxBitmap = 64 << 20

// change is what one operation writes. What it leads to lies on clusters that nothing leads to, until one write of one sector leads
// there: whenever the power goes, the volume is as before or as after it, except that clusters may be marked as used which are not.
type change struct {
	v      *Volume
	bitmap []byte
	taken  map[int64]bool // sectors of the bitmap that change before the turn
	freed  map[int64]bool // and after it
	ahead  []piece        // data and chains on clusters that are free
	way    []piece        // makes room, and means nothing yet
	turn   piece          // lies in one sector
	old    []uint32       // clusters that nothing leads to after the turn
}

// piece is some octets for a place of the disk.
type piece struct {
	at   int64
	data []byte
}

// Free is how many octets the free clusters have.
func (v *Volume) Free() (int64, error) {
	marks, err := v.marks()
	if err != nil {
		return 0, err
	}
	return (int64(v.clusters) - used(marks)) * v.cluster, nil
}

// Cluster is how many octets a cluster has, the least that a file takes.
func (v *Volume) Cluster() int64 { return v.cluster }

// marks is the allocation bitmap, in which bits behind the last cluster are clear.
func (v *Volume) marks() ([]byte, error) {
	if v.bitmap.size > maxBitmap {
		return nil, fmt.Errorf("the volume has %d clusters, too many to look for free ones", v.clusters)
	}
	marks := make([]byte, v.bitmap.size)
	if _, err := io.ReadFull(v.read(v.bitmap), marks); err != nil {
		return nil, fmt.Errorf("the bitmap of used clusters cannot be read: %w", err)
	}
	if rest := v.clusters % 8; rest != 0 {
		marks[len(marks)-1] &= 1<<rest - 1
	}
	return marks, nil
}

func used(marks []byte) (n int64) {
	for _, b := range marks {
		n += int64(bits.OnesCount8(b))
	}
	return n
}

// begin starts a change. A volume whose last change was cut short, or that is broken, is left as it is: which clusters are free is
// not certain.
func (v *Volume) begin() (*change, error) {
	switch {
	case v.flags&flagDirty != 0:
		return nil, errors.New("the stick was taken out while something was written to it: have a computer check it first")
	case v.flags&flagFailure != 0:
		return nil, errors.New("the stick has broken places: take another one")
	}
	marks, err := v.marks()
	if err != nil {
		return nil, err
	}
	return &change{v: v, bitmap: marks, taken: map[int64]bool{}, freed: map[int64]bool{}}, nil
}

// place takes free clusters for some octets, zeros behind them up to size, and has them written: one cluster after the other, or
// where there is no such place in a chain.
func (c *change) place(data []byte, size int64) (stream, error) {
	n := int(c.v.count(size))
	list := c.free(n)
	if len(list) < n {
		return stream{}, errors.New("the stick is full")
	}
	s := stream{size: size, valid: size, inOrder: n > 0}
	for i, k := range list {
		c.mark(k, true)
		if i == 0 {
			s.first = k
		} else if k != list[i-1]+1 {
			s.inOrder = false
		}
	}
	for i, k := range list {
		part := min(c.v.cluster, size-int64(i)*c.v.cluster)
		octets := make([]byte, part)
		data = data[copy(octets, data):]
		c.ahead = append(c.ahead, piece{c.v.at(k), octets})
	}
	if !s.inOrder {
		c.chain(list)
	}
	return s, nil
}

// chain has clusters follow one another in the table.
func (c *change) chain(list []uint32) {
	for i, k := range list {
		next := uint32(endOfChain)
		if i+1 < len(list) {
			next = list[i+1]
		}
		c.ahead = append(c.ahead, c.link(k, next))
	}
}

// link has a cluster be followed by another in the table.
func (c *change) link(k, next uint32) piece {
	return piece{c.v.table + 4*int64(k), binary.LittleEndian.AppendUint32(nil, next)}
}

// free finds n free clusters, one after the other if there are; fewer: there are no more.
func (c *change) free(n int) []uint32 {
	var run, all []uint32
	for i := range c.v.clusters {
		if c.bitmap[i/8]>>(i%8)&1 != 0 {
			run = run[:0]
			continue
		}
		if run = append(run, i+firstCluster); len(run) >= n {
			return run[:n]
		}
		if len(all) < n {
			all = append(all, i+firstCluster)
		}
	}
	return all
}

// mark has a cluster be in use or free.
func (c *change) mark(k uint32, use bool) {
	at, bit := int64(k-firstCluster)/8, (k-firstCluster)%8
	sectors := c.taken
	c.bitmap[at] |= 1 << bit
	if !use {
		c.bitmap[at] &^= 1 << bit
		sectors = c.freed
	}
	sectors[at/c.v.sector] = true
}

// release frees what a stream took, once nothing leads there.
func (c *change) release(s stream) error {
	for k, n := uint32(0), c.v.count(s.size); n > 0; n-- {
		var err error
		if k, err = c.v.next(s, k); err != nil {
			return err
		}
		c.old = append(c.old, k)
	}
	return nil
}

// write does what was planned, in the order of section 8.1, and looks at the volume anew. Each step is kept before the next one
// begins.
func (c *change) write(disk Disk) error {
	taken, err := c.sectors(c.taken)
	if err != nil {
		return err
	}
	for _, k := range c.old {
		c.mark(k, false)
	}
	freed, err := c.sectors(c.freed)
	if err != nil {
		return err
	}
	v := c.v
	flag := func(flags uint16) piece {
		return piece{v.start + flagsAt, binary.LittleEndian.AppendUint16(nil, flags)}
	}
	percent := piece{v.start + percentAt, []byte{byte(used(c.bitmap) * 100 / int64(v.clusters))}}
	for _, step := range [][]piece{{flag(v.flags | flagDirty)}, c.ahead, taken, c.way, {c.turn}, freed, {percent, flag(v.flags)}} {
		for _, p := range step {
			if _, err := disk.WriteAt(p.data, p.at); err != nil {
				return fmt.Errorf("the stick cannot be written: %w", err)
			}
		}
		if err := disk.Sync(); err != nil {
			return fmt.Errorf("the stick does not keep what is written: %w", err)
		}
	}
	after, err := Open(v.disk, v.start, v.size)
	if err == nil {
		*v = *after
	}
	return err
}

// sectors are those of the bitmap as they are to be now.
func (c *change) sectors(which map[int64]bool) ([]piece, error) {
	var list []piece
	for _, n := range slices.Sorted(maps.Keys(which)) {
		at, err := c.v.place(c.v.bitmap, n*c.v.sector)
		if err != nil {
			return nil, err
		}
		end := min((n+1)*c.v.sector, int64(len(c.bitmap)))
		list = append(list, piece{at, slices.Clone(c.bitmap[n*c.v.sector : end])})
	}
	return list, nil
}
