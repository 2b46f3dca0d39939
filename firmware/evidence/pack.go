package evidence

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
)

// packed stores files one after the other as a zip (PKWARE APPNOTE 6.3, sections 4.3.7, 4.3.12 and 4.3.16), not compressed and without
// times: what is in them says when. archive/zip would bring a reader along, and a board's program has little room.
func packed(files []file) []byte {
	var zip, directory bytes.Buffer
	word := func(b []byte, v ...int) []byte {
		for _, n := range v {
			b = binary.LittleEndian.AppendUint16(b, uint16(n))
		}
		return b
	}
	for _, f := range files {
		// Version 2.0, no flags, stored, 1980-01-01; then sum, sizes and the lengths of the name and of nothing more.
		about := word(nil, 20, 0, 0, 0, 1<<5|1)
		about = binary.LittleEndian.AppendUint32(about, crc32.ChecksumIEEE(f.data))
		about = binary.LittleEndian.AppendUint32(about, uint32(len(f.data)))
		about = binary.LittleEndian.AppendUint32(about, uint32(len(f.data)))
		about = word(about, len(f.name), 0)
		at := uint32(zip.Len())
		zip.WriteString("PK\x03\x04")
		zip.Write(about)
		zip.WriteString(f.name)
		zip.Write(f.data)
		directory.WriteString("PK\x01\x02")
		directory.Write(word(nil, 20))
		directory.Write(about)
		directory.Write(binary.LittleEndian.AppendUint32(make([]byte, 10), at)) // no remark, first disk, no attributes
		directory.WriteString(f.name)
	}
	end := word([]byte("PK\x05\x06"), 0, 0, len(files), len(files))
	end = binary.LittleEndian.AppendUint32(end, uint32(directory.Len()))
	end = word(binary.LittleEndian.AppendUint32(end, uint32(zip.Len())), 0)
	zip.Write(directory.Bytes())
	zip.Write(end)
	return zip.Bytes()
}
