package update

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

// Sizes in a FAT file system, in bytes (Microsoft, FAT32 File System Specification 1.03; ECMA-107).
const (
	fatSector = 512
	fatEntry  = 32 // of a folder
)

// autobootEntry is how the root folder calls autoboot.txt.
const autobootEntry = "AUTOBOOTTXT"

// Kinds of entries that are no file: a label of the volume, which long names bear too, and a folder.
const fatNoFile = 0x08 | 0x10

// readAutoboot finds autoboot.txt in the root folder of a FAT12 or FAT16 file system, which holds nothing else, and returns its content
// and where that lies. It is looked for by hand, not mounted, so that exactly one sector is written when it changes.
func readAutoboot(d io.ReaderAt) (content []byte, at int64, err error) {
	v, err := readVolume(d)
	if err != nil {
		return nil, 0, err
	}
	folder := make([]byte, v.entries*fatEntry)
	if _, err := d.ReadAt(folder, v.root); err != nil {
		return nil, 0, err
	}
	for entry := range slices.Chunk(folder, fatEntry) {
		if entry[0] == 0 { // none after it
			break
		}
		if string(entry[:11]) != autobootEntry || entry[11]&fatNoFile != 0 {
			continue
		}
		cluster, size := int64(binary.LittleEndian.Uint16(entry[26:])), int64(binary.LittleEndian.Uint32(entry[28:]))
		at = v.data + (cluster-2)*v.cluster
		if cluster < 2 || size == 0 || size > fatSector || at+fatSector > v.size {
			return nil, 0, fmt.Errorf("its entry is damaged: %d bytes from cluster %d", size, cluster)
		}
		content = make([]byte, size)
		_, err := d.ReadAt(content, at)
		return content, at, err
	}
	return nil, 0, errors.New("it is not there")
}

// volume is where things lie in a FAT12 or FAT16 file system, in bytes.
type volume struct {
	root    int64 // folder
	entries int   // of it
	data    int64 // the second cluster, which is the first there is
	cluster int64 // size of each
	size    int64 // of it all
}

func readVolume(d io.ReaderAt) (volume, error) {
	head := make([]byte, fatSector)
	if _, err := d.ReadAt(head, 0); err != nil {
		return volume{}, err
	}
	number := func(at int) int64 { return int64(binary.LittleEndian.Uint16(head[at:])) }
	perCluster, reserved, tables, entries, table := int64(head[13]), number(14), int64(head[16]), number(17), number(22)
	sectors := number(19)
	if sectors == 0 {
		sectors = int64(binary.LittleEndian.Uint32(head[32:]))
	}
	if head[510] != 0x55 || head[511] != 0xaa || number(11) != fatSector || perCluster == 0 || reserved == 0 || tables == 0 || entries == 0 || table == 0 {
		return volume{}, errors.New("its partition holds no FAT16 file system")
	}
	v := volume{root: (reserved + tables*table) * fatSector, entries: int(entries), cluster: perCluster * fatSector, size: sectors * fatSector}
	v.data = v.root + (entries*fatEntry+fatSector-1)/fatSector*fatSector
	if v.data > v.size {
		return volume{}, errors.New("the file system of its partition is damaged")
	}
	return v, nil
}
