package boot

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// End is how a machine stops.
type End int

// The ends there are.
const (
	Restart End = iota
	PowerOff
)

// String names the end.
func (e End) String() string {
	if e == PowerOff {
		return "power off"
	}
	return "restart"
}

// Halt writes everything to its medium, gives up the folder data is kept in, and stops the machine. It returns only when the
// kernel refuses, with the reason.
func Halt(end End, data string) error {
	unix.Sync()
	if err := unix.Unmount(data, 0); err != nil {
		// Somebody still has a file open: nothing more may be written.
		if err := unix.Mount("", data, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
			fmt.Fprintf(os.Stderr, "%s stays mounted: %v\n", data, err)
		}
	}
	unix.Sync()
	how := unix.LINUX_REBOOT_CMD_RESTART
	if end == PowerOff {
		how = unix.LINUX_REBOOT_CMD_POWER_OFF
	}
	if err := unix.Reboot(how); err != nil {
		return fmt.Errorf("%v: %w", end, err)
	}
	return nil
}
