package media

import (
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// largest is the longest datagram that is relayed. Audio stays below 1,500 bytes.
	largest = 2048
	// overhead is room for what SRTP adds at most: an authentication tag, an index and a master key identifier.
	overhead = 16 + 4 + 128
)

// worker relays the sessions that are assigned to it. Everything that its goroutine alone touches comes first.
type worker struct {
	log   *slog.Logger
	poll  *poll
	flows []*flow
	idle  []int32 // free places in flows
	now   time.Time

	from  name
	in    [largest]byte
	clear [largest + overhead]byte
	out   [largest + overhead]byte

	sessions atomic.Int32 // how many are assigned
	done     chan struct{}

	mu      sync.Mutex // guards everything below
	orders  []func()
	stopped bool
}

func newWorker(log *slog.Logger) (*worker, error) {
	p, err := newPoll()
	if err != nil {
		return nil, err
	}
	return &worker{log: log, poll: p, done: make(chan struct{})}, nil
}

// run relays until stop.
func (w *worker) run() {
	defer close(w.done)
	for more := true; more; {
		if err := w.poll.wait(); err != nil {
			w.log.Error("the media relay cannot wait for packets", "err", err)
			break
		}
		more = w.turn()
	}
	w.mu.Lock()
	w.stopped = true // also when waiting failed: nobody may wait for an order that is never carried out
	w.mu.Unlock()
	w.obey()
	w.poll.close()
}

// turn deals with the packets and orders that are there. It reports false once the worker is stopped. A packet that
// makes us panic is our fault, but it must not end every call.
func (w *worker) turn() (more bool) {
	more = true
	defer w.survive()
	w.now = time.Now()
	rung := false
	for _, e := range w.poll.ready() {
		if e.Fd == bellPlace {
			rung = true
		} else if f := w.flows[e.Fd]; f != nil {
			w.receive(f)
		}
	}
	return !rung || w.obey() // last, so that no event above belongs to a place given to another socket
}

// obey runs the orders that have come in. It reports false once the worker is stopped.
func (w *worker) obey() bool {
	w.poll.hush()
	w.mu.Lock()
	orders, stopped := w.orders, w.stopped
	w.orders = nil
	w.mu.Unlock()
	for _, order := range orders {
		w.carryOut(order)
	}
	return !stopped
}

func (w *worker) carryOut(order func()) {
	defer w.survive()
	order()
}

// survive, deferred, turns a panic into a line of the log.
func (w *worker) survive() {
	if p := recover(); p != nil {
		w.log.Error("the media relay panicked", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
	}
}

// do has f run on the worker's goroutine, between two packets, and waits for it. It reports false, and f does not run,
// once the worker is stopped.
func (w *worker) do(f func()) bool {
	var ran sync.Mutex // and no channel: one made on a test's fake clock may not be closed by a worker that runs on the real one
	ran.Lock()
	w.mu.Lock()
	if w.stopped {
		w.mu.Unlock()
		return false
	}
	w.orders = append(w.orders, func() { defer ran.Unlock(); f() })
	w.mu.Unlock()
	w.poll.ring()
	ran.Lock()
	return true
}

// stop ends the worker after the orders that it has, and waits for it. A second stop does nothing.
func (w *worker) stop() {
	w.mu.Lock()
	already := w.stopped
	w.stopped = true
	w.mu.Unlock()
	if !already {
		w.poll.ring()
	}
	<-w.done
}

// nowhereRead is the place of a flow that no worker reads.
const nowhereRead = -1

// attach has the worker read a flow's socket.
func (w *worker) attach(f *flow) error {
	if n := len(w.idle); n > 0 {
		f.place, w.idle = w.idle[n-1], w.idle[:n-1]
	} else {
		f.place = int32(len(w.flows))
		w.flows = append(w.flows, nil)
	}
	if err := w.poll.add(f.socket.fd, f.place); err != nil {
		w.idle = append(w.idle, f.place)
		f.place = nowhereRead
		return err
	}
	w.flows[f.place] = f
	f.owner.Store(w)
	return nil
}

// let ends the reading of a flow's socket, which stays open. Once it is done, nothing here uses the number of the file
// any more, so that it may be closed.
func (w *worker) let(f *flow) {
	if f.place == nowhereRead {
		return
	}
	if err := w.poll.remove(f.socket.fd); err != nil {
		w.log.Warn("letting a media port go", "err", err)
	}
	f.owner.Store(nil)
	w.flows[f.place] = nil
	w.idle = append(w.idle, f.place)
	f.place = nowhereRead
}
