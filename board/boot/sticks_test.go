package boot

import (
	"slices"
	"testing"
)

func TestSticksAreDisksOnUSBThatNothingIsMountedFrom(t *testing.T) {
	stick, disk := "sys/devices/pci0/usb1/1-1/host0/block/", "sys/devices/pci0/usb2/2-1/host1/block/"
	files := map[string]string{
		stick + "sda/uevent": "", stick + "sda/sda1/uevent": "", disk + "sdb/uevent": "", disk + "sdb/sdb3/uevent": "",
		"sys/devices/platform/mmc0/block/mmcblk0/uevent": "",
		"sys/class/block/sda":                            "-> ../../devices/pci0/usb1/1-1/host0/block/sda",
		"sys/class/block/sda1":                           "-> ../../devices/pci0/usb1/1-1/host0/block/sda/sda1",
		"sys/class/block/sdb":                            "-> ../../devices/pci0/usb2/2-1/host1/block/sdb",
		"sys/class/block/sdb3":                           "-> ../../devices/pci0/usb2/2-1/host1/block/sdb/sdb3",
		"sys/class/block/mmcblk0":                        "-> ../../devices/platform/mmc0/block/mmcblk0",
		"proc/self/mounts":                               "proc /proc proc rw 0 0\n/dev/sdb3 /data ext4 rw 0 0\n",
	}
	if got := Sticks(lay(t, files)); !slices.Equal(got, []string{"/dev/sda", "/dev/sda1"}) {
		t.Errorf("sticks: %v", got)
	}
	delete(files, "proc/self/mounts")
	if got := Sticks(lay(t, files)); len(got) != 0 {
		t.Errorf("without knowing what is mounted: %v", got)
	}
}
