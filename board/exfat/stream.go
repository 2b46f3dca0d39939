package exfat

import (
	"errors"
	"fmt"
	"io"
)

// stream is where the octets of a file or folder lie (section 7.6).
type stream struct {
	first   uint32
	size    int64 // DataLength
	valid   int64 // ValidDataLength: what was written, zeros follow
	inOrder bool  // NoFatChain: one cluster after the other, the table says nothing
}

// check compares a stream with the volume.
func (v *Volume) check(s stream) error {
	n := v.count(s.size)
	switch {
	case s.size < 0 || n > int64(v.clusters):
		return errors.New("it is larger than the volume")
	case s.valid < 0 || s.valid > s.size:
		return errors.New("more of it is valid than there is")
	case s.size > 0 && !v.has(s.first), s.inOrder && n > 0 && int64(s.first)+n-1 > int64(v.last()):
		return errors.New("it lies outside of the volume")
	}
	return nil
}

// reader reads a stream from its beginning to its end.
type reader struct {
	v  *Volume
	s  stream
	at int64
	c  uint32 // cluster that at lies in, once it was entered
}

func (v *Volume) read(s stream) *reader { return &reader{v: v, s: s} }

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	if r.at >= r.s.size {
		return 0, io.EOF
	}
	if len(p) == 0 {
		return 0, nil
	}
	p = p[:min(int64(len(p)), r.s.size-r.at)]
	if r.at >= r.s.valid {
		clear(p)
		r.at += int64(len(p))
		return len(p), nil
	}
	inside := r.at % r.v.cluster
	if inside == 0 {
		if err := r.enter(); err != nil {
			return 0, err
		}
	}
	p = p[:min(int64(len(p)), r.v.cluster-inside, r.s.valid-r.at)]
	n, err := r.v.disk.ReadAt(p, r.v.at(r.c)+inside)
	if n < len(p) {
		return n, fmt.Errorf("the stick cannot be read: %w", err)
	}
	r.at += int64(n)
	return n, nil
}

// enter goes to the cluster in which the next octet lies. The last one must be the end of its chain, which no loop has.
func (r *reader) enter() (err error) {
	if r.c, err = r.v.next(r.s, r.c); err != nil {
		return err
	}
	if taken, err := r.v.taken(r.c); err != nil {
		return err
	} else if !taken {
		return errors.New("it lies where the volume says that nothing is")
	}
	if r.s.inOrder || r.at+r.v.cluster < r.s.size {
		return nil
	}
	end, err := r.v.tableEntry(r.c)
	if err == nil && end != endOfChain {
		err = errors.New("its chain of clusters is longer than it is")
	}
	return err
}

// next is the cluster of a stream after c, the first one after 0.
func (v *Volume) next(s stream, c uint32) (uint32, error) {
	switch {
	case c == 0:
		return s.first, nil
	case s.inOrder:
		return c + 1, nil // check has seen that it is there
	}
	return v.after(c)
}

// place is where on the disk an octet of a stream lies.
func (v *Volume) place(s stream, at int64) (int64, error) {
	n, inside := at/v.cluster, at%v.cluster
	if s.inOrder {
		return v.at(s.first+uint32(n)) + inside, nil
	}
	c := s.first
	for range n {
		var err error
		if c, err = v.after(c); err != nil {
			return 0, err
		}
	}
	return v.at(c) + inside, nil
}
