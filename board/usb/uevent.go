package usb

import (
	"bytes"
	"strings"
)

// uevent is what the kernel tells when a device comes or goes (lib/kobject_uevent.c).
type uevent struct {
	action  string // "add", "remove", "change"
	devPath string // below /sys
	values  map[string]string
}

// parseUevent reads one message of the kernel: "ACTION@DEVPATH", then KEY=VALUE, each ended by a zero byte. false: it is none.
func parseUevent(b []byte) (uevent, bool) {
	head, rest, ok := bytes.Cut(b, []byte{0})
	if !ok {
		return uevent{}, false
	}
	action, devPath, ok := strings.Cut(string(head), "@")
	if !ok || action == "" || !strings.HasPrefix(devPath, "/") {
		return uevent{}, false
	}
	e := uevent{action: action, devPath: devPath, values: map[string]string{}}
	for pair := range bytes.SplitSeq(rest, []byte{0}) {
		if key, value, ok := strings.Cut(string(pair), "="); ok {
			e.values[key] = value
		}
	}
	return e, true
}

// disk returns the name of the disk on a USB port that the event is about, as in /dev; "" when it is about something else.
func (e uevent) disk() string {
	if e.values["SUBSYSTEM"] != "block" || e.values["DEVTYPE"] != "disk" || !onUSB(e.devPath) {
		return ""
	}
	name := e.values["DEVNAME"]
	if strings.Contains(name, "/") || strings.HasPrefix(name, ".") {
		return "" // no device of a stick lies in a folder
	}
	return name
}

// onUSB tells whether a device hangs on a USB port, by where it stands in the tree of devices.
func onUSB(devPath string) bool {
	for part := range strings.SplitSeq(devPath, "/") {
		if number, ok := strings.CutPrefix(part, "usb"); ok && number != "" && strings.Trim(number, "0123456789") == "" {
			return true
		}
	}
	return false
}
