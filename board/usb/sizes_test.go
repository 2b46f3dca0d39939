package usb

import (
	"bytes"
	"context"
	"fmt"
	"testing"
)

// A library that reads files in pieces may lose or add some at the ends of clusters.
func TestFilesOfEverySizeAreReadToTheirEnd(t *testing.T) {
	f := files{}
	var sizes []int
	for _, whole := range []int{512, 1825, 2048, 4096, 33000, 65536, 100000} {
		for n := whole - 1; n <= whole+1; n++ {
			sizes = append(sizes, n)
			f[fmt.Sprintf("tollgate/file%d", n)] = repeated("x", n)
		}
	}
	for name, disk := range map[string][]byte{
		"FAT12": fat(t, 12, f), "FAT16": fat(t, 16, f), "FAT32": fat(t, 32, f), "exFAT": exfatImage(t, f), "ext4": ext4Image(t, f), "ISO 9660": isoImage(t, f),
	} {
		c, err := readStick(t, disk)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		device := plugged(t, disk)
		for _, n := range sizes {
			file := fmt.Sprintf("file%d", n)
			if got := len(c.Files[file]); err == nil && got != n {
				t.Errorf("%s: a file of %d octets has %d", name, n, got)
			}
			if n%2 == 0 || n < 1000 {
				continue // enough of them: each is a process
			}
			var copied bytes.Buffer
			if err := reader(t).Copy(context.Background(), device, file, &copied, 1<<20); err != nil || copied.String() != repeated("x", n) {
				t.Errorf("%s: a file of %d octets was copied as %d: %v", name, n, copied.Len(), err)
			}
		}
	}
}
