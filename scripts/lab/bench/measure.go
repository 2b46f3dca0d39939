package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tollgate/scripts/lab"
)

// Result is what one round came to.
type Result struct {
	Calls          int
	Rate           float64       // calls a second that the generator reached
	CPU            time.Duration // of the system
	Memory         int64         // the most, bytes
	Failed         int           // calls
	Repeated       int           // messages that either side had to send again
	Wanted         int           // calls a second
	caller, callee tally
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
		verdict = fmt.Sprintf("NOT clean: %d failed, %d sent again", r.Failed, r.Repeated)
	}
	return fmt.Sprintf("%6.0f calls/s of %d   %6.3f CPU-s for 1,000 calls   %5.0f MB   %s",
		r.Rate, r.Wanted, r.PerThousand().Seconds(), float64(r.Memory)/1e6, verdict)
}

// patience is how much longer than planned calls may take.
const patience = 45 * time.Second

// measure takes calls through a running system.
func (w *world) measure(ctx context.Context, s *lab.Process, c calls) (Result, error) {
	planned := time.Duration(c.count) * time.Second / time.Duration(c.rate)
	ctx, cancel := context.WithTimeout(ctx, planned+patience)
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
	over := make(chan error, 1)
	go func() { over <- l.end(ctx) }()
	for running := true; running; {
		select {
		case err = <-over:
			running = false
		case <-time.After(2 * time.Second):
		}
		now, e := memoryOf(s.PID())
		r.Memory, err = max(r.Memory, now), errors.Join(err, e)
	}
	if err != nil {
		return r, err
	}
	time.Sleep(rest)
	after, err := cpuOf(s.PID())
	if err != nil {
		return r, err
	}
	r.CPU = after - before
	if r.caller, err = read(l.callerStats); err != nil {
		return r, err
	}
	if r.callee, err = read(l.calleeStats); err != nil {
		return r, err
	}
	r.Calls, r.Failed, r.Repeated = r.caller.succeeded, r.caller.failed+c.count-r.caller.created, r.caller.repeated+r.callee.repeated
	r.Rate = r.caller.rate
	return r, nil
}
