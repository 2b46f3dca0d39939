package media

import (
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"testing"
	"time"
)

func TestPacketsHaveThreadsOfTheirOwn(t *testing.T) {
	r, err := New(nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	threads := slices.Clone(r.Threads())
	slices.Sort(threads)
	if len(slices.Compact(threads)) != runtime.NumCPU() {
		t.Errorf("%d workers have the threads %v", runtime.NumCPU(), r.Threads())
	}
	lives := func(tid int) bool {
		_, err := os.Stat(fmt.Sprintf("/proc/self/task/%d", tid))
		return err == nil
	}
	for _, tid := range threads {
		if !lives(tid) {
			t.Errorf("there is no thread %d", tid)
		}
	}
	r.Close()
	for end := time.Now().Add(patience); slices.ContainsFunc(threads, lives); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the threads %v outlive the relay", threads)
		}
	}
}

// An order that takes longer than a worker is patient delays packets, and loses none.
func TestPacketsOutlastALongOrder(t *testing.T) {
	call := newCall(t, plainRTP, aesCM)
	call.converse(2)
	held, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		call.worker.do(func() {
			close(held)
			time.Sleep(10 * patient * breather)
		})
	}()
	<-held
	call.converse(20)
	<-over
}
