package media

import (
	"encoding/binary"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// batch is how many sockets are read between two looks at the clock and at the orders.
	batch = 128
	// largest is the longest datagram that is relayed. Audio stays below 1,500 bytes.
	largest = 2048
	// overhead is room for what SRTP adds at most: an authentication tag, an index and a master key identifier.
	overhead = 16 + 4 + 128
)

// worker relays the sessions that are assigned to it. Everything that its goroutine alone touches comes first.
type worker struct {
	log   *slog.Logger
	epoll int
	bell  int // an eventfd that wakes the goroutine for orders
	flows []*flow
	idle  []int32 // free places in flows
	now   time.Time

	events [batch]unix.EpollEvent
	from   name
	in     [largest]byte
	clear  [largest + overhead]byte
	out    [largest + overhead]byte

	sessions atomic.Int32 // how many are assigned
	done     chan struct{}

	mu      sync.Mutex // guards everything below
	orders  []func()
	stopped bool
}

// bellPlace is the bell's place in the events of epoll; flows have theirs from 0.
const bellPlace = -1

func newWorker(log *slog.Logger) (*worker, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	bell, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		unix.Close(epoll)
		return nil, os.NewSyscallError("eventfd", err)
	}
	w := &worker{log: log, epoll: epoll, bell: bell, done: make(chan struct{})}
	if err := w.watch(bell, bellPlace); err != nil {
		w.closeFiles()
		return nil, err
	}
	return w, nil
}

func (w *worker) watch(fd int, place int32) error {
	e := unix.EpollEvent{Events: unix.EPOLLIN, Fd: place}
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(w.epoll, unix.EPOLL_CTL_ADD, fd, &e))
}

func (w *worker) closeFiles() {
	unix.Close(w.bell)
	unix.Close(w.epoll)
}

// run relays until stop.
func (w *worker) run() {
	defer close(w.done)
	for w.turn(-1) {
	}
	w.closeFiles()
}

// turn waits for packets and orders, at most so many milliseconds or for ever with -1, and deals with them. It reports
// false once the worker is stopped. A packet that makes us panic is our fault, but it must not end every call.
func (w *worker) turn(wait int) (more bool) {
	more = true
	defer w.survive()
	n, err := unix.EpollWait(w.epoll, w.events[:], wait)
	if err != nil {
		n = 0 // EINTR; nothing else is left to do about it
	}
	w.now = time.Now()
	rung := false
	for _, e := range w.events[:n] {
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
	var b [8]byte
	unix.Read(w.bell, b[:]) // resets it
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
	ran := make(chan struct{})
	w.mu.Lock()
	if w.stopped {
		w.mu.Unlock()
		return false
	}
	w.orders = append(w.orders, func() { defer close(ran); f() })
	w.mu.Unlock()
	w.ring()
	<-ran
	return true
}

func (w *worker) ring() {
	var b [8]byte
	binary.NativeEndian.PutUint64(b[:], 1)
	unix.Write(w.bell, b[:])
}

// stop ends the worker after the orders that it has, and waits for it. A second stop does nothing.
func (w *worker) stop() {
	w.mu.Lock()
	already := w.stopped
	w.stopped = true
	w.mu.Unlock()
	if !already {
		w.ring()
	}
	<-w.done
}

// attach has the worker read a flow's socket.
func (w *worker) attach(f *flow) error {
	if n := len(w.idle); n > 0 {
		f.place, w.idle = w.idle[n-1], w.idle[:n-1]
	} else {
		f.place = int32(len(w.flows))
		w.flows = append(w.flows, nil)
	}
	if err := w.watch(f.socket.fd, f.place); err != nil {
		w.idle = append(w.idle, f.place)
		return err
	}
	w.flows[f.place] = f
	return nil
}

// let ends the reading of a flow's socket, which stays open. Once it is done, nothing here uses the number of the file
// any more, so that it may be closed.
func (w *worker) let(f *flow) {
	if err := unix.EpollCtl(w.epoll, unix.EPOLL_CTL_DEL, f.socket.fd, nil); err != nil {
		w.log.Warn("letting a media port go", "err", os.NewSyscallError("epoll_ctl", err))
	}
	w.flows[f.place] = nil
	w.idle = append(w.idle, f.place)
}
