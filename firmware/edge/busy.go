package edge

import (
	"sync/atomic"
	"time"
)

// work is since when a reader has been at work on one datagram.
type work struct {
	made  time.Time    // the moment that since counts from; wall clocks are set meanwhile
	since atomic.Int64 // nanoseconds after made; 0: it waits for more
}

func (w *work) begin() { w.since.Store(int64(time.Since(w.made))) }
func (w *work) end()   { w.since.Store(0) }

func (w *work) lasts() time.Duration {
	since := w.since.Load()
	if since == 0 {
		return 0
	}
	return time.Since(w.made) - time.Duration(since)
}

// Busy is how long a reader of datagrams has been at work on what it read last, the longest of all; zero when all wait for
// more. Readers only look up and queue: one that takes seconds hangs.
func (e *Edge) Busy() time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	longest := time.Duration(0)
	for _, s := range e.sockets {
		if u, ok := s.(*udpSocket); ok {
			longest = max(longest, u.work.lasts())
		}
	}
	return longest
}
