package usb

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const stickAdded = "add@/devices/pci0000:00/0000:00:02.0/usb1/1-1/1-1:1.0/host0/target0:0:0/0:0:0:0/block/sda\x00ACTION=add\x00" +
	"DEVPATH=/devices/pci0000:00/0000:00:02.0/usb1/1-1/1-1:1.0/host0/target0:0:0/0:0:0:0/block/sda\x00SUBSYSTEM=block\x00" +
	"MAJOR=8\x00MINOR=0\x00DEVNAME=sda\x00DEVTYPE=disk\x00DISKSEQ=9\x00SEQNUM=1180\x00"

func TestOnlyWholeDisksOnUSBPortsAreTold(t *testing.T) {
	change := strings.NewReplacer
	for _, tc := range []struct {
		name, message string
		want          []Change
	}{
		{"a stick comes", stickAdded, []Change{{"/dev/sda", true}}},
		{"a stick goes", change("add@", "remove@").Replace(stickAdded), []Change{{"/dev/sda", false}}},
		{"its partition", change("DEVTYPE=disk", "DEVTYPE=partition", "DEVNAME=sda", "DEVNAME=sda1").Replace(stickAdded), nil},
		{"it changes", change("add@", "change@").Replace(stickAdded), nil},
		{"the card of the box", change("usb1", "mmc1").Replace(stickAdded), nil},
		{"a hub", change("SUBSYSTEM=block", "SUBSYSTEM=usb").Replace(stickAdded), nil},
		{"a keyboard that says it is one of those", change("DEVNAME=sda", "DEVNAME=../mem").Replace(stickAdded), nil},
		{"the folder of all devices", change("DEVNAME=sda", "DEVNAME=/").Replace(stickAdded), nil},
		{"udev's own message", "libudev\x00\xfe\xed\xca\xfe", nil},
		{"nothing", "", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got []Change
			tellOf([]byte(tc.message), "/", func(c Change) { got = append(got, c) })
			if len(got) != len(tc.want) || len(got) == 1 && got[0] != tc.want[0] {
				t.Errorf("told %v, want %v", got, tc.want)
			}
		})
	}
}

func TestAStickThatIsThereAtStartIsTold(t *testing.T) {
	root := t.TempDir()
	block := filepath.Join(root, "sys/block")
	if err := os.MkdirAll(block, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{
		"sda":     "../devices/pci0000:00/0000:00:02.0/usb1/1-1/1-1:1.0/host0/target0:0:0/0:0:0:0/block/sda",
		"mmcblk0": "../devices/platform/mmc/mmc0:0001/block/mmcblk0", "loop0": "../devices/virtual/block/loop0",
	} {
		if err := os.Symlink(to, filepath.Join(block, name)); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	var got []Change
	err := Watch(ctx, root, func(c Change) { got = append(got, c); cancel() })
	if err != nil || len(got) != 1 || got[0] != (Change{filepath.Join(root, "dev/sda"), true}) {
		t.Errorf("told %v, %v", got, err)
	}
}

func FuzzUevent(f *testing.F) {
	f.Add([]byte(stickAdded))
	f.Add([]byte("add@/x\x00="))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, ok := parseUevent(b)
		if name := e.disk(); name != "" && (!ok || strings.ContainsAny(name, "/\x00")) {
			t.Errorf("disk %q of %q", name, b)
		}
	})
}
