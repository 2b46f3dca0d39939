package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"time"

	"tollgate/scripts/lab/machine"
)

// turns is how often the start is measured, each time beside the same kernel with nothing to start; the medians count. One start varies by
// a second with the machine below.
const turns = 5

// The bars.
const (
	overFloor   = 3 * time.Second // of the first call over a first process that does nothing
	mostImage   = 40e6            // octets, compressed
	mostMemory  = 60e6            // octets that the program takes at rest
	mostWritten = 1e6             // octets in an idle hour
)

// calmTime is how long the box is at rest before its memory is read: an hour without a request ends the session, and to log in again
// takes memory.
const calmTime = 10 * time.Minute

// errShort says that a figure does not reach its bar.
var errShort = errors.New("a figure is short")

// figure is one that is measured.
type figure struct {
	name, measured, bar string
	short               bool
}

func (f figure) String() string {
	judged := "ok"
	switch {
	case f.bar == "":
		f.bar, judged = "-", "-"
	case f.short:
		judged = "short"
	}
	return fmt.Sprintf("%s | %s | %s | %s", f.name, f.measured, f.bar, judged)
}

// figures measures the machine, and what the same kernel takes to come to a first process that does nothing.
func (w *world) figures(ctx context.Context) error {
	if err := w.lay(ctx); err != nil {
		return err
	}
	nothing, call, err := w.starts(ctx)
	if err != nil {
		return err
	}
	var resident, written, started int64
	err = steps(ctx, []part{{fmt.Sprintf("at rest for %v", w.idle), func(ctx context.Context) (_ string, err error) {
		resident, started, written, err = w.rest(ctx)
		return "", err
	}}})
	if err != nil {
		return err
	}
	packed, err := os.Stat(w.packed)
	if err != nil {
		return err
	}
	hour := int64(float64(written) * float64(time.Hour) / float64(w.idle))
	list := []figure{
		{"power-on to a first process that does nothing", seconds(nothing), "", false},
		{"power-on to the page of a new box", seconds(w.paged), "", false},
		{"power-on to the first call, with a policy", seconds(call), "at most " + seconds(nothing+overFloor), call > nothing+overFloor},
		{"memory of the program at rest, process 1 included", megabytes(resident), "at most " + megabytes(mostMemory), resident > mostMemory},
		{"written to the card until the first call", megabytes(started), "", false},
		{fmt.Sprintf("written to the card in %v at rest", w.idle), megabytes(written), "", false},
		{"  in an hour, at that rate", megabytes(hour), "at most " + megabytes(mostWritten), hour > mostWritten},
		{"image, compressed", megabytes(packed.Size()), "at most " + megabytes(mostImage), packed.Size() > mostImage},
	}
	fmt.Println()
	short := false
	for _, f := range list {
		fmt.Println(f)
		short = short || f.short
	}
	if short {
		return errShort
	}
	return nil
}

// starts measures the time from power-on to a first process that does nothing, and to the first call, in turn.
func (w *world) starts(ctx context.Context) (nothing, call time.Duration, err error) {
	var floors, calls []time.Duration
	turn := []part{
		{"the same kernel with nothing to start", func(ctx context.Context) (string, error) {
			w.box.Cut()
			took, err := w.startNothing(ctx)
			floors = append(floors, took)
			return seconds(took), err
		}},
		{"the power comes, and a call goes through", func(ctx context.Context) (string, error) {
			said, err := w.fromPower(ctx)
			calls = append(calls, w.call)
			return said, err
		}},
	}
	for range turns {
		if err := steps(ctx, turn); err != nil {
			return 0, 0, err
		}
	}
	return median(floors), median(calls), nil
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

// startNothing measures what no system can be faster than.
func (w *world) startNothing(ctx context.Context) (time.Duration, error) {
	disk, err := w.card(w.floor, "floor.img")
	if err != nil {
		return 0, err
	}
	bare, err := machine.Start(machine.Config{Disk: disk, Folder: w.work})
	if err != nil {
		return 0, err
	}
	defer bare.Cut()
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	return bare.Await(ctx, "nothing: running", 1)
}

// rest leaves the box alone and tells what memory its program then takes, and what it has written by then and since.
func (w *world) rest(ctx context.Context) (resident, before, since int64, err error) {
	if err := w.branch.Box.AwaitRest(ctx); err != nil {
		return 0, 0, 0, err
	}
	if before, err = w.box.Written(); err != nil {
		return 0, 0, 0, err
	}
	calm := min(w.idle, calmTime)
	if err := pause(ctx, calm); err != nil {
		return 0, 0, 0, err
	}
	if resident, err = w.load(ctx); err != nil {
		return 0, 0, 0, err
	}
	if err := pause(ctx, w.idle-calm); err != nil {
		return 0, 0, 0, err
	}
	after, err := w.box.Written()
	if err != nil {
		return 0, 0, 0, err
	}
	return resident, before, after - before, nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// load is what the page says of the program's memory.
func (w *world) load(ctx context.Context) (int64, error) {
	var overview struct {
		Load struct {
			Resident int64 `json:"resident_bytes"`
		} `json:"load"`
	}
	err := w.page.JSON(ctx, http.MethodGet, "/api/v1/overview", nil, &overview)
	return overview.Load.Resident, err
}

func megabytes[N int64 | float64](n N) string { return fmt.Sprintf("%.2f MB", float64(n)/1e6) }
