package bench

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"tollgate/scripts/lab"
)

// calls is what sipp is asked for: as PBX it calls through the system at a rate, as carrier it rings and answers at once.
type calls struct {
	rate  int // a second
	count int
	hold  string // a pause of sipp between answer and BYE
}

// shortHold keeps a call up for half a second on average, longestHold at most.
const (
	shortHold   = `<pause distribution="uniform" min="0" max="1000"/>`
	longestHold = time.Second
)

func (c calls) duration() time.Duration {
	return time.Duration(c.count) * time.Second / time.Duration(c.rate)
}

// during are calls at a rate for a time.
func during(rate int, d time.Duration) calls {
	return calls{rate: rate, count: max(1, int(float64(rate)*d.Seconds())), hold: shortHold}
}

// load is sipp on both sides of the system under test.
type load struct {
	caller, callee           *lab.Process
	callerStats, calleeStats string // files
}

// begin starts both sides on the generator's core.
func (w *world) begin(c calls) (*load, error) {
	if err := w.openAudio(); err != nil {
		return nil, err
	}
	callee, err := w.fill("callee.xml", nil)
	if err != nil {
		return nil, err
	}
	w.runs++
	name := fmt.Sprintf("load%d-callee", w.runs)
	l := &load{calleeStats: w.lab.Path(name + ".csv")}
	if l.callee, err = w.sipp(w.lab.Carrier, sipPort, name, l.calleeStats, "-sf", callee); err != nil {
		return nil, err
	}
	time.Sleep(200 * time.Millisecond) // it binds its port at once
	return l, w.beginCaller(l, c)
}

// beginCaller starts another caller, on a port of its own when there is one already.
func (w *world) beginCaller(l *load, c calls) error {
	port := sipPort
	if l.caller != nil {
		port += w.runs
	}
	caller, err := w.fill("caller.xml.tmpl", map[string]string{"Hold": c.hold})
	if err != nil {
		return err
	}
	w.runs++
	name := fmt.Sprintf("load%d-caller", w.runs)
	l.callerStats = w.lab.Path(name + ".csv")
	l.caller, err = w.sipp(w.lab.PBX, port, name, l.callerStats, "-sf", caller, "-m", strconv.Itoa(c.count),
		"-r", strconv.Itoa(c.rate), "-l", "20000", fmt.Sprintf("%s:%d", w.lab.Net.BoxInside, sipPort))
	return err
}

func (w *world) sipp(h *lab.Host, port int, name, stats string, args ...string) (*lab.Process, error) {
	args = append([]string{
		"-c", strconv.Itoa(w.options.Core), "sipp", "-i", h.Address.String(), "-p", strconv.Itoa(port), "-t", "u1", "-nostdin",
		"-buff_size", "4194304", "-timer_resol", "2", "-max_recv_loops", "100", "-trace_stat", "-stf", stats, "-fd", "1",
	}, args...)
	return h.Start(name, "taskset", args...)
}

// cpu is what both sides have used together.
func (l *load) cpu() time.Duration {
	caller, _ := cpuOf(l.caller.PID()) // 0 when it has just ended
	callee, _ := cpuOf(l.callee.PID())
	return caller + callee
}

// end waits for the caller's last call, but not beyond ctx, and ends the callee.
func (l *load) end(ctx context.Context) {
	select {
	case <-l.caller.Done():
	case <-ctx.Done():
		l.caller.Stop(time.Second)
	}
	l.callee.Stop(time.Second)
}

// tally is what sipp counted on one side.
type tally struct{ created, succeeded, repeated int }

// read takes the last line of a statistics file.
func read(file string) (tally, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return tally{}, fmt.Errorf("read what sipp counted: %w", err)
	}
	r := csv.NewReader(strings.NewReader(string(b)))
	r.Comma, r.FieldsPerRecord = ';', -1
	rows, err := r.ReadAll()
	if err == nil && len(rows) < 2 {
		err = errors.New("it has no lines")
	}
	if err != nil {
		return tally{}, fmt.Errorf("read what sipp counted: %w", err)
	}
	last := rows[len(rows)-1]
	number := func(column string) int {
		for i, name := range rows[0] {
			if name == column && i < len(last) {
				n, e := strconv.Atoi(last[i])
				err = errors.Join(err, e)
				return n
			}
		}
		err = errors.Join(err, fmt.Errorf("sipp has no column %s", column))
		return 0
	}
	t := tally{created: number("TotalCallCreated"), succeeded: number("SuccessfulCall(C)"), repeated: number("Retransmissions(C)")}
	return t, err
}
