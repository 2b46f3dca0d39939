package boot

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// lay writes files below a new root; a text that begins with "-> " is a symbolic link.
func lay(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if target, link := strings.CutPrefix(text, "-> "); link {
			err = os.Symlink(target, path)
		} else {
			err = os.WriteFile(path, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestTheCommandLineSaysWhereDataIsAndWhatIsUsed(t *testing.T) {
	usual := Words{Data: DataLabel, Watchdog: true}
	for _, c := range []struct {
		line, more, fault string
		want              Words
	}{
		{line: "console=ttyAMA0 root=/dev/vda2 ro quiet\n", want: usual},
		{line: "tollgate.data=/dev/mmcblk0p3 tollgate.watchdog=off tollgate.log=console", want: Words{Data: "/dev/mmcblk0p3", LogOnConsole: true}},
		{line: "tollgate.data=/dev/sda3 tollgate.watchdog=off", more: "tollgate.data=none tollgate.watchdog=on", want: Words{Data: "none", Watchdog: true}},
		{line: "tollgate.slot=b tollgate.trial=1", want: Words{Data: DataLabel, Watchdog: true, Slot: "b", Trial: true}},
		{line: "tollgate.slot=c", want: usual, fault: "tollgate.slot=c"},
		{line: "tollgate.data=PARTLABEL=keep", want: Words{Data: "PARTLABEL=keep", Watchdog: true}},
		{line: "tollgate.data=PARTLABEL= tollgate.data=/etc/passwd tollgate.data=/dev/../etc", want: usual, fault: "nothing is meant by"},
		{line: "tollgate.watchdog=maybe tollgate.log=console", want: Words{Data: DataLabel, Watchdog: true, LogOnConsole: true}, fault: "tollgate.watchdog=maybe"},
		{line: "tollgate.shell=yes", want: usual, fault: "tollgate.shell=yes"},
	} {
		root := lay(t, map[string]string{"proc/cmdline": c.line})
		got, err := ReadWords(root, strings.Fields(c.more)...)
		if got != c.want {
			t.Errorf("%q: %+v, not %+v", c.line, got, c.want)
		}
		if (err == nil) != (c.fault == "") || err != nil && !strings.Contains(err.Error(), c.fault) {
			t.Errorf("%q: error %v, want %q", c.line, err, c.fault)
		}
	}
}

func TestTheFirmwareOfARaspberryPiSaysWhichSlotItHasStarted(t *testing.T) {
	const tree = "sys/firmware/devicetree/base/chosen/bootloader/"
	for name, c := range map[string]struct {
		line, partition, tryboot string
		want                     Words
	}{
		"slot a":                            {partition: "\x00\x00\x00\x02", tryboot: "\x00\x00\x00\x00", want: Words{Slot: "a", Tryboot: true}},
		"slot b on trial":                   {partition: "\x00\x00\x00\x03", tryboot: "\x00\x00\x00\x01", want: Words{Slot: "b", Trial: true, Tryboot: true}},
		"a card without slots":              {partition: "\x00\x00\x00\x01", tryboot: "\x00\x00\x00\x00"},
		"a loader that does not say":        {partition: "\x00\x00\x00\x00", tryboot: "\x00\x00\x00\x00"},
		"another form":                      {partition: "2"},
		"U-Boot between, whose word counts": {line: "tollgate.slot=b", partition: "\x00\x00\x00\x02", want: Words{Slot: "b"}},
	} {
		root := lay(t, map[string]string{"proc/cmdline": c.line, tree + "partition": c.partition, tree + "tryboot": c.tryboot})
		c.want.Data, c.want.Watchdog = DataLabel, true
		if got, err := ReadWords(root); got != c.want || err != nil {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, c.want)
		}
	}
}

func FuzzWords(f *testing.F) {
	f.Add("tollgate.data=/dev/vda3 tollgate.watchdog=off")
	f.Add("tollgate.data=PARTLABEL=x\x00 tollgate.=")
	f.Fuzz(func(t *testing.T, line string) {
		w, _ := parseWords(line)
		if w.Data != "none" && !strings.HasPrefix(w.Data, partLabel) && (!strings.HasPrefix(w.Data, "/dev/") || slices.Contains(strings.Split(w.Data, "/"), "..")) {
			t.Errorf("data at %q", w.Data)
		}
	})
}

func TestModulesAreReadInTheirOrder(t *testing.T) {
	root := lay(t, map[string]string{
		"modules": "# made with the image\n/lib/modules/6.1/virtio.ko\n\n  /lib/modules/6.1/i6300esb.ko  heartbeat=15 nowayout=1 \n" +
			"--\n/lib/a.ko <\n/lib/b.ko <a.ko,virtio.ko  x=1\n--\n/lib/c.ko < y=<2\n",
		"faulty": "/lib/a.ko\nb.ko\n", "long": "/lib/a.ko\n--\n--\n--\n/lib/b.ko\n",
	})
	got, err := ReadModules(filepath.Join(root, "modules"))
	if err != nil {
		t.Fatal(err)
	}
	want := Modules{
		First: []Module{{Path: "/lib/modules/6.1/virtio.ko", All: true}, {Path: "/lib/modules/6.1/i6300esb.ko", All: true, Parameters: "heartbeat=15 nowayout=1"}},
		Next:  []Module{{Path: "/lib/a.ko"}, {Path: "/lib/b.ko", Needs: []string{"a.ko", "virtio.ko"}, Parameters: "x=1"}},
		Last:  []Module{{Path: "/lib/c.ko", Parameters: "y=<2"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := ReadModules(filepath.Join(root, "faulty")); err == nil || !strings.Contains(err.Error(), `line 2 of the list of modules: "b.ko"`) {
		t.Errorf("a relative path: %v", err)
	}
	if _, err := ReadModules(filepath.Join(root, "long")); err == nil || !strings.Contains(err.Error(), "line 4 of the list of modules") {
		t.Errorf("four parts: %v", err)
	}
	if list, err := ReadModules(filepath.Join(root, "none")); err != nil || len(list.First) != 0 {
		t.Errorf("no list: %v, %v", list, err)
	}
}

func TestAModuleThatCannotBeLoadedKeepsNoOtherFromIt(t *testing.T) {
	loaded, err := LoadModules([]Module{{Path: "/does/not/exist.ko"}, {Path: "/neither/does/this.ko", All: true}})
	if loaded != 0 || err == nil || !strings.Contains(err.Error(), "exist.ko") || !strings.Contains(err.Error(), "this.ko") {
		t.Errorf("loaded %d, %v", loaded, err)
	}
}

// Each module takes its time; what it needs must have ended before it begins, and no more than two may be under way.
func TestModulesAreLoadedBesideOneAnotherAndAfterWhatTheyNeed(t *testing.T) {
	list := []Module{
		{Path: "/a.ko"}, {Path: "/b.ko", Needs: []string{"a.ko"}}, {Path: "/c.ko"}, {Path: "/d.ko", Needs: []string{"elsewhere.ko", "c.ko", "b.ko"}},
		{Path: "/e.ko", Needs: []string{"f.ko"}}, {Path: "/f.ko", All: true}, {Path: "/g.ko"},
	}
	var mu sync.Mutex
	ended, running, most := map[string]bool{}, 0, 0
	loaded, err := loadBy(list, 2, func(m Module) error {
		mu.Lock()
		running++
		most = max(most, running)
		needs := m.Needs
		if m.All {
			needs = []string{"a.ko", "b.ko", "c.ko", "d.ko", "e.ko"}
		}
		for _, n := range needs {
			if n != "elsewhere.ko" && n != "f.ko" && !ended[n] {
				t.Errorf("%s is loaded before %s", m.Path, n)
			}
		}
		mu.Unlock()
		time.Sleep(5 * time.Millisecond)
		mu.Lock()
		defer mu.Unlock()
		running--
		ended[filepath.Base(m.Path)] = true
		if m.Path == "/b.ko" {
			return errors.New("no such hardware")
		}
		return nil
	})
	if loaded != len(list)-1 || err == nil || len(ended) != len(list) || most != 2 {
		t.Errorf("loaded %d, ended %v, %d at once, %v", loaded, ended, most, err)
	}
}

func FuzzModules(f *testing.F) {
	f.Add("/a.ko b=1\n#x\n")
	f.Fuzz(func(t *testing.T, text string) {
		list, err := parseModules(text)
		for _, m := range slices.Concat(list.First, list.Next, list.Last) {
			if err == nil && !filepath.IsAbs(m.Path) {
				t.Errorf("the path %q", m.Path)
			}
		}
	})
}

// A machine with two disks and a stick whose partition bears the same name.
func TestTheDataPartitionIsFoundByItsNameButNeverOnAStick(t *testing.T) {
	disk := "sys/devices/platform/soc/mmc0/block/mmcblk0/"
	stick := "sys/devices/pci0/usb1/1-1/host0/block/sda/"
	files := map[string]string{
		stick + "sda1/uevent":            "DEVNAME=sda1\nPARTNAME=tollgate-data\n",
		disk + "uevent":                  "DEVNAME=mmcblk0\n",
		disk + "mmcblk0p1/uevent":        "DEVNAME=mmcblk0p1\nPARTNAME=boot\n",
		"sys/class/block/mmcblk0":        "-> ../../devices/platform/soc/mmc0/block/mmcblk0",
		"sys/class/block/mmcblk0p1":      "-> ../../devices/platform/soc/mmc0/block/mmcblk0/mmcblk0p1",
		"sys/class/block/a-stick":        "-> ../../devices/pci0/usb1/1-1/host0/block/sda/sda1",
		"sys/class/block/leads-nowhere":  "-> ../../devices/gone",
		"dev/mmcblk0p7":                  "",
		"sys/devices/virtual/empty/dull": "",
	}
	root := lay(t, files)
	if got, found := findDevice(root, DataLabel); found {
		t.Errorf("the stick's partition was taken: %s", got)
	}
	files[disk+"mmcblk0p3/uevent"] = "DEVNAME=mmcblk0p3\nPARTNAME=tollgate-data\n"
	files["sys/class/block/mmcblk0p3"] = "-> ../../devices/platform/soc/mmc0/block/mmcblk0/mmcblk0p3"
	root = lay(t, files)
	if got, found := findDevice(root, DataLabel); !found || got != "/dev/mmcblk0p3" {
		t.Errorf("found %q, %t", got, found)
	}
	if _, found := findDevice(root, "PARTLABEL=tollgate"); found {
		t.Error("half a name was enough")
	}
	if got, found := findDevice(root, "/dev/mmcblk0p7"); !found || got != "/dev/mmcblk0p7" {
		t.Errorf("found %q, %t", got, found)
	}
}

func TestADeviceThatAppearsLateIsWaitedFor(t *testing.T) {
	root := lay(t, map[string]string{"dev/null": ""})
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	time.AfterFunc(2*look, func() { os.WriteFile(filepath.Join(root, "dev/vda3"), nil, 0o600) })
	if got, err := waitForDevice(ctx, root, "/dev/vda3"); err != nil || got != "/dev/vda3" {
		t.Errorf("%q, %v", got, err)
	}
	short, done := context.WithTimeout(context.Background(), 2*look)
	defer done()
	if _, err := waitForDevice(short, root, "/dev/vdb"); err == nil || !strings.Contains(err.Error(), "there is no /dev/vdb") {
		t.Errorf("a device that never appears: %v", err)
	}
}

func TestTheKernelIsSetUpAndSettingsItDoesNotHaveAreNoFault(t *testing.T) {
	root := lay(t, map[string]string{"proc/sys/kernel/panic": "00", "proc/sys/net/ipv4/conf/all/arp_ignore": ""})
	// The limits of the test's own process are left out of this.
	if err := applySettings(root); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"kernel/panic": "10\n", "net/ipv4/conf/all/arp_ignore": "1\n"} {
		if got, _ := os.ReadFile(filepath.Join(root, "proc/sys", path)); string(got) != want {
			t.Errorf("%s is %q", path, got)
		}
	}
}

func TestASeedIsUsedOnceAndReplaced(t *testing.T) {
	root := lay(t, map[string]string{"device": ""})
	file, device := filepath.Join(root, "seed"), filepath.Join(root, "device")
	if err := Seed(file, device); err != nil {
		t.Fatal("the first start has no seed, which is no fault:", err)
	}
	first, err := os.ReadFile(file)
	if err != nil || len(first) != seedSize {
		t.Fatalf("%d bytes, %v", len(first), err)
	}
	// A file takes no ioctl: the seed cannot be given, but is replaced all the same.
	if err := Seed(file, device); err == nil {
		t.Error("a seed that the kernel did not take passes for used")
	}
	if second, _ := os.ReadFile(file); len(second) != seedSize || string(second) == string(first) {
		t.Error("the same seed is kept for the next start")
	}
	if err := os.WriteFile(file, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Seed(file, device); err != nil {
		t.Error("half a seed is passed over:", err)
	}
}
