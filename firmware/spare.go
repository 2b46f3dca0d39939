package main

import (
	"context"
	"runtime"
	"time"
)

// sparedFor is how long processors are kept to spare after the last audio. To change their number stops everything for some
// microseconds.
const sparedFor = 10 * time.Second

// carrier carries audio; *media.Relay satisfies it.
type carrier interface {
	Audio() <-chan struct{}
	Carried() time.Time
	Spare(some bool)
}

// spareProcessors has Go's scheduler use twice as many threads at once as there are processors while there is audio, until ctx ends:
// one of each pair is a worker of the media relay's, which keeps it while it rests between packets, and the other is for everything
// else. It is the kernel then that shares a processor out between audio and the rest, by niceness. Without audio the second
// thread would only wake up, look for work that the first one does, and sleep again: a twentieth of what signalling costs.
func spareProcessors(ctx context.Context, relay carrier) {
	own := runtime.NumCPU()
	runtime.GOMAXPROCS(own)
	for {
		select {
		case <-ctx.Done():
			return
		case <-relay.Audio():
		}
		runtime.GOMAXPROCS(2 * own)
		relay.Spare(true)
		awaitSilence(ctx, relay)
		relay.Spare(false)
		runtime.GOMAXPROCS(own)
	}
}

// awaitSilence returns when there has been no audio for a while.
func awaitSilence(ctx context.Context, relay carrier) {
	t := time.NewTicker(sparedFor)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-t.C:
			if now.Sub(relay.Carried()) >= sparedFor {
				return
			}
		}
	}
}
