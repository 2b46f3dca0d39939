package main

import "runtime"

// spareProcessors has Go's scheduler use twice as many threads at once as there are processors: one of each pair is a worker
// of the media relay's, which keeps it while it rests between packets, and the other is for everything else. It is the kernel
// then that shares a processor out between audio and the rest, and it lets those first who have slept.
func spareProcessors() { runtime.GOMAXPROCS(2 * runtime.NumCPU()) }
