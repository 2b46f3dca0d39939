package interop

import (
	"encoding/binary"
	"math/rand/v2"
)

// A page for a fax machine: short, as wide as a sheet has to be, at the standard resolution (ITU-T T.4 §2.2).
const (
	pageWidth  = 1728
	pageHeight = 200
)

// FaxPage is the rows of a page, eight pixels an octet, 1 is black: squares, and pixels that nobody can guess.
func FaxPage() []byte {
	random := rand.New(rand.NewPCG(4, 5))
	rows := make([]byte, pageWidth/8*pageHeight)
	for y := range pageHeight {
		row := rows[y*pageWidth/8:][:pageWidth/8]
		for x := 20; x < 180; x++ {
			if (x/6+y/12)%2 == 1 {
				row[x] = 0xff
			}
		}
		if y%3 == 0 {
			row[60+y%40] = byte(random.Uint32())
		}
	}
	return rows
}

// TIFF is a file of a page (TIFF 6.0, uncompressed, 204 x 98 dots an inch).
func TIFF(rows []byte) []byte {
	const head = 8
	fields := [][3]uint32{ // tag, type, value
		{256, 3, pageWidth}, {257, 3, pageHeight}, {258, 3, 1}, {259, 3, 1}, {262, 3, 0}, {273, 4, head}, {277, 3, 1},
		{278, 3, pageHeight}, {279, 4, uint32(len(rows))}, {282, 5, 0}, {283, 5, 0}, {296, 3, 2},
	}
	le := binary.LittleEndian
	b := le.AppendUint32([]byte("II*\x00"), uint32(head+len(rows)))
	b = le.AppendUint16(append(b, rows...), uint16(len(fields)))
	dots := uint32(len(b) + 12*len(fields) + 4)
	for _, f := range fields {
		if f[1] == 5 {
			f[2], dots = dots, dots+8
		}
		b = le.AppendUint32(le.AppendUint32(le.AppendUint16(le.AppendUint16(b, uint16(f[0])), uint16(f[1])), 1), f[2])
	}
	for _, v := range []uint32{0, 204, 1, 98, 1} {
		b = le.AppendUint32(b, v)
	}
	return b
}
