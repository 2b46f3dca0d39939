package main

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

// talkingRelay is a relay that carries packets when the test says so.
type talkingRelay struct {
	signs chan struct{}
	last  time.Time
	spare bool
}

func (r *talkingRelay) Audio() <-chan struct{} { return r.signs }
func (r *talkingRelay) Carried() time.Time     { return r.last }
func (r *talkingRelay) Spare(some bool)        { r.spare = some }

func (r *talkingRelay) carry() {
	r.last = time.Now()
	if !r.spare {
		r.signs <- struct{}{}
	}
}

func TestProcessorsAreThereToSpareWhileThereIsAudio(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	synctest.Test(t, func(t *testing.T) {
		own := runtime.NumCPU()
		r := &talkingRelay{signs: make(chan struct{}, 1)}
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		go spareProcessors(ctx, r)
		expect := func(when string, processors int, spare bool) {
			t.Helper()
			synctest.Wait()
			if got := runtime.GOMAXPROCS(0); got != processors || r.spare != spare {
				t.Errorf("%s: %d processors, spare %v; want %d, %v", when, got, r.spare, processors, spare)
			}
		}
		expect("before any audio", own, false)
		for range 3 {
			r.carry()
			expect("with audio", 2*own, true)
			time.Sleep(sparedFor / 2)
		}
		time.Sleep(2 * sparedFor)
		expect("after it", own, false)
		r.carry()
		expect("with audio again", 2*own, true)
	})
}
