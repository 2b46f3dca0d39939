package media

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// batch is how many sockets are read between two looks at the clock and at the orders.
const batch = 128

// poll is an epoll instance. It is itself watched by Go's scheduler, so that a goroutine that waits for packets keeps no
// thread and no processor from the others: on two processors that took a fifth off the cost of a packet, against
// waiting in epoll_wait.
type poll struct {
	file   *os.File
	raw    syscall.RawConn
	fd     int
	bell   int // an eventfd, to be woken without a packet
	look   func(fd uintptr) bool
	events [batch]unix.EpollEvent
	n      int // how many of events are there
}

// bellPlace is the bell's place in events; sockets have theirs from 0.
const bellPlace = -1

func newPoll() (*poll, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil { // or NewFile would not have the scheduler watch it
		return nil, errors.Join(os.NewSyscallError("fcntl", err), unix.Close(fd))
	}
	p := &poll{file: os.NewFile(uintptr(fd), "epoll"), fd: fd, bell: -1}
	p.look = p.lookAt
	if err := p.prepare(); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

func (p *poll) prepare() (err error) {
	if p.raw, err = p.file.SyscallConn(); err != nil {
		return fmt.Errorf("epoll: %w", err)
	}
	if p.bell, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC); err != nil {
		return os.NewSyscallError("eventfd", err)
	}
	return p.add(p.bell, bellPlace)
}

func (p *poll) lookAt(fd uintptr) bool {
	n, err := unix.EpollWait(int(fd), p.events[:], 0)
	if err != nil {
		n = 0 // EINTR: we are asked again
	}
	p.n = n
	return n > 0
}

// wait sleeps until there are events. The error means that the poll is of no use any more.
func (p *poll) wait() error { return p.raw.Read(p.look) }

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
	if p.bell >= 0 {
		unix.Close(p.bell)
	}
	p.file.Close()
}
