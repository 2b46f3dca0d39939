package usb

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"
)

// Case 60 of the attacks: file systems that are made to do harm. Each is read by a child that may break; the parent gets a
// sentence within its patience.
func TestHostileFileSystemsChangeNothingButTheChild(t *testing.T) {
	good := files{"tollgate/policy.yaml": repeated("version: 1 # and much more\n", 4000)}
	many := files{}
	for i := range 600 {
		many[fmt.Sprintf("tollgate/file%03d", i)] = "x"
	}
	for _, tc := range []struct {
		name string
		disk func(t *testing.T) []byte
		want string // part of the sentence; "" any
	}{
		{"nothing at all", func(*testing.T) []byte { return nil }, "too few"},
		{"zeros", func(*testing.T) []byte { return make([]byte, 1<<20) }, "no file system"},
		{"NTFS", func(*testing.T) []byte { return ntfs() }, "formatted as NTFS, which is not read: format it as FAT32 or exFAT"},
		{"NTFS in an MBR", func(t *testing.T) []byte { return ofType7(partitioned(t, "dos", ntfs())) }, "formatted as NTFS"},
		{"exFAT in an MBR without the folder", func(t *testing.T) []byte { return ofType7(partitioned(t, "dos", exfatImage(t, nil))) }, "no folder tollgate"},
		{"exFAT with more files than anybody needs", func(t *testing.T) []byte { return exfatImage(t, many) }, "600 entries"},
		{"exFAT whose boot sector was changed", func(t *testing.T) []byte { d := exfatImage(t, nil); d[100]++; return d }, "exFAT file system of the stick cannot be read: its boot sectors are damaged"},
		{"exFAT cut off in the middle", func(t *testing.T) []byte { return exfatImage(t, nil)[:4<<20] }, "reaches past the end"},
		{"a folder of another name", func(t *testing.T) []byte { return fat(t, 32, files{"other/policy.yaml": "x"}) }, "no folder tollgate"},
		{"more files than anybody needs", func(t *testing.T) []byte { return fat(t, 32, many) }, "600 entries"},
		{"a FAT chain that loops", func(t *testing.T) []byte { return looped(fat(t, 16, good)) }, ""},
		{"clusters of no size", func(t *testing.T) []byte { d := fat(t, 32, good); d[13] = 0; return d }, ""},
		{"sectors of no size", func(t *testing.T) []byte { d := fat(t, 32, good); d[11], d[12] = 0, 0; return d }, ""},
		{"a FAT of four billion sectors", func(t *testing.T) []byte {
			d := fat(t, 32, good)
			binary.LittleEndian.PutUint32(d[36:], 0xffffffff)
			return d
		}, ""},
		{"cut off in the middle", func(t *testing.T) []byte { d := fat(t, 32, good); return d[:1<<20] }, ""},
		{"a partition past the end", func(t *testing.T) []byte {
			d := partitioned(t, "dos", fat(t, 16, good))
			binary.LittleEndian.PutUint32(d[446+8:], 0xfffffff0)
			return d
		}, "no file system"},
		{"ext4 with blocks of 64 GiB", func(t *testing.T) []byte {
			d := ext4Image(t, good)
			binary.LittleEndian.PutUint32(d[1024+24:], 26)
			return d
		}, ""},
		{"ext4 with no inodes in a group", func(t *testing.T) []byte {
			d := ext4Image(t, good)
			binary.LittleEndian.PutUint32(d[1024+40:], 0)
			return d
		}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			disk := tc.disk(t)
			begun := time.Now()
			c, err := readStick(t, disk)
			if err == nil {
				t.Fatalf("it was read: %d files of %s", len(c.Files), c.FileSystem)
			}
			if !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%q does not say %q", err, tc.want)
			}
			if strings.Contains(err.Error(), "goroutine") {
				t.Errorf("a trace is no sentence: %q", err)
			}
			t.Logf("%v: %v", time.Since(begun).Round(time.Millisecond), err)
		})
	}
}

// looped lets each chain of a FAT16 lead back to where it began.
func looped(disk []byte) []byte {
	reserved := int(binary.LittleEndian.Uint16(disk[14:]))
	size := int(binary.LittleEndian.Uint16(disk[22:])) * sector
	for table := range 2 {
		at := reserved*sector + table*size
		for i := 2; i < size/2; i++ {
			if binary.LittleEndian.Uint16(disk[at+2*i:]) != 0 {
				binary.LittleEndian.PutUint16(disk[at+2*i:], 2)
			}
		}
	}
	return disk
}

// ofType7 gives the first partition of an MBR the type that exFAT and NTFS share.
func ofType7(disk []byte) []byte {
	disk[446+4] = 7
	return disk
}

// ntfs is a disk that says it is one.
func ntfs() []byte {
	d := make([]byte, 1<<20)
	copy(d, "\xeb\x52\x90NTFS    ")
	d[510], d[511] = 0x55, 0xaa
	return d
}
