package media

import (
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"tollgate/firmware/datagram"
)

const (
	// largest is the longest datagram that is relayed. Audio stays below 1,500 bytes.
	largest = 2048
	// overhead is room for what SRTP adds at most: an authentication tag, an index and a master key identifier.
	overhead = 16 + 4 + maxMKI
	// breather is how long the worker lets others run when one of them has its lock, and patient how often.
	breather = 20 * time.Microsecond
	patient  = 20
	// maxMKI is the longest master key identifier that signalling can agree on (RFC 4568 §9.1).
	maxMKI = 128
)

// worker relays the sessions that are assigned to it.
type worker struct {
	log      *slog.Logger
	poll     *poll
	sessions atomic.Int32 // how many are assigned
	presses  chan<- pressed
	begun    chan int // brings the worker's thread, once
	done     chan struct{}

	// mu guards everything below, and the flows. It is held for a turn, not for a packet: an order comes between two turns.
	mu      sync.Mutex
	stopped bool
	flows   []*flow
	vacant  []datagram.Socket // by place in flows: a socket that is watched and no call has; noSocket: none
	idle    []int32           // free places in flows
	now     time.Time
	pulse   pulse
	express *express // nil: every flow is read and written on its own socket
	from    datagram.Name
	in      [largest]byte
	clear   [largest + overhead]byte
	out     [largest + overhead]byte
	soon    []*flow // whose packets are about to be dealt with
	seen    int     // what look has read, so that it is read
	tools   *tools  // to encrypt and decrypt with
}

func newWorker(log *slog.Logger, presses chan<- pressed, audio *audio) (*worker, error) {
	p, err := newPoll(audio)
	if err != nil {
		return nil, err
	}
	return &worker{log: log, poll: p, presses: presses, tools: newTools(), begun: make(chan int, 1), done: make(chan struct{})}, nil
}

// run relays until stop, on a thread of its own, which ends with it.
func (w *worker) run() {
	defer close(w.done)
	runtime.LockOSThread()
	w.begun <- unix.Gettid()
	for more, carried := true, 0; more; {
		if err := w.poll.wait(carried); err != nil {
			w.log.Error("the media relay cannot wait for packets", "err", err)
			break
		}
		carried, more = w.turn()
	}
	w.mu.Lock()
	w.stopped = true // also when waiting failed: nothing is relayed any more, and orders find that out
	w.mu.Unlock()
	w.poll.close()
	if w.express != nil {
		w.express.close()
	}
}

// turn deals with the packets that are there, and tells how many. It reports false once the worker is stopped. A packet
// that makes us panic is our fault, but it must not end every call. An event may be older than an order that gave its place
// to another socket: then that one is read in vain.
func (w *worker) turn() (carried int, more bool) {
	w.lock()
	defer w.mu.Unlock()
	defer w.survive()
	more = !w.stopped
	w.now = time.Now()
	w.warmReady()
	for _, e := range w.poll.ready() {
		switch {
		case e.Fd == bellPlace:
			w.answer()
		case e.Fd <= inletPlace:
			carried += w.serve(w.express.inlets[inletPlace-e.Fd])
		case w.flows[e.Fd] != nil:
			w.receive(w.flows[e.Fd])
			carried++
		case w.vacant[e.Fd] != noSocket:
			w.vacant[e.Fd].Discard()
		}
	}
	w.flush()
	return carried, more
}

// lock takes the worker's lock. Whoever holds it may have been stopped by the kernel for us and needs a processor, and a goroutine that
// waits for it in Go's scheduler would come after others that are ready: so the thread lets others run, a few times.
func (w *worker) lock() {
	for range patient {
		if w.mu.TryLock() {
			return
		}
		if !w.poll.audio.spare.Load() {
			break // there would be no processor for whoever has the lock
		}
		nap(breather)
	}
	w.mu.Lock()
}

// survive, deferred, turns a panic into a line of the log.
func (w *worker) survive() {
	if p := recover(); p != nil {
		w.log.Error("the media relay panicked", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
	}
}

// do runs f between two turns. It reports false, and f does not run, once the worker is stopped. f may neither block nor
// give an order itself.
func (w *worker) do(f func()) (ran bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped {
		return false
	}
	defer w.survive()
	ran = true
	f()
	return ran
}

// stop ends the worker and waits for it. A second stop does nothing.
func (w *worker) stop() {
	w.mu.Lock()
	already := w.stopped
	w.stopped = true
	if !already {
		w.poll.ring()
	}
	w.mu.Unlock()
	<-w.done
}

// nowhereRead is the place of a flow that no worker reads.
const nowhereRead = -1

// attach has the worker read a flow's socket.
func (w *worker) attach(f *flow) error {
	if f.socket.at() == w {
		w.sit(f)
		return nil
	}
	if n := len(w.idle); n > 0 {
		f.place, w.idle = w.idle[n-1], w.idle[:n-1]
	} else {
		f.place = int32(len(w.flows))
		w.flows, w.vacant = append(w.flows, nil), append(w.vacant, noSocket)
	}
	if err := w.poll.add(int(f.socket.Socket), f.place); err != nil {
		w.idle = append(w.idle, f.place)
		f.place = nowhereRead
		return err
	}
	w.flows[f.place] = f
	f.owner.Store(w)
	w.steer(f)
	return nil
}

// let ends the reading of a flow's socket, which stays open. Once it is done, nothing here uses the number of the file
// any more, so that it may be closed.
func (w *worker) let(f *flow) {
	if f.place == nowhereRead {
		return
	}
	w.unsteer(f)
	w.unwatch(f.socket.Socket)
	f.owner.Store(nil)
	w.flows[f.place] = nil
	w.idle = append(w.idle, f.place)
	f.place = nowhereRead
}

func (w *worker) unwatch(s datagram.Socket) {
	if err := w.poll.remove(int(s)); err != nil {
		w.log.Warn("letting a media port go", "err", err)
	}
}
