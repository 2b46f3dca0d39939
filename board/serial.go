package board

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
)

// Where boards tell their number: the device tree of ARM boards, and what the system was given when it was installed.
var serialFiles = []string{"sys/firmware/devicetree/base/serial-number", "etc/machine-id"}

var plainSerial = regexp.MustCompile(`^[0-9A-Za-z-]{4,64}$`)

// Serial returns the number by which this board is told from others, as its label and its files name it; "": it has none. A
// long one is shortened to its last eight characters. root is where the system's tree begins, "/" on a box.
func Serial(root string) string {
	for _, name := range serialFiles {
		data, err := os.ReadFile(filepath.Join(root, name))
		serial := string(bytes.TrimRight(data, "\x00\n "))
		if err != nil || !plainSerial.MatchString(serial) {
			continue
		}
		return serial[max(0, len(serial)-8):]
	}
	return ""
}
