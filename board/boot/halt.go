package boot

import (
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// End is how a machine stops.
type End int

// The ends there are.
const (
	Restart End = iota
	PowerOff
	// Trial restarts, and asks the firmware of a Raspberry Pi to start the slot on trial, once. Others restart as ever.
	Trial
)

// trialWords are what the kernel of a Raspberry Pi hands on to its firmware: the usual partition, and the flag that has autoboot.txt
// name another one.
const trialWords = "0 tryboot"

// String names the end.
func (e End) String() string {
	switch e {
	case PowerOff:
		return "power off"
	case Trial:
		return "restart for a trial"
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
	if err := reboot(end); err != nil {
		return fmt.Errorf("%v: %w", end, err)
	}
	return nil
}

func reboot(end End) error {
	var err error
	switch end {
	case PowerOff:
		return unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
	case Trial:
		err = rebootWith(trialWords) // when it comes back, a restart without a trial is better than none
	}
	return errors.Join(err, unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART))
}

// rebootWith is reboot(2) with words for what starts the machine.
func rebootWith(words string) error {
	text, err := unix.BytePtrFromString(words)
	if err != nil {
		return err
	}
	_, _, errno := unix.Syscall6(unix.SYS_REBOOT, unix.LINUX_REBOOT_MAGIC1, unix.LINUX_REBOOT_MAGIC2, unix.LINUX_REBOOT_CMD_RESTART2, uintptr(unsafe.Pointer(text)), 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}
