package main

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// mostRoom is how much garbage may gather before it is collected under load, or as much as is alive, which is what Go does by
	// itself: with a few megabytes alive it would be collected many times a second.
	mostRoom = 64 << 20
	// leastRoom is the same for a box at rest.
	leastRoom = 4 << 20
	// between is how long it should take at least until so much garbage has gathered.
	between = 4 * time.Second
	// leastPercent and mostPercent bound the garbage by what is alive: looking through that has its price, and a heap that grows at once
	// must not get too far before the collector is set to it.
	leastPercent = 10
	mostPercent  = 800
	// pace is how often the collector is set to what is alive.
	pace = 500 * time.Millisecond
)

// freeStart is for how long nothing is collected at all, and startShare what part of the board's memory may be taken until then: a start
// leaves little behind, and has better things to do for both processors.
const (
	freeStart  = 3 * time.Second
	startShare = 8
)

// paceCollector spends memory that the board has on less work of the garbage collector while there is work, until ctx ends. At rest
// the memory goes back to the system. Towards three quarters of the board's memory the collector works harder, before the kernel
// has to end the program.
func paceCollector(ctx context.Context) {
	room := garbageRoom{most: mostRoom}
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err == nil {
		memory := int64(info.Totalram) * int64(info.Unit)
		room.most = min(room.most, memory/16)
		startFreely(ctx, memory/startShare)
		debug.SetMemoryLimit(memory / 4 * 3)
	}
	// Go reckons the garbage by all that it looks through, the last three.
	samples := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}, {Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}, {Name: "/gc/scan/globals:bytes"}}
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for percent := 0; ; {
		metrics.Read(samples)
		live := int64(0)
		for _, s := range samples[1:] {
			live += int64(s.Value.Uint64())
		}
		rests := room.set(samples[0].Value.Uint64(), live, pace)
		if p := garbagePercent(live, room.bytes); p < percent*9/10 || p > percent*11/10 {
			percent = p
			debug.SetGCPercent(percent)
		}
		if rests {
			debug.FreeOSMemory()
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// startFreely has nothing collected for freeStart, as long as memory bytes are enough.
func startFreely(ctx context.Context, memory int64) {
	debug.SetMemoryLimit(memory)
	debug.SetGCPercent(-1)
	select {
	case <-ctx.Done():
	case <-time.After(freeStart):
	}
}

// garbageRoom is how much garbage may gather, by how fast it comes.
type garbageRoom struct {
	most  int64 // unless more is alive
	bytes int64
	peak  int64  // the most it was since memory went back last
	made  uint64 // so many bytes had been allocated at the last look
}

// set takes how many bytes were allocated ever and how many are alive, the time after the last look. Room is given at once and
// taken back slowly, since calls come in bursts. It says whether the box has come to rest, or half way there: what a burst has
// taken then goes back to the system, although calls go on.
func (r *garbageRoom) set(made uint64, live int64, after time.Duration) (rests bool) {
	needed := int64(float64(made-r.made) * float64(between) / float64(after))
	r.made = made
	before := r.bytes
	r.bytes = min(max(needed, before-before/8, leastRoom), max(r.most, live, leastRoom))
	if r.peak = max(r.peak, r.bytes); r.bytes <= r.peak/2 || r.bytes == leastRoom && r.peak > leastRoom {
		r.peak, rests = r.bytes, true
	}
	return rests
}

// garbagePercent is the garbage that may gather, in percent of the live bytes.
func garbagePercent(live, room int64) int {
	return int(min(max(leastPercent, 100*room/max(live, 1)), mostPercent))
}
