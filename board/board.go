// Package board is the hardware that the box runs on, beside its network ports: what kind it is, its serial number, temperature,
// supply voltage and the wear of what it writes to, and the watchdog.
//
// Raspberry Pi 3, 4, 5, their Compute Modules and QEMU's virt are known by their device tree. Anything else works too, and
// Missing says what it cannot tell. Readers take a root path, below which sys and proc are.
//
// It leaves to others when the watchdog may be fed (firmware/supervise), what happens at the start (board/boot), and the
// network (board/link).
package board

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Board is what can be told of the hardware. What cannot is empty or nil, and named in Missing.
type Board struct {
	Model    string // as the board calls itself
	Kind     Kind
	Serial   string
	Revision string // of a Raspberry Pi: its revision code

	Temperature  *float64 // degrees Celsius of the processor
	UnderVoltage *bool    // the supply is, or was since the last look, too weak
	// Wear is how much of its life the storage has behind it, in percent, as eMMC tells it in steps of ten; SD cards tell nothing.
	Wear *int

	Missing []string // what this hardware does not tell, as words for a person
}

// Kind is a family of boards.
type Kind string

// The kinds that are known.
const (
	Pi3   Kind = "Raspberry Pi 3"
	Pi4   Kind = "Raspberry Pi 4"
	Pi5   Kind = "Raspberry Pi 5"
	Virt  Kind = "QEMU virt"
	Other Kind = "other"
)

// chips are the kinds by what their device tree says that they are compatible with.
var chips = []struct {
	compatible string
	kind       Kind
}{
	{"brcm,bcm2837", Pi3}, {"brcm,bcm2711", Pi4}, {"brcm,bcm2712", Pi5}, {"linux,dummy-virt", Virt},
}

// Read reads what the hardware tells, below root.
func Read(root string) Board {
	tree := filepath.Join(root, "sys/firmware/devicetree/base")
	b := Board{Kind: Other, Model: text(filepath.Join(tree, "model")), Serial: text(filepath.Join(tree, "serial-number"))}
	for _, c := range strings.Split(text(filepath.Join(tree, "compatible")), "\x00") {
		for _, chip := range chips {
			if c == chip.compatible {
				b.Kind = chip.kind
			}
		}
	}
	if b.Model == "" { // not by device tree: a PC
		dmi := filepath.Join(root, "sys/class/dmi/id")
		b.Model, b.Serial = text(filepath.Join(dmi, "product_name")), text(filepath.Join(dmi, "product_serial"))
	}
	if b.Kind == Virt && b.Model == "" {
		b.Model = string(Virt)
	}
	b.Revision = revision(filepath.Join(tree, "system/linux,revision"))
	b.Temperature = temperature(root)
	b.UnderVoltage = underVoltage(root)
	b.Wear = wear(root)
	b.Missing = b.missing()
	return b
}

func (b Board) missing() (list []string) {
	for _, f := range []struct {
		what  string
		lacks bool
	}{
		{"serial number", b.Serial == ""}, {"temperature", b.Temperature == nil}, {"supply voltage", b.UnderVoltage == nil}, {"wear of the storage", b.Wear == nil},
	} {
		if f.lacks {
			list = append(list, f.what)
		}
	}
	return list
}

// HasScreen tells whether a screen is plugged into the board, so that somebody can read the console.
func HasScreen(root string) bool {
	sockets, _ := filepath.Glob(filepath.Join(root, "sys/class/drm/card*/status"))
	for _, s := range sockets {
		if text(s) == "connected" {
			return true
		}
	}
	return false
}

// text is the content of a file of the kernel's; properties of the device tree end with a zero octet.
func text(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return strings.Trim(string(b), "\x00\n ")
}

// revision reads the code that Raspberry Pi gives its boards: four octets, the highest first.
func revision(path string) string {
	b, err := os.ReadFile(path)
	if err != nil || len(b) != 4 {
		return ""
	}
	return fmt.Sprintf("%x", b)
}

// temperature reads the first zone that is the processor's; in thousandths of a degree.
func temperature(root string) *float64 {
	zones, _ := filepath.Glob(filepath.Join(root, "sys/class/thermal/thermal_zone*"))
	for _, z := range zones {
		if !strings.Contains(text(filepath.Join(z, "type")), "cpu") {
			continue
		}
		if n, err := strconv.Atoi(text(filepath.Join(z, "temp"))); err == nil {
			t := float64(n) / 1000
			return &t
		}
	}
	return nil
}

// underVoltage reads the alarm of the driver raspberrypi-hwmon.
func underVoltage(root string) *bool {
	sensors, _ := filepath.Glob(filepath.Join(root, "sys/class/hwmon/hwmon*"))
	for _, s := range sensors {
		if text(filepath.Join(s, "name")) == "rpi_volt" {
			alarm := text(filepath.Join(s, "in0_lcrit_alarm")) == "1"
			return &alarm
		}
	}
	// The firmware's own word, with older kernels: bit 0 is now (mailbox property 0x00030046).
	bits, err := strconv.ParseUint(strings.TrimPrefix(text(filepath.Join(root, "sys/devices/platform/soc/soc:firmware/get_throttled")), "0x"), 16, 32)
	if err != nil {
		return nil
	}
	weak := bits&1 != 0
	return &weak
}

// wear reads what an eMMC says of both its kinds of memory, and takes the worse: 0x01 is up to 10 %, 0x0A up to 100 %, 0x0B more (JEDEC
// eMMC 5.0, DEVICE_LIFE_TIME_EST).
func wear(root string) *int {
	files, _ := filepath.Glob(filepath.Join(root, "sys/class/mmc_host/mmc*/mmc*:*/life_time"))
	for _, f := range files {
		worst := 0
		for _, field := range strings.Fields(text(f)) {
			if n, err := strconv.ParseUint(field, 0, 8); err == nil && n <= 0x0b {
				worst = max(worst, int(n)*10)
			}
		}
		if worst > 0 {
			return &worst
		}
	}
	return nil
}
