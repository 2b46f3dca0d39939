package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Bbolt maps its file and follows the pointers in it without asking: a damaged file makes it read beyond the map, walk in
// circles until the memory is gone, or hand out pages that are in use. So the file is read through here first, with
// ordinary reads and every pointer checked. The layout, all numbers in the machine's order:
//
//	page 0, 1   header | magic version pagesize flags root sequence freelist pages txid checksum    the newer valid one counts
//	branch      header | (pos keysize child)... | keys                                              in order
//	leaf        header | (flags pos keysize valuesize)... | keys and values                         in order
//	freelist    header | page numbers                                                               if 65535: their count first
//	header      id flags count overflow                                                             overflow: further pages of this one
//
// The value of a leaf element with flag 1 is a bucket: root sequence, and the whole leaf page behind it when root is 0.

const (
	headerSize  = 16
	elementSize = 16
	bucketSize  = 16
	metaSize    = 64
	magic       = 0xED0CDAED
	version     = 2

	branchPage   = 0x01
	leafPage     = 0x02
	freelistPage = 0x10

	noFreelist = ^uint64(0)
	maxLevels  = 64 // of the tree; a page holds two children at least, so no file is deeper
)

var order = binary.NativeEndian

// inspection is one reading of a file.
type inspection struct {
	file     io.ReaderAt
	pageSize int64
	pages    uint64 // page numbers in use are below it
	seen     []bool // pages that something refers to
}

// inspect tells whether a bbolt file of the given size can be used: every pointer leads somewhere, and to one place only.
func inspect(file io.ReaderAt, size int64) error {
	m, err := readMeta(file, size)
	if err != nil {
		return err
	}
	if m.pages < 4 || m.pages > uint64(size/m.pageSize) {
		return fmt.Errorf("it is cut off: %d pages are missing", int64(m.pages)-size/m.pageSize)
	}
	in := &inspection{file: file, pageSize: m.pageSize, pages: m.pages, seen: make([]bool, m.pages)}
	in.seen[0], in.seen[1] = true, true
	if err := in.tree(m.root, nil, nil, 0); err != nil {
		return err
	}
	return in.freelist(m.freelist)
}

// page reads a page with its overflow and checks its header.
func (in *inspection) page(id uint64) (flags, count int, body []byte, err error) {
	if id < 2 || id >= in.pages {
		return 0, 0, nil, fmt.Errorf("something refers to page %d, which is not there", id)
	}
	var header [headerSize]byte
	if _, err := in.file.ReadAt(header[:], int64(id)*in.pageSize); err != nil {
		return 0, 0, nil, fmt.Errorf("page %d cannot be read: %w", id, err)
	}
	if order.Uint64(header[0:]) != id {
		return 0, 0, nil, fmt.Errorf("page %d is not where it should be", id)
	}
	last := id + uint64(order.Uint32(header[12:]))
	if last >= in.pages {
		return 0, 0, nil, fmt.Errorf("page %d goes beyond the end", id)
	}
	for i := id; i <= last; i++ {
		if in.seen[i] {
			return 0, 0, nil, fmt.Errorf("page %d is used twice", i)
		}
		in.seen[i] = true
	}
	body = make([]byte, int64(last-id+1)*in.pageSize)
	if _, err := in.file.ReadAt(body, int64(id)*in.pageSize); err != nil {
		return 0, 0, nil, fmt.Errorf("page %d cannot be read: %w", id, err)
	}
	return int(order.Uint16(header[8:])), int(order.Uint16(header[10:])), body, nil
}

// tree checks the page and everything below it. Its keys lie from least to before most; nil means no bound.
func (in *inspection) tree(id uint64, least, most []byte, level int) error {
	if level > maxLevels {
		return errors.New("its tree is too deep")
	}
	flags, count, body, err := in.page(id)
	if err != nil {
		return err
	}
	switch flags {
	case branchPage:
		return in.branch(id, count, body, least, most, level)
	case leafPage:
		return in.leaf(fmt.Sprintf("page %d", id), count, body, least, most, level)
	}
	return fmt.Errorf("page %d is of no known kind", id)
}

func (in *inspection) branch(id uint64, count int, body, least, most []byte, level int) error {
	name := fmt.Sprintf("page %d", id)
	if count == 0 {
		return fmt.Errorf("%s leads nowhere", name)
	}
	keys, err := keysOf(name, count, body, 4)
	if err != nil {
		return err
	}
	if err := ordered(name, keys, least, most); err != nil {
		return err
	}
	for i, key := range keys {
		next := most
		if i+1 < count {
			next = keys[i+1]
		}
		child := order.Uint64(body[headerSize+i*elementSize+8:])
		if err := in.tree(child, key, next, level+1); err != nil {
			return err
		}
	}
	return nil
}

func (in *inspection) leaf(name string, count int, body, least, most []byte, level int) error {
	keys, err := keysOf(name, count, body, 8)
	if err != nil {
		return err
	}
	if err := ordered(name, keys, least, most); err != nil {
		return err
	}
	for i := range keys {
		element := body[headerSize+i*elementSize:]
		value := element[order.Uint32(element[4:])+order.Uint32(element[8:]):]
		if uint64(order.Uint32(element[12:])) > uint64(len(value)) {
			return fmt.Errorf("%s: a value goes beyond its end", name)
		}
		value = value[:order.Uint32(element[12:])]
		if order.Uint32(element)&1 == 0 {
			continue
		}
		if err := in.bucket(name, value, level); err != nil {
			return err
		}
	}
	return nil
}

// bucket checks a bucket that is a value: a small one lies in it whole, and holds no buckets itself.
func (in *inspection) bucket(name string, value []byte, level int) error {
	if len(value) < bucketSize {
		return fmt.Errorf("%s: a bucket is cut off", name)
	}
	if root := order.Uint64(value); root != 0 {
		return in.tree(root, nil, nil, level+1)
	}
	body := value[bucketSize:]
	if len(body) < headerSize || order.Uint16(body[8:]) != leafPage {
		return fmt.Errorf("%s: a bucket within it is of no known kind", name)
	}
	count := int(order.Uint16(body[10:]))
	if len(body) < headerSize+count*elementSize {
		return fmt.Errorf("%s: a bucket within it is cut off", name)
	}
	for i := range count {
		if order.Uint32(body[headerSize+i*elementSize:])&1 != 0 {
			return fmt.Errorf("%s: a bucket within it holds another", name)
		}
	}
	return in.leaf(name+", bucket within", count, body, nil, nil, level+1)
}

// freelist checks that the pages said to be free are there and that nothing refers to them: writing would destroy it.
func (in *inspection) freelist(id uint64) error {
	if id == noFreelist {
		return nil
	}
	flags, count, body, err := in.page(id)
	if err != nil {
		return err
	}
	if flags != freelistPage {
		return fmt.Errorf("page %d is not the list of free pages", id)
	}
	list, free := body[headerSize:], uint64(count)
	if free == 0xFFFF {
		free, list = order.Uint64(list), list[8:]
	}
	if free > uint64(len(list)/8) {
		return errors.New("the list of free pages is cut off")
	}
	for i := range free {
		page := order.Uint64(list[i*8:])
		if page < 2 || page >= in.pages || in.seen[page] {
			return fmt.Errorf("page %d is said to be free and is not", page)
		}
		in.seen[page] = true
	}
	return nil
}
