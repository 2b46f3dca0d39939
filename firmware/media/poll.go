package media

import (
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// batch is how many sockets are read between two looks at the clock and at the orders.
	batch = 128
	// pace is how long packets are gathered while they come fast. Being woken for each one costs more than relaying it; a
	// thousandth of a second is nothing to a listener who waits for a fiftieth.
	pace = time.Millisecond
	// hurry is a rest too short to be worth it.
	hurry = 50 * time.Microsecond
)

// poll is an epoll instance. It waits in one of two ways:
//
//	sleep   until there is a packet
//	rest    after two or more at once, until the next millisecond; nothing else wakes it then
//
// Go's scheduler does the sleeping, so that a worker without packets keeps no thread from the others. Between it and the
// sockets there is a gate, a second epoll instance, which is shut during a rest.
//
//	sockets, bell -> fd -> gate -> scheduler
//
// Resting is the kernel's, and keeps one of Go's processors (GOMAXPROCS) occupied: back from a rest the worker runs as soon
// as the kernel lets it, while the scheduler would have it wait for whichever goroutine runs, for ten milliseconds and
// more. Where there are no more of Go's processors than workers the scheduler does it all the same, or nobody else would run.
type poll struct {
	fd     int
	bell   int // an eventfd, to be woken without a packet
	events [batch]unix.EpollEvent
	n      int       // how many of events are there
	found  time.Time // when they were found

	gate   watched
	opened bool // the gate lets events through
	spare  bool // Go has more processors than there are workers
}

// watched is a file that Go's scheduler watches.
type watched struct {
	fd   int
	file *os.File
	raw  syscall.RawConn
	look func(fd uintptr) bool // tells whether to go on; called first, and whenever there is something
}

// bellPlace is the bell's place in events; sockets have theirs from 0.
const bellPlace = -1

func newPoll() (*poll, error) {
	p := &poll{fd: -1, bell: -1, spare: runtime.GOMAXPROCS(0) > runtime.NumCPU()}
	if err := p.prepare(); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

func (p *poll) prepare() (err error) {
	if p.fd, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return os.NewSyscallError("epoll_create1", err)
	}
	if p.bell, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC); err != nil {
		return os.NewSyscallError("eventfd", err)
	}
	if err := p.add(p.bell, bellPlace); err != nil {
		return err
	}
	gate, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return os.NewSyscallError("epoll_create1", err)
	}
	if err := p.gate.watch(gate, "gate", func(uintptr) bool { return p.look() }); err != nil {
		return err
	}
	if err := unix.EpollCtl(gate, unix.EPOLL_CTL_ADD, p.fd, &unix.EpollEvent{}); err != nil {
		return os.NewSyscallError("epoll_ctl", err)
	}
	return nil
}

// watch hands a file to the scheduler, in any case: it is closed with the poll.
func (w *watched) watch(fd int, name string, look func(uintptr) bool) (err error) {
	nonblocking := unix.SetNonblock(fd, true) // or NewFile would not have the scheduler watch it
	w.fd, w.file, w.look = fd, os.NewFile(uintptr(fd), name), look
	if nonblocking != nil {
		return os.NewSyscallError("fcntl", nonblocking)
	}
	if w.raw, err = w.file.SyscallConn(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func (w *watched) wait() error { return w.raw.Read(w.look) }

func (w *watched) close() {
	if w.file != nil {
		w.file.Close()
	}
}

// look finds out what is there, without waiting.
func (p *poll) look() bool {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(p.fd), uintptr(unsafe.Pointer(&p.events[0])), batch, 0, 0, 0)
	if errno != 0 {
		n = 0 // EINTR: we are asked again
	}
	if p.n = int(n); p.n > 0 {
		p.found = time.Now()
	}
	return p.n > 0
}

// wait returns when there are events. carried is how many packets the last ones brought. The error means that the poll is
// of no use any more.
func (p *poll) wait(carried int) error {
	if p.n == batch && p.look() {
		return nil // of those that found no room
	}
	if carried > 1 {
		if err := p.rest(); err != nil {
			return err
		}
		if p.look() {
			return nil
		}
	}
	return p.sleep()
}

// rest waits until it is a while since events were found last, or the runtime wants something.
func (p *poll) rest() error {
	left := pace - time.Since(p.found)
	if left < hurry {
		return nil
	}
	if err := p.open(false); err != nil {
		return err
	}
	if !p.spare {
		time.Sleep(left)
		return nil
	}
	t := unix.NsecToTimespec(int64(left))
	unix.RawSyscall(unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&t)), 0, 0)
	return nil
}

// sleep waits until there are events.
func (p *poll) sleep() error {
	if err := p.open(true); err != nil {
		return err
	}
	return p.gate.wait()
}

// open opens the gate, or shuts it.
func (p *poll) open(open bool) error {
	if open == p.opened {
		return nil
	}
	p.opened = open
	e := unix.EpollEvent{}
	if open {
		e.Events = unix.EPOLLIN
	}
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(p.gate.fd, unix.EPOLL_CTL_MOD, p.fd, &e))
}

// ready returns the events that wait found.
func (p *poll) ready() []unix.EpollEvent { return p.events[:p.n] }

// add watches a file for something to read; its events carry place.
func (p *poll) add(fd int, place int32) error {
	e := unix.EpollEvent{Events: unix.EPOLLIN, Fd: place}
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(p.fd, unix.EPOLL_CTL_ADD, fd, &e))
}

func (p *poll) remove(fd int) error {
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(p.fd, unix.EPOLL_CTL_DEL, fd, nil))
}

// ring wakes wait for good.
func (p *poll) ring() {
	var b [8]byte
	binary.NativeEndian.PutUint64(b[:], 1)
	unix.Write(p.bell, b[:])
}

func (p *poll) close() {
	p.gate.close()
	for _, fd := range []int{p.fd, p.bell} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}
