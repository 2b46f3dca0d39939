package exfat

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"unicode/utf16"
)

// openRoot finds what the root holds of the volume itself (section 7, table 5).
func (v *Volume) openRoot() error {
	n, err := v.length(v.root, min(maxFolder/v.cluster+1, int64(v.clusters)))
	if err != nil {
		return fmt.Errorf("its root is damaged: %w", err)
	}
	v.folders = stream{first: v.root, size: n * v.cluster, valid: n * v.cluster}
	bitmap, capital, err := v.tables()
	if err != nil {
		return fmt.Errorf("its root is damaged: %w", err)
	}
	v.bitmap = parseTable(bitmap)
	if err := v.check(v.bitmap); err != nil || v.bitmap.size != (int64(v.clusters)+7)/8 {
		return errors.New("its bitmap of used clusters is damaged")
	}
	if v.capital, err = v.readCapitals(capital); err != nil {
		return fmt.Errorf("its table of capital letters is damaged: %w", err)
	}
	return nil
}

// tables finds the entries of the bitmap and of the capital letters, of which there is one each.
func (v *Volume) tables() (bitmap, capital []byte, err error) {
	err = v.sets(v.folders, func(raw []byte, _ int64) (bool, error) {
		switch kind := raw[0]; {
		case kind == typeBitmap && bitmap == nil:
			bitmap = bytes.Clone(raw)
		case kind == typeCapitals && capital == nil:
			capital = bytes.Clone(raw)
		case kind == typeBitmap, kind == typeCapitals:
			return false, errors.New("it has two tables of a kind")
		}
		return true, nil
	})
	if err == nil && (bitmap == nil || capital == nil) {
		err = errors.New("the bitmap of used clusters or the table of capital letters is missing")
	}
	return bitmap, capital, err
}

// parseTable reads the place of a table, which is always a chain (sections 7.1 and 7.2).
func parseTable(raw []byte) stream {
	s := parseStream(raw)
	s.valid, s.inOrder = s.size, false
	return s
}

// capitals is the capital letter of each UTF-16 unit (section 7.2).
type capitals [1 << 16]uint16

// mandatory is how many units every table begins with alike (section 7.2.5.1).
const mandatory = 128

// readCapitals reads the table that an entry tells of.
func (v *Volume) readCapitals(raw []byte) (*capitals, error) {
	where := parseTable(raw)
	if where.size < 2 || where.size%2 != 0 || where.size > 2<<16 {
		return nil, errors.New("no table has this size")
	}
	if err := v.check(where); err != nil {
		return nil, err
	}
	data, err := io.ReadAll(v.read(where))
	if err != nil {
		return nil, err
	}
	var sum uint32
	for _, b := range data {
		sum = sum32(sum, b)
	}
	if sum != binary.LittleEndian.Uint32(raw[4:]) {
		return nil, errors.New("its checksum is wrong")
	}
	return expand(data)
}

// expand reads a table in which 0xffff and a number stand for so many units that are their own capitals (section 7.2.5).
func expand(data []byte) (*capitals, error) {
	table := &capitals{}
	for i := range table {
		table[i] = uint16(i)
	}
	at := 0
	for ; len(data) >= 2; data = data[2:] {
		u := binary.LittleEndian.Uint16(data)
		if u == 0xffff && len(data) >= 4 {
			at += int(binary.LittleEndian.Uint16(data[2:]))
			data = data[2:]
			continue
		}
		if at >= len(table) {
			return nil, errors.New("it is too long")
		}
		table[at] = u
		at++
	}
	for i, u := range table[:mandatory] {
		want := uint16(i)
		if i >= 'a' && i <= 'z' {
			want -= 'a' - 'A'
		}
		if u != want {
			return nil, errors.New("the letters a to z have other capitals than elsewhere")
		}
	}
	return table, nil
}

// hash is the NameHash of a name (section 7.6.4).
func (c *capitals) hash(name []uint16) (sum uint16) {
	for _, u := range name {
		u = c[u]
		sum = sum16(sum16(sum, byte(u)), byte(u>>8))
	}
	return sum
}

// same compares two names without the case of their letters.
func (c *capitals) same(a, b string) bool {
	x, y := utf16.Encode([]rune(a)), utf16.Encode([]rune(b))
	if len(x) != len(y) {
		return false
	}
	for i := range x {
		if c[x[i]] != c[y[i]] {
			return false
		}
	}
	return true
}
