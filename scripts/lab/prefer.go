package lab

import (
	"os"

	"golang.org/x/sys/unix"
)

// Prefer has the calling thread, which is locked, and what it starts run in real time: before everything of the machine that
// does not. What is measured by milliseconds cannot wait for somebody's compiler. back ends it for the thread.
func Prefer() (back func(), err error) {
	before, err := unix.SchedGetAttr(0, 0)
	if err != nil {
		return nil, os.NewSyscallError("sched_getattr", err)
	}
	err = unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_RR, Priority: 1}, 0)
	if err != nil {
		return nil, os.NewSyscallError("sched_setattr", err)
	}
	return func() { unix.SchedSetAttr(0, before, 0) }, nil
}
