package bench

import (
	"context"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"tollgate/scripts/lab"
)

const (
	// calm is how long a box is left alone until nothing of its transactions is kept any more (64*T1, and a little).
	calm = 36 * time.Second
	// liveRate is how fast the live calls are set up.
	liveRate = 100
)

// Live weighs calls that are up, each with its four media ports: what the second half of them adds to the first, so that
// what the box needs for working is not counted as the calls'.
func Live(ctx context.Context, o Options) ([]Bar, error) {
	o.say("memory of %d calls that are up", o.Live)
	w, err := open(o)
	if err != nil {
		return nil, err
	}
	defer w.close()
	box, err := w.start(ctx, Box)
	if err != nil {
		return nil, err
	}
	up := calls{rate: liveRate, count: o.Live / 2, hold: fmt.Sprintf(`<pause milliseconds="%d"/>`, 10*time.Minute/time.Millisecond)}
	l, err := w.begin(up)
	if err != nil {
		return nil, err
	}
	defer func() { l.callee.Stop(time.Second) }()
	var memory [2]int64
	for half := range memory {
		if half == 1 {
			if err := w.beginCaller(l, up); err != nil {
				return nil, err
			}
		}
		time.Sleep(up.duration() + calm)
		if memory[half], err = memoryOf(box.PID()); err != nil {
			return nil, err
		}
		if err := live(box, (half+1)*up.count); err != nil {
			w.keep("live")
			return nil, err
		}
		o.say("  %5d calls: %.1f MB", (half+1)*up.count, float64(memory[half])/1e6)
	}
	return []Bar{atMost("memory of a live call", float64(memory[1]-memory[0])/1e3/float64(up.count), liveMemory, "%.1f kB")}, nil
}

// live makes sure that so many calls are up, by their ports.
func live(box *lab.Process, calls int) error {
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", box.PID()))
	if err != nil {
		return fmt.Errorf("count the box's ports: %w", err)
	}
	if len(files) < 4*calls {
		return fmt.Errorf("only %d files are open: not all of %d calls are up", len(files), calls)
	}
	return nil
}

// goroutines ends a box by having it write down all of its goroutines, and counts them.
func goroutines(box *lab.Process) (int, error) {
	if err := box.Signal(syscall.SIGQUIT); err != nil {
		return 0, fmt.Errorf("ask for the goroutines: %w", err)
	}
	select {
	case <-box.Done():
	case <-time.After(10 * time.Second):
		return 0, fmt.Errorf("%s does not write down its goroutines", box.Name)
	}
	return strings.Count(box.Output(), "\ngoroutine "), nil
}
