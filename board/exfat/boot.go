package exfat

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Errors of a disk that is no exFAT.
var (
	// ErrOther says that there is no exFAT.
	ErrOther = errors.New("it is no exFAT file system")
	// errBoot says that its first sectors are not what was written once.
	errBoot = errors.New("its boot sectors are damaged")
)

// Numbers of clusters and values in the table (section 4).
const (
	firstCluster = 2
	maxClusters  = 1<<32 - 11
	badCluster   = 0xfffffff7
	endOfChain   = 0xffffffff
)

const (
	minSector    = 512
	bootSectors  = 12 // of the main boot region, the last one with its checksum (section 3)
	flagsAt      = 106
	percentAt    = 112
	flagSecond   = 1 << 0 // the second table is in use
	flagDirty    = 1 << 1
	flagFailure  = 1 << 2
	signatureEnd = 0xaa55
)

// geometry is what the boot sector says (section 3.1), in octets and clusters, each within the volume.
type geometry struct {
	start, size int64 // of the volume on the disk
	sector      int64
	cluster     int64
	table       int64 // where the File Allocation Table begins on the disk
	heap        int64 // where the first cluster does
	clusters    uint32
	root        uint32 // first cluster of the root
	flags       uint16 // VolumeFlags
}

// last is the number of the last cluster.
func (g geometry) last() uint32 { return g.clusters + firstCluster - 1 }

// has tells whether there is a cluster of a number.
func (g geometry) has(c uint32) bool { return c >= firstCluster && c <= g.last() }

// at is where a cluster begins on the disk.
func (g geometry) at(c uint32) int64 { return g.heap + int64(c-firstCluster)*g.cluster }

// count is how many clusters hold some octets.
func (g geometry) count(octets int64) int64 { return (octets + g.cluster - 1) / g.cluster }

// readGeometry reads the boot region of a volume that has size octets of a disk.
func readGeometry(disk io.ReaderAt, start, size int64) (geometry, error) {
	boot := make([]byte, minSector)
	if _, err := disk.ReadAt(boot, start); err != nil {
		return geometry{}, fmt.Errorf("%w: %w", ErrOther, err)
	}
	// Of the rest only MustBeZero keeps a FAT, whose fields lie there, from being taken for one of these (section 3.1.3).
	if !bytes.Equal(boot[3:11], []byte("EXFAT   ")) || binary.LittleEndian.Uint16(boot[510:]) != signatureEnd {
		return geometry{}, ErrOther
	}
	if !bytes.Equal(boot[:3], []byte{0xeb, 0x76, 0x90}) || len(bytes.Trim(boot[11:64], "\x00")) != 0 {
		return geometry{}, errBoot
	}
	g, err := measure(boot, start, size)
	if err != nil {
		return geometry{}, err
	}
	return g, checkBoot(disk, g)
}

// measure reads the fields of a boot sector and compares each with the rest.
func measure(boot []byte, start, size int64) (geometry, error) {
	long, wide := binary.LittleEndian.Uint32, binary.LittleEndian.Uint64
	sectorShift, clusterShift := boot[108], boot[109]
	switch {
	case boot[105] != 1:
		return geometry{}, fmt.Errorf("its revision is %d.%02d, and only 1 is known", boot[105], boot[104])
	case sectorShift < 9 || sectorShift > 12 || clusterShift > 25-sectorShift:
		return geometry{}, errors.New("its sectors or clusters are of a size that cannot be")
	case boot[110] != 1:
		return geometry{}, fmt.Errorf("it has %d allocation tables, and sticks have one", boot[110])
	}
	g := geometry{start: start, sector: 1 << sectorShift, cluster: 1 << (sectorShift + clusterShift)}
	sectors, tableAt, tableLen, heapAt := wide(boot[72:]), uint64(long(boot[80:])), uint64(long(boot[84:])), uint64(long(boot[88:]))
	g.clusters, g.root, g.flags = long(boot[92:]), long(boot[96:]), binary.LittleEndian.Uint16(boot[flagsAt:])
	heapEnd := heapAt + uint64(g.clusters)<<clusterShift
	switch {
	case sectors < 1<<20>>sectorShift:
		return geometry{}, errors.New("it is smaller than 1 MB")
	case sectors > uint64(size)>>sectorShift:
		return geometry{}, errors.New("it reaches past the end of the stick or partition")
	case tableAt < 2*bootSectors || tableAt+tableLen > heapAt || heapEnd > sectors:
		return geometry{}, errors.New("its parts lie over one another or past its end")
	case g.clusters == 0 || g.clusters > maxClusters || tableLen<<sectorShift < 4*(uint64(g.clusters)+firstCluster):
		return geometry{}, errors.New("its table does not fit its clusters")
	case !g.has(g.root):
		return geometry{}, errors.New("its root lies outside of it")
	case g.flags&flagSecond != 0:
		return geometry{}, errors.New("it uses a second allocation table, which it does not have")
	}
	g.size = int64(sectors << sectorShift)
	g.table, g.heap = start+int64(tableAt<<sectorShift), start+int64(heapAt<<sectorShift)
	return g, nil
}

// checkBoot compares the boot region with its checksum, which leaves out what changes (section 3.4).
func checkBoot(disk io.ReaderAt, g geometry) error {
	region := make([]byte, bootSectors*g.sector)
	if _, err := disk.ReadAt(region, g.start); err != nil {
		return fmt.Errorf("its boot sectors cannot be read: %w", err)
	}
	body, sums := region[:(bootSectors-1)*g.sector], region[(bootSectors-1)*g.sector:]
	sum := bootChecksum(body)
	for len(sums) > 0 {
		if binary.LittleEndian.Uint32(sums) != sum {
			return errBoot
		}
		sums = sums[4:]
	}
	return nil
}

// bootChecksum is the sum of the eleven sectors of a boot region (section 3.4).
func bootChecksum(region []byte) (sum uint32) {
	for i, b := range region {
		if i != flagsAt && i != flagsAt+1 && i != percentAt {
			sum = sum32(sum, b)
		}
	}
	return sum
}

// sum32 adds an octet to a checksum as boot sectors and capital letters have it (sections 3.4 and 7.2.2).
func sum32(sum uint32, b byte) uint32 { return sum<<31 + sum>>1 + uint32(b) }
