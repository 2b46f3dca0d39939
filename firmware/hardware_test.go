package main

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"tollgate/board"
	"tollgate/firmware/api"
	"tollgate/firmware/event"
	"tollgate/firmware/store"
)

// heard lists what a listener was told of the machine.
func heard(l *event.Listener) (list []string) {
	for {
		select {
		case e := <-l.C:
			switch e := e.(type) {
			case event.HardwareTroubled:
				list = append(list, fmt.Sprintf("%s over=%v %s", e.What, e.Over, e.Reason))
			case event.ProgramCrashed:
				list = append(list, "crash "+e.How)
			}
		default:
			return list
		}
	}
}

func boardBench(t *testing.T) (*box, *event.Listener) {
	t.Helper()
	s, err := store.Open(filepath.Join(t.TempDir(), "tollgate.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	b := &box{store: s, log: slog.New(slog.DiscardHandler), facts: &event.Hub{}}
	return b, b.facts.Listen(16)
}

func TestAnAlarmOfTheHardwareIsToldOnceAnEpisodeAndWhenItIsOver(t *testing.T) {
	b, l := boardBench(t)
	start := time.Date(2026, 7, 1, 14, 0, 0, 0, time.UTC)
	yes, no := true, false
	for i, step := range []struct {
		after   time.Duration
		degrees float64
		weak    *bool
		want    []string
		shown   []api.Worry
	}{
		{0, 60, &no, nil, nil},
		{time.Minute, 79, &no, []string{"too-hot over=false the box is too hot"}, []api.Worry{{What: "too-hot", Since: start.Add(time.Minute), Reason: "the box is too hot"}}},
		{2 * time.Minute, 75, &no, nil, []api.Worry{{What: "too-hot", Since: start.Add(time.Minute), Reason: "the box is too hot"}}}, // still the same episode
		{3 * time.Minute, 69, &yes, []string{"weak-supply over=false the power supply is too weak", "too-hot over=true "}, []api.Worry{{What: "weak-supply", Since: start.Add(3 * time.Minute), Reason: "the power supply is too weak"}}},
		{8 * time.Minute, 60, &yes, nil, []api.Worry{{What: "weak-supply", Since: start.Add(3 * time.Minute), Reason: "the power supply is too weak"}}},
		{18 * time.Minute, 79, &no, []string{"too-hot over=false the box is too hot", "weak-supply over=true "}, []api.Worry{{What: "too-hot", Since: start.Add(18 * time.Minute), Reason: "the box is too hot"}}},
	} {
		b.lookAtBoard(board.Board{Temperature: &step.degrees, UnderVoltage: step.weak}, start.Add(step.after))
		if got := heard(l); !slices.Equal(got, step.want) {
			t.Errorf("step %d: told %q, want %q", i, got, step.want)
		}
		if got := b.hardware.shownWorries(); !slices.Equal(got, step.shown) {
			t.Errorf("step %d: shown %+v, want %+v", i, got, step.shown)
		}
	}
}

func TestAnEndOfTheProgramIsToldOnceHoweverOftenItBegins(t *testing.T) {
	b, l := boardBench(t)
	first := time.Date(2026, 7, 1, 14, 0, 0, 123456789, time.UTC)
	crash := func(after time.Duration, dismissed bool) api.Crash {
		return api.Crash{At: first.Add(after), How: fmt.Sprint(after), Dismissed: dismissed}
	}
	for i, step := range []struct {
		crashes []api.Crash // the latest first
		want    []string
	}{
		{nil, nil},
		{[]api.Crash{crash(0, false)}, []string{"crash 0s"}},
		{[]api.Crash{crash(0, false)}, nil}, // the program begins once more
		{[]api.Crash{crash(2*time.Hour, false), crash(time.Hour, false), crash(0, false)}, []string{"crash 1h0m0s", "crash 2h0m0s"}},
		{[]api.Crash{crash(3*time.Hour, true), crash(2*time.Hour, true)}, nil},
	} {
		b.tellCrashes(step.crashes)
		if got := heard(l); !slices.Equal(got, step.want) {
			t.Errorf("start %d: told %q, want %q", i, got, step.want)
		}
	}
}
