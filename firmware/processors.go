package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

// giveWay is how much nicer everything else is than the relay. Of a processor that both want whole, the rest is left with a tenth
// (sched(7)): enough for a hundred calls a second, emergency calls among them, whatever audio there is.
const giveWay = 10

// preferThreads has the kernel let some threads of this process go before all others of it, present and to come: by niceness, which
// needs no right when it is raised, and which a thread has from the one that started it. Go starts none from the relay's,
// because they are locked.
func preferThreads(preferred []int) error {
	if len(preferred) == 0 {
		return nil
	}
	own, err := nicenessOf(preferred[0])
	if err != nil {
		return fmt.Errorf("let audio go first: %w", err)
	}
	nice := min(own+giveWay, 19)
	for changed := true; changed; { // a thread may just have been started by one that was not nice yet
		tasks, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return fmt.Errorf("let audio go first: %w", err)
		}
		changed = false
		for _, t := range tasks {
			tid, _ := strconv.Atoi(t.Name())
			if slices.Contains(preferred, tid) {
				continue
			}
			now, err := nicenessOf(tid)
			if err == nil && now < nice {
				err, changed = unix.Setpriority(unix.PRIO_PROCESS, tid, nice), true
			}
			if err != nil && !errors.Is(err, unix.ESRCH) { // it has ended
				return fmt.Errorf("let audio go first: %w", os.NewSyscallError("setpriority", err))
			}
		}
	}
	return nil
}

// nicenessOf is that of a thread. The system call returns it upside down, so that it is no error (getpriority(2)).
func nicenessOf(tid int) (int, error) {
	p, err := unix.Getpriority(unix.PRIO_PROCESS, tid)
	return 20 - p, err
}
