package board

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the goldens anew")

// trees are boards by the files that make them. The device tree ends its texts with a zero octet, written as @ here.
var trees = map[string]map[string]string{
	"pi3": {
		"devicetree/base/model": "Raspberry Pi 3 Model B Plus Rev 1.3@", "devicetree/base/compatible": "raspberrypi,3-model-b-plus@brcm,bcm2837@",
		"devicetree/base/serial-number": "00000000a1b2c3d4@", "devicetree/base/system/linux,revision": "\x00\xa0\x20\xd3",
		"class/thermal/thermal_zone0/type": "cpu-thermal\n", "class/thermal/thermal_zone0/temp": "48312\n",
		"class/hwmon/hwmon1/name": "rpi_volt\n", "class/hwmon/hwmon1/in0_lcrit_alarm": "1\n",
	},
	"pi4": {
		"devicetree/base/model": "Raspberry Pi 4 Model B Rev 1.4@", "devicetree/base/compatible": "raspberrypi,4-model-b@brcm,bcm2711@",
		"devicetree/base/serial-number": "10000000deadbeef@", "devicetree/base/system/linux,revision": "\x00\xc0\x31\x14",
		"class/thermal/thermal_zone0/type": "cpu-thermal\n", "class/thermal/thermal_zone0/temp": "61500\n",
		"class/hwmon/hwmon0/name": "cpu_thermal\n", "class/hwmon/hwmon1/name": "rpi_volt\n", "class/hwmon/hwmon1/in0_lcrit_alarm": "0\n",
	},
	"cm4": {
		"devicetree/base/model": "Raspberry Pi Compute Module 4 Rev 1.1@", "devicetree/base/compatible": "raspberrypi,4-compute-module@brcm,bcm2711@",
		"devicetree/base/serial-number": "10000000cafe0001@", "class/thermal/thermal_zone0/type": "cpu-thermal\n", "class/thermal/thermal_zone0/temp": "40000\n",
		"class/mmc_host/mmc0/mmc0:0001/life_time": "0x01 0x03\n",
	},
	"pi5": {
		"devicetree/base/model": "Raspberry Pi 5 Model B Rev 1.0@", "devicetree/base/compatible": "raspberrypi,5-model-b@brcm,bcm2712@",
		"devicetree/base/serial-number": "1234567890abcdef@", "class/thermal/thermal_zone0/type": "cpu-thermal\n", "class/thermal/thermal_zone0/temp": "55000\n",
	},
	"virt": {"devicetree/base/model": "linux,dummy-virt@", "devicetree/base/compatible": "linux,dummy-virt@"},
	"pc":   {"class/dmi/id/product_name": "Thin Client 5070\n", "class/dmi/id/product_serial": "CZ1234\n"},
	"none": {},
}

// plant makes a board's tree.
func plant(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		path := filepath.Join(root, "sys", name)
		if strings.HasPrefix(name, "devicetree") {
			path = filepath.Join(root, "sys/firmware", name)
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(strings.ReplaceAll(content, "@", "\x00")), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestBoardsAreKnownByTheirDeviceTree(t *testing.T) {
	got := map[string]Board{}
	for name, files := range trees {
		got[name] = Read(plant(t, files))
	}
	b, err := json.MarshalIndent(got, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "boards.json")
	if *update {
		if err := errors.Join(os.MkdirAll("testdata", 0o755), os.WriteFile(golden, append(b, '\n'), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || string(want) != string(b)+"\n" {
		t.Errorf("%v; the boards are read as\n%s", err, b)
	}
}

func TestAFileThatIsNoWatchdogIsNone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "watchdog")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenWatchdog(path, 15*time.Second); err == nil {
		t.Error("a file passes for a watchdog")
	}
	// What was opened is closed by its rules: V says that the end is meant.
	if b, _ := os.ReadFile(path); string(b) != "V" {
		t.Errorf("it was told %q", b)
	}
}
