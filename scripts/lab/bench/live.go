package bench

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"tollgate/scripts/lab"
	"tollgate/scripts/lab/branch"
)

const (
	// calm is how long a box is left alone until nothing of its transactions is kept any more (64*T1, and a little).
	calm = 36 * time.Second
	// liveRate is how fast the live calls are set up.
	liveRate = 100
)

// Live weighs calls that are up, each with its four media ports: what the second half of them adds to the first, so that
// what the box needs for working is not counted as the calls'. Garbage is not weighed: the box may let as much gather as
// the board has room for.
func Live(ctx context.Context, o Options) ([]Bar, error) {
	o.say("memory of %d calls that are up", o.Live)
	w, err := open(o)
	if err != nil {
		return nil, err
	}
	defer w.close()
	box, err := w.startTraced(ctx)
	if err != nil {
		return nil, err
	}
	up := calls{rate: liveRate, count: o.Live / 2, hold: fmt.Sprintf(`<pause milliseconds="%d"/>`, 20*time.Minute/time.Millisecond)}
	l, err := w.begin(up)
	if err != nil {
		return nil, err
	}
	defer func() { l.callee.Stop(time.Second) }()
	var memory [2]int
	for half := range memory {
		if half == 1 {
			if err := w.beginCaller(l, up); err != nil {
				return nil, err
			}
		}
		time.Sleep(up.duration() + calm)
		if memory[half], err = collected(ctx, box); err != nil {
			return nil, err
		}
		if err := w.allUp(ctx, (half+1)*up.count); err != nil {
			w.keep("live")
			return nil, err
		}
		o.say("  %5d calls: %d MB of heap and stacks", (half+1)*up.count, memory[half])
	}
	return []Bar{atMost("memory of a live call", float64(memory[1]-memory[0])*(1<<20)/1e3/float64(up.count), liveMemory, "%.1f kB")}, nil
}

// startTraced starts a box whose runtime writes down each garbage collection.
func (w *world) startTraced(ctx context.Context) (*lab.Process, error) {
	const setting = "GODEBUG"
	before := os.Getenv(setting)
	os.Setenv(setting, "gctrace=1")
	defer os.Setenv(setting, before)
	return w.start(ctx, Box)
}

// collection is what the runtime writes of one: the heap that was alive after it, and the stacks, in MiB.
var collection = regexp.MustCompile(`(?m)^gc \d+ @.*->(\d+) MB, \d+ MB goal, (\d+) MB stacks,`)

// collected waits for the box's next garbage collection, of which there is one every two minutes at least, and returns the
// MiB of heap and stacks that it left.
func collected(ctx context.Context, box *lab.Process) (int, error) {
	seen := len(collection.FindAllString(box.Output(), -1))
	ctx, cancel := context.WithTimeout(ctx, 150*time.Second)
	defer cancel()
	var all [][]string
	err := box.Await(ctx, "collecting its garbage", func() bool {
		all = collection.FindAllStringSubmatch(box.Output(), -1)
		return len(all) > seen
	})
	if err != nil {
		return 0, err
	}
	heap, _ := strconv.Atoi(all[len(all)-1][1]) // digits, by the expression
	stacks, _ := strconv.Atoi(all[len(all)-1][2])
	return heap + stacks, nil
}

// allUp makes sure that so many calls are up.
func (w *world) allUp(ctx context.Context, calls int) error {
	status, err := (&branch.Box{Host: w.lab.Box, Binary: w.options.Binary}).Status(ctx)
	if err != nil {
		return fmt.Errorf("count the calls: %w", err)
	}
	if len(status.Calls) < calls {
		return fmt.Errorf("only %d of %d calls are up", len(status.Calls), calls)
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
