package media

import (
	"encoding/binary"
	"os"
	"sync/atomic"
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
//	rest    after two or more at once, until the next millisecond; nothing else ends it
//
// The worker has a thread of its own, and both are the kernel's: back from them it runs as soon as the kernel lets it, while Go's
// scheduler would have it wait for whichever goroutine runs, for ten milliseconds and more. A rest keeps one of Go's processors
// (GOMAXPROCS) occupied. Where there are no more of those than workers the scheduler does it all the same, or nobody else would run; somebody
// hears of packets then, and may see to it that there are more (audio).
type poll struct {
	fd     int
	bell   int // an eventfd, to be woken without a packet
	events [batch]unix.EpollEvent
	n      int       // how many of events are there
	found  time.Time // when they were found
	audio  *audio
}

// audio is what others are to know of the packets that the workers carry.
type audio struct {
	spare atomic.Bool   // Go has more processors than there are workers
	last  atomic.Int64  // when packets were carried last, in nanoseconds since 1970
	begun chan struct{} // has room for one: packets are carried, and Go has no processor to spare for rests
}

func newAudio() *audio { return &audio{begun: make(chan struct{}, 1)} }

// carried notes that packets were, which came at a moment.
func (a *audio) carried(at time.Time) {
	a.last.Store(at.UnixNano())
	if a.spare.Load() {
		return
	}
	select {
	case a.begun <- struct{}{}:
	default:
	}
}

// bellPlace is the bell's place in events; sockets have theirs from 0.
const bellPlace = -1

func newPoll(a *audio) (*poll, error) {
	p := &poll{fd: -1, bell: -1, audio: a}
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
	return p.add(p.bell, bellPlace)
}

// look finds out what is there, without waiting.
func (p *poll) look() bool {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(p.fd), uintptr(unsafe.Pointer(&p.events[0])), batch, 0, 0, 0)
	if errno != 0 {
		n = 0 // EINTR: we are asked again
	}
	return p.find(int(n))
}

func (p *poll) find(n int) bool {
	if p.n = n; n > 0 {
		p.found = time.Now()
	}
	return n > 0
}

// wait returns when there are events. carried is how many packets the last ones brought. The error means that the poll is
// of no use any more.
func (p *poll) wait(carried int) error {
	if carried > 0 {
		p.audio.carried(p.found)
	}
	if p.n == batch && p.look() {
		return nil // of those that found no room
	}
	if carried > 1 {
		p.rest()
		if p.look() {
			return nil
		}
	}
	return p.sleep()
}

// rest waits until it is a while since events were found last, or the runtime wants something.
func (p *poll) rest() {
	switch left := pace - time.Since(p.found); {
	case left < hurry:
	case p.audio.spare.Load():
		nap(left)
	default:
		time.Sleep(left)
	}
}

// nap leaves the processor to other threads of the machine, and keeps that of Go's.
func nap(d time.Duration) {
	t := unix.NsecToTimespec(int64(d))
	unix.RawSyscall(unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&t)), 0, 0)
}

// sleep waits until there are events.
func (p *poll) sleep() error {
	for {
		switch n, err := unix.EpollWait(p.fd, p.events[:], -1); {
		case err == unix.EINTR:
		case err != nil:
			return os.NewSyscallError("epoll_wait", err)
		case p.find(n):
			return nil
		}
	}
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
	for _, fd := range []int{p.fd, p.bell} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}
