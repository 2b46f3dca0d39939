package store

import (
	"bytes"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
)

// meta is the page that says where everything is.
type meta struct {
	pageSize                    int64
	root, freelist, pages, txid uint64
}

// readMeta returns the newer of the two meta pages among the valid ones, as bbolt does: a write that was cut off has
// spoilt one of them at most.
func readMeta(file io.ReaderAt, size int64) (meta, error) {
	first, ok0 := metaAt(file, 0)
	if ok0 {
		second, ok1 := metaAt(file, first.pageSize)
		if ok1 && second.txid > first.txid {
			return second, nil
		}
		return first, nil
	}
	// Without the first one the page size is unknown; the second lies one page in.
	for offset := int64(1024); offset <= 1024<<14 && offset < size-1024; offset *= 2 {
		if second, ok := metaAt(file, offset); ok && second.pageSize == offset {
			return second, nil
		}
	}
	return meta{}, errors.New("it is not a Tollgate state, or its beginning is destroyed")
}

func metaAt(file io.ReaderAt, offset int64) (meta, bool) {
	var b [headerSize + metaSize]byte
	if _, err := file.ReadAt(b[:], offset); err != nil {
		return meta{}, false
	}
	m := b[headerSize:]
	sum := fnv.New64a()
	_, _ = sum.Write(m[:metaSize-8])
	pageSize := int64(order.Uint32(m[8:]))
	switch {
	case order.Uint32(m) != magic, order.Uint32(m[4:]) != version, order.Uint64(m[56:]) != sum.Sum64():
		return meta{}, false
	case pageSize < 1024 || pageSize > 1024<<14 || pageSize&(pageSize-1) != 0:
		return meta{}, false
	}
	return meta{pageSize: pageSize, root: order.Uint64(m[16:]), freelist: order.Uint64(m[32:]), pages: order.Uint64(m[40:]), txid: order.Uint64(m[48:])}, true
}

// keysOf returns the keys of a page's elements. Pos and keysize stand sizeAt-4 and sizeAt bytes into an element; pos counts
// from the element's own beginning.
func keysOf(name string, count int, body []byte, sizeAt int) ([][]byte, error) {
	if headerSize+count*elementSize > len(body) {
		return nil, fmt.Errorf("%s: its elements go beyond its end", name)
	}
	keys := make([][]byte, count)
	for i := range keys {
		element := body[headerSize+i*elementSize:]
		pos, size := uint64(order.Uint32(element[sizeAt-4:])), uint64(order.Uint32(element[sizeAt:]))
		if size == 0 || pos+size > uint64(len(element)) {
			return nil, fmt.Errorf("%s: a key goes beyond its end", name)
		}
		keys[i] = element[pos : pos+size]
	}
	return keys, nil
}

// ordered checks that keys ascend and lie from least to before most.
func ordered(name string, keys [][]byte, least, most []byte) error {
	for i, key := range keys {
		if i > 0 && bytes.Compare(keys[i-1], key) >= 0 || least != nil && bytes.Compare(key, least) < 0 || most != nil && bytes.Compare(key, most) >= 0 {
			return fmt.Errorf("%s: its keys are not in order", name)
		}
	}
	return nil
}
