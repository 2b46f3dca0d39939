package bench

import (
	"context"
	"fmt"
	"time"

	"tollgate/scripts/lab"
)

// Result is what one round came to.
type Result struct {
	Wanted    int           // calls a second
	Rate      float64       // reached
	Calls     int           // that went through
	Failed    int           // that did not, or were never made
	Repeated  int           // messages that either side had to send again
	CPU       time.Duration // of the system
	Memory    int64         // of the system, the most, in bytes
	Generator float64       // how busy the generator's core was
}

// PerThousand is the processor time of 1,000 calls.
func (r Result) PerThousand() time.Duration {
	if r.Calls == 0 {
		return 0
	}
	return r.CPU * 1000 / time.Duration(r.Calls)
}

// clean tells whether every call went through, at the rate wanted, and at most one message in a thousand calls was sent
// again.
func (r Result) clean() bool {
	return r.Failed == 0 && r.Calls > 0 && r.Rate >= 0.98*float64(r.Wanted) && r.Repeated*1000 <= r.Calls
}

func (r Result) String() string {
	verdict := "clean"
	if !r.clean() {
		verdict = fmt.Sprintf("NOT clean: %.0f calls/s, %d failed, %d messages sent again", r.Rate, r.Failed, r.Repeated)
	}
	return fmt.Sprintf("%5d calls/s  %6.3f CPU-s for 1,000 calls  %4.0f MB  generator %3.0f %% busy  %s",
		r.Wanted, r.PerThousand().Seconds(), float64(r.Memory)/1e6, 100*r.Generator, verdict)
}

// patience is how much longer than planned calls may take.
const patience = 45 * time.Second

// measure takes calls through a running system.
func (w *world) measure(ctx context.Context, s *lab.Process, c calls) (Result, error) {
	ctx, cancel := context.WithTimeout(ctx, c.duration()+patience)
	defer cancel()
	before, err := cpuOf(s.PID())
	if err != nil {
		return Result{}, err
	}
	l, err := w.begin(c)
	if err != nil {
		return Result{}, err
	}
	r := Result{Wanted: c.rate}
	begun := time.Now()
	over := make(chan struct{})
	go func() { defer close(over); l.end(ctx) }()
	for running := true; running; {
		select {
		case <-over:
			running = false
		case <-time.After(2 * time.Second):
			r.Generator = max(r.Generator, l.cpu().Seconds()/time.Since(begun).Seconds())
		}
		now, err := memoryOf(s.PID())
		if err != nil {
			return r, err
		}
		r.Memory = max(r.Memory, now)
	}
	took := time.Since(begun) - longestHold
	time.Sleep(rest)
	after, err := cpuOf(s.PID())
	if err != nil {
		return r, err
	}
	r.CPU = after - before
	caller, err := read(l.callerStats)
	if err != nil {
		return r, err
	}
	callee, err := read(l.calleeStats)
	if err != nil {
		return r, err
	}
	r.Calls, r.Failed, r.Repeated = caller.succeeded, c.count-caller.succeeded, caller.repeated+callee.repeated
	r.Rate = min(float64(c.rate), float64(caller.created)/took.Seconds())
	return r, nil
}
