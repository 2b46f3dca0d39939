package exfat

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// window is the piece of the disk that was read last: tables are read an entry at a time, mostly in their order.
type window struct {
	data []byte
	at   int64
}

const windowSize = 4096

// octets returns n octets of the disk, 1 to 8 that do not lie over a border of windowSize counted from the volume's start.
func (v *Volume) octets(w *window, at int64, n int) ([]byte, error) {
	begin := v.start + (at-v.start)/windowSize*windowSize
	if w.data == nil || w.at != begin {
		w.data, w.at = append(w.data[:0], make([]byte, min(windowSize, v.start+v.size-begin))...), begin
		if _, err := v.disk.ReadAt(w.data, begin); err != nil {
			w.data = nil
			return nil, fmt.Errorf("the stick cannot be read: %w", err)
		}
	}
	return w.data[at-begin:][:n], nil
}

// tableEntry is the entry of a cluster in the File Allocation Table (section 4.1).
func (v *Volume) tableEntry(c uint32) (uint32, error) {
	b, err := v.octets(&v.inTable, v.table+4*int64(c), 4)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint32(b), nil
}

// after is the cluster that comes after another one in a chain.
func (v *Volume) after(c uint32) (uint32, error) {
	next, err := v.tableEntry(c)
	switch {
	case err != nil:
		return 0, err
	case next == endOfChain:
		return 0, errors.New("its chain of clusters ends too early")
	case next == badCluster:
		return 0, errors.New("its chain of clusters leads to a place that is broken")
	case !v.has(next):
		return 0, errors.New("its chain of clusters leads out of the volume")
	}
	return next, nil
}

// length counts the clusters of a chain whose length nothing tells, most at most.
func (v *Volume) length(first uint32, most int64) (int64, error) {
	for c, n := first, int64(1); n <= most; n++ {
		next, err := v.tableEntry(c)
		switch {
		case err != nil:
			return 0, err
		case next == endOfChain:
			return n, nil
		}
		if c, err = v.after(c); err != nil {
			return 0, err
		}
	}
	return 0, errors.New("its chain of clusters has no end")
}

// taken tells whether the allocation bitmap says that a cluster is in use (section 7.1). Until the bitmap was found, all are.
func (v *Volume) taken(c uint32) (bool, error) {
	if v.bitmap.size == 0 {
		return true, nil
	}
	at, bit, err := v.mark(c)
	if err != nil {
		return false, err
	}
	b, err := v.octets(&v.inBitmap, at, 1)
	if err != nil {
		return false, err
	}
	return b[0]>>bit&1 == 1, nil
}

// mark is where on the disk the bit of a cluster lies.
func (v *Volume) mark(c uint32) (at int64, bit uint, err error) {
	n := int64(c - firstCluster)
	at, err = v.place(v.bitmap, n/8)
	return at, uint(n % 8), err
}
