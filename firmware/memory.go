package main

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// garbageRoom is how much garbage may gather before it is collected, whatever little is alive: a box at rest has a
	// few megabytes, and would otherwise collect many times a second under load.
	garbageRoom = 64 << 20
	// usualPercent is Go's own: as much garbage as there is alive.
	usualPercent = 100
	// mostPercent bounds what a heap that grows at once may reach before the collector is set to it.
	mostPercent = 800
	// pace is how often the collector is set to what is alive.
	pace = 500 * time.Millisecond
)

// paceCollector spends memory that the board has on less work of the garbage collector, until ctx ends. Towards three
// quarters of the board's memory it works harder, before the kernel has to end the program.
func paceCollector(ctx context.Context) {
	room := int64(garbageRoom)
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err == nil {
		memory := int64(info.Totalram) * int64(info.Unit)
		room = min(room, memory/16)
		debug.SetMemoryLimit(memory / 4 * 3)
	}
	// Go reckons the garbage by all that it looks through.
	samples := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}, {Name: "/gc/scan/globals:bytes"}}
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for percent := 0; ; {
		metrics.Read(samples)
		live := int64(0)
		for _, s := range samples {
			live += int64(s.Value.Uint64())
		}
		if p := garbagePercent(live, room); p < percent*9/10 || p > percent*11/10 {
			percent = p
			debug.SetGCPercent(percent)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// garbagePercent is the garbage that may gather, in percent of the live bytes.
func garbagePercent(live, room int64) int {
	return int(min(max(usualPercent, 100*room/max(live, 1)), mostPercent))
}
