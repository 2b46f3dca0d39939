package media

import (
	"time"

	"golang.org/x/sys/unix"
)

// Pulse is how the relay is doing.
type Pulse struct {
	Packets uint64 // taken since the start, RTP and RTCP
	// Late is how long a worker took to look at what had come in, the longest since the pulse was felt last. Probe asks.
	Late time.Duration
}

// pulse is a worker's share of it.
type pulse struct {
	packets uint64
	late    time.Duration
	asked   time.Time // when the worker was asked and has not answered; zero: it was not
}

// Probe asks every worker to look up. How long each takes to is what a packet waits that comes at the same moment.
func (r *Relay) Probe() {
	for _, w := range r.workers {
		now := time.Now()
		w.do(func() { w.ask(now) })
	}
}

// ask has the worker answer as soon as its turn is over, unless it has been asked already. It is for do.
func (w *worker) ask(now time.Time) {
	if w.pulse.asked.IsZero() {
		w.pulse.asked = now
		w.poll.ring()
	}
}

// Pulse returns the pulse, and begins the next lateness.
func (r *Relay) Pulse() (p Pulse) {
	for _, w := range r.workers {
		w.do(func() {
			p.Packets += w.pulse.packets
			p.Late = max(p.Late, w.pulse.late)
			w.pulse.late = 0
			if asked := w.pulse.asked; !asked.IsZero() {
				p.Late = max(p.Late, time.Since(asked))
			}
		})
	}
	return p
}

// answer takes the bell: a probe's, or that of the end.
func (w *worker) answer() {
	var b [8]byte
	unix.Read(w.poll.bell, b[:])
	if asked := w.pulse.asked; !asked.IsZero() {
		w.pulse.late, w.pulse.asked = max(w.pulse.late, time.Since(asked)), time.Time{}
	}
}
