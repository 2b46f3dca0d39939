package main

import (
	"io"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"tollgate/firmware/admission"
	"tollgate/firmware/call"
	"tollgate/firmware/event"
	"tollgate/firmware/load"
	"tollgate/firmware/numbering"
	"tollgate/firmware/policy"
	"tollgate/firmware/store"
)

// measuredBox is a box of which only the store and the gate are there.
func measuredBox(t *testing.T) *box {
	t.Helper()
	s, err := store.Open(filepath.Join(t.TempDir(), "tollgate.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return &box{store: s, log: slog.New(slog.NewTextHandler(io.Discard, nil)), gate: admission.New(&policy.Policy{Limits: policy.Limits{Calls: 10}, Admission: policy.Admission{Classes: policy.OpenClasses()}})}
}

func TestTheBoardIsMeasuredAtItsFirstStartAlone(t *testing.T) {
	b := measuredBox(t)
	var first load.Measure
	for start := 1; first.Packet <= 0; start++ { // a machine that is too busy is measured at a later start
		if err := b.measureBoard(t.Context()); err != nil {
			t.Fatal(err)
		}
		if first = b.loads.measure; start == 10 && first.Packet <= 0 {
			t.Fatalf("measured %+v, the tenth time", first)
		}
	}
	if first.Calls() < 1 {
		t.Fatalf("measured %+v", first)
	}
	begun := time.Now()
	if err := b.measureBoard(t.Context()); err != nil {
		t.Fatal(err)
	}
	if again := b.loads.measure; again.Packet != first.Packet || !again.At.Equal(first.At) || time.Since(begun) > measureTime/2 {
		t.Errorf("measured anew: %+v after %+v", again, first)
	}
}

// talking is so many calls.
type talking int

func (n talking) Idle() bool { return n == 0 }

// Calls that wait for a box that starts come first: it is measured when it has had nothing to do for a while, and once.
func TestABoxWithAPolicyIsMeasuredWhenItIsQuiet(t *testing.T) {
	b := measuredBox(t)
	revision, err := b.store.Propose([]byte("version: 1"), "anna", "", time.Now(), time.Time{})
	if err == nil {
		err = b.store.Confirm(revision.Number, time.Now())
	}
	if err == nil {
		err = b.measureBoard(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	if m := b.loads.measure; !m.At.IsZero() || m.Packet != 0 {
		t.Fatalf("measured at the start: %+v", m)
	}
	quiet := func(seconds int, s load.Signs, calls int) (times int) {
		for range seconds {
			if b.loads.isQuiet(s, talking(calls)) {
				times++
			}
		}
		return times
	}
	for _, c := range []struct {
		what    string
		seconds int
		signs   load.Signs
		calls   int
		want    int
	}{
		{"not for long", 50, load.Signs{}, 0, 0},
		{"a call that is silent", 200, load.Signs{}, 1, 0},
		{"not for long after it", 50, load.Signs{}, 0, 0},
		{"packets", 200, load.Signs{Calls: 1}, 0, 0},
		{"work", 200, load.Signs{CPU: 0.5}, 0, 0},
		{"nothing to do", 200, load.Signs{CPU: 0.01}, 0, 1},
	} {
		if got := quiet(c.seconds, c.signs, c.calls); got != c.want {
			t.Errorf("%s: to be measured %d times, want %d", c.what, got, c.want)
		}
	}
}

func TestABusyBoxRefusesOrdinaryCallsAndShowsWhy(t *testing.T) {
	b := measuredBox(t)
	b.loads = &loads{measure: load.Measure{Packet: 10 * time.Microsecond, Processors: 4, At: time.Now()}}
	pbx := policy.Peer{Side: policy.SideInside, Name: policy.PeerPBX}
	guard, now := load.Guard{Capacity: b.loads.measure.Calls()}, time.Now()
	judge := func(seconds int, late time.Duration) {
		for range seconds {
			now = now.Add(time.Second)
			signs := load.Signs{At: now, Late: late, Calls: 1}
			state := guard.Judge(signs)
			b.obey(state)
			b.loads.show(signs, state, gauge{})
		}
	}
	admit := func(n numbering.Number) *admission.Refusal {
		ticket, no := b.gate.Admit(admission.Attempt{Caller: pbx, Number: n})
		ticket.Release()
		return no
	}
	judge(5, 50*time.Millisecond)
	if no := admit(numbering.Number{E164: "+33123456789"}); no == nil || no.Status != 503 || no.Rule != "load.lateness" || no.RetryAfter == 0 {
		t.Errorf("an ordinary call: %+v", no)
	}
	if no := admit(numbering.Number{Digits: "112", Class: numbering.Emergency}); no != nil {
		t.Errorf("an emergency call: %+v", no)
	}
	if l := b.loads.latest(); !l.Full || l.Late != 50 || l.Reason == "" || l.Capacity != 1000 || l.PacketCost != 10 {
		t.Errorf("shown %+v", l)
	}
	judge(15, time.Millisecond)
	if no := admit(numbering.Number{E164: "+33123456789"}); no != nil {
		t.Errorf("when it is over: %+v", no)
	}
	if l := b.loads.latest(); l.Full || l.Reason != "" || l.Since != nil {
		t.Errorf("shown %+v", l)
	}
}

func TestTheKernelsAccountOfMemoryIsRead(t *testing.T) {
	free, total := readMemory([]byte("MemTotal:        4027260 kB\nMemFree:          250000 kB\nMemAvailable:    3000000 kB\nHugePages_Total:       0\n\n"))
	if total != 4027260<<10 || free != 3000000<<10 {
		t.Errorf("%d of %d", free, total)
	}
	if free, total := readMemory([]byte("MemTotal:\nMemAvailable: many kB\n")); free != 0 || total != 0 {
		t.Errorf("of nonsense: %d of %d", free, total)
	}
}

func TestTheLatestCallsAreKeptOverARestart(t *testing.T) {
	b := measuredBox(t)
	e, err := openEnded(b.store, b.log)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 3, 10, 8, 0, 0, 0, time.UTC)
	for i := range 3 * endedMost {
		e.note(call.Snapshot{ID: "x", From: "+33123456700", Answered: at}, event.CallEnded{At: at.Add(time.Duration(i) * time.Second), Answered: true, Duration: time.Minute, Reason: "hung up by pbx"})
	}
	e.save()
	again, err := openEnded(b.store, b.log)
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range [][]int{{len(e.latest())}, {len(again.latest())}} {
		if list[0] != endedMost {
			t.Errorf("%d calls are remembered, want %d", list[0], endedMost)
		}
	}
	newest := again.latest()[0]
	if !newest.Ended.Equal(at.Add((3*endedMost-1)*time.Second)) || newest.Seconds != 60 || newest.Call.State != "answered" {
		t.Errorf("the newest is %+v", newest)
	}
}
