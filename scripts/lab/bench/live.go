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

// Live weighs calls that are up, each with its four media ports. The box has worked before, so that what it needs for
// working is not counted as the calls'.
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
	if _, err := w.measure(ctx, box, during(4*liveRate, calm)); err != nil {
		return nil, err
	}
	time.Sleep(calm)
	before, err := memoryOf(box.PID())
	if err != nil {
		return nil, err
	}
	up := calls{rate: liveRate, count: o.Live, hold: fmt.Sprintf(`<pause milliseconds="%d"/>`, 10*time.Minute/time.Millisecond)}
	l, err := w.begin(up)
	if err != nil {
		return nil, err
	}
	time.Sleep(up.duration() + calm)
	after, err := memoryOf(box.PID())
	if err != nil {
		return nil, err
	}
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", box.PID()))
	if err != nil {
		return nil, fmt.Errorf("count the box's ports: %w", err)
	}
	l.caller.Stop(time.Second)
	l.callee.Stop(time.Second)
	if len(files) < 4*o.Live {
		w.keep("live")
		return nil, fmt.Errorf("only %d files are open: not all of %d calls are up", len(files), o.Live)
	}
	o.say("  %.1f MB at rest, %.1f MB with the calls", float64(before)/1e6, float64(after)/1e6)
	return []Bar{atMost("memory of a live call", float64(after-before)/1e3/float64(o.Live), liveMemory, "%.1f kB")}, nil
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
