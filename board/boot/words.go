package boot

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Words are what the kernel's command line says to the box. What is not said has the value named here.
type Words struct {
	// Data is where data is kept: "/dev/NAME", "PARTLABEL=NAME" or "none" (tollgate.data; PARTLABEL=tollgate-data).
	Data string
	// Watchdog tells whether the hardware watchdog is used (tollgate.watchdog=on or off; on).
	Watchdog bool
	// LogOnConsole has the log shown on the console, besides the screen (tollgate.log=console or memory; memory).
	LogOnConsole bool
	// Slot is which of two systems this is, "a" or "b"; empty on a machine that has one (tollgate.slot).
	Slot string
	// Trial tells that the slot has not proved itself yet (tollgate.trial=1).
	Trial bool
	// Tryboot tells that both come from the firmware of a Raspberry Pi, which chooses by autoboot.txt.
	Tryboot bool
}

// DataLabel is the name of the partition that data is kept on, unless the command line names another place.
const DataLabel = "PARTLABEL=tollgate-data"

// prefix stands before every word that is meant for the box.
const prefix = "tollgate."

// ReadWords reads the kernel's command line below root, then more, which counts more; and on a Raspberry Pi what its firmware says of
// the slot, unless they do. The error tells every word that means nothing; the other words count all the same.
func ReadWords(root string, more ...string) (Words, error) {
	line, _ := os.ReadFile(filepath.Join(root, "proc/cmdline")) // without it, more says it all
	w, err := parseWords(string(line) + " " + strings.Join(more, " "))
	if w.Slot == "" {
		w.hearFirmware(root)
	}
	return w, err
}

// parseWords reads one line; the last of equal words counts, as it does for the kernel.
func parseWords(line string) (Words, error) {
	w := Words{Data: DataLabel, Watchdog: true}
	var unknown []string
	for _, field := range strings.Fields(line) {
		word, ours := strings.CutPrefix(field, prefix)
		if !ours {
			continue
		}
		switch key, value, _ := strings.Cut(word, "="); {
		case key == "data" && (value == "none" || device(value) || strings.HasPrefix(value, partLabel) && value != partLabel):
			w.Data = value
		case key == "watchdog" && (value == "on" || value == "off"):
			w.Watchdog = value == "on"
		case key == "log" && (value == "console" || value == "memory"):
			w.LogOnConsole = value == "console"
		case key == "slot" && (value == "a" || value == "b"):
			w.Slot = value
		case key == "trial" && (value == "0" || value == "1"):
			w.Trial = value == "1"
		default:
			unknown = append(unknown, field)
		}
	}
	if len(unknown) > 0 {
		return w, fmt.Errorf("the kernel's command line: nothing is meant by %q", unknown)
	}
	return w, nil
}

// device tells whether value names a device file, and nothing elsewhere.
func device(value string) bool {
	return strings.HasPrefix(value, "/dev/") && filepath.Clean(value) == value
}
