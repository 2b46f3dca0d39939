package traffic

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// burst is how many packets go to the kernel at once. The last one of a burst leaves some 50 µs after the first.
	burst = 16
	// gulp is how many are taken at once.
	gulp = 64
	// size is room for a packet.
	size = 256
	// buffer holds what arrives while the generator does something else: half a second of 1,000 calls.
	buffer = 32 << 20
)

// message is struct mmsghdr.
type message struct {
	header unix.Msghdr
	size   uint32
	_      [4]byte
}

// batch is room for many packets, as the kernel reads and writes them.
type batch struct {
	messages []message
	names    []unix.RawSockaddrInet4
	vectors  []unix.Iovec
	packets  [][size]byte
	notes    [][control]byte
	n        int
}

// control is room for the time of arrival and the count of drops.
const control = 64

func newBatch(n int, notes bool) *batch {
	b := &batch{messages: make([]message, n), names: make([]unix.RawSockaddrInet4, n), vectors: make([]unix.Iovec, n),
		packets: make([][size]byte, n), notes: make([][control]byte, n)}
	for i := range n {
		b.vectors[i] = unix.Iovec{Base: &b.packets[i][0], Len: size}
		b.messages[i].header = unix.Msghdr{Name: (*byte)(unsafe.Pointer(&b.names[i])), Namelen: unix.SizeofSockaddrInet4,
			Iov: &b.vectors[i], Iovlen: 1}
		if notes {
			b.messages[i].header.Control, b.messages[i].header.Controllen = &b.notes[i][0], control
		}
	}
	return b
}

// pipe is one end: a UDP socket over IPv4, and by a link frames in its place.
type pipe struct {
	fd     int
	far    [4]byte         // whose packets are taken: the relay's
	exits  [1 << 16]*voice // by the port that they come from
	out    *batch
	in     inbox
	frames *frames // by which packets leave; nil: by the socket itself
}

// inbox is where packets arrive.
type inbox interface {
	// take looks what is there, up to a gulp, and says how many; they are there until it looks again.
	take() (int, error)
	packet(i int) arrival
	// lost is how many it has lost since it was opened.
	lost() (int, error)
	close()
}

// arrival is a packet that came, from where and when.
type arrival struct {
	b    []byte
	from [4]byte
	port uint16
	at   int64
}

func openPipe(e End) (*pipe, error) {
	p := &pipe{out: newBatch(burst, false)}
	open := func() (err error) {
		p.fd, err = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
		return os.NewSyscallError("socket", err)
	}
	if err := e.within(open); err != nil {
		return nil, err
	}
	for _, o := range [][2]int{{unix.SO_RCVBUFFORCE, buffer}, {unix.SO_SNDBUFFORCE, buffer}, {unix.SO_TIMESTAMPNS, 1}, {unix.SO_RXQ_OVFL, 1}} {
		if err := unix.SetsockoptInt(p.fd, unix.SOL_SOCKET, o[0], o[1]); err != nil {
			p.close()
			return nil, os.NewSyscallError("setsockopt", err)
		}
	}
	if err := unix.Bind(p.fd, &unix.SockaddrInet4{Port: int(e.Address.Port()), Addr: e.Address.Addr().As4()}); err != nil {
		p.close()
		return nil, fmt.Errorf("take %v: %w", e.Address, err)
	}
	p.in = &mailbox{fd: p.fd, batch: newBatch(gulp, true)}
	return p, nil
}

// byLink has the packets of an end leave and arrive as frames. The socket stays, so that the port is not closed to anybody.
func (p *pipe) byLink(e End) error {
	if err := p.sendFrames(e); err != nil {
		return err
	}
	in, err := openRing(e)
	if err != nil {
		return err
	}
	p.in = in
	return nil
}

func (p *pipe) close() {
	if p.in != nil {
		p.in.close()
	}
	unix.Close(p.fd)
	if p.frames != nil {
		unix.Close(p.frames.fd)
	}
}

// headTo is what stands before packets of a length to an address.
func (p *pipe) headTo(a netip.AddrPort, length int) []byte {
	if p.frames == nil {
		return nil
	}
	return p.frames.head(a, length)
}

// next is room for one more packet to send; queue puts it in line.
func (p *pipe) next() []byte { return p.out.packets[p.out.n][:] }

func (p *pipe) queue(length int, to unix.RawSockaddrInet4) {
	p.out.vectors[p.out.n].SetLen(length)
	p.out.names[p.out.n] = to
	p.out.n++
}

func (p *pipe) full() bool { return p.out.n == burst }

// flush sends what is in line. What finds no room waits for it: the next hop is on this machine, and takes it at once.
func (p *pipe) flush() error {
	fd := p.fd
	if p.frames != nil {
		fd = p.frames.fd
	}
	for at := 0; at < p.out.n; {
		n, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(&p.out.messages[at])), uintptr(p.out.n-at), 0, 0, 0)
		switch errno {
		case 0:
			at += int(n)
		case unix.EAGAIN, unix.EINTR, unix.ENOBUFS:
		default:
			return os.NewSyscallError("sendmmsg", errno)
		}
	}
	p.out.n = 0
	return nil
}

// take takes what is there, up to a gulp.
func (p *pipe) take() (int, error) { return p.in.take() }

// packet is the i-th packet taken, the relay's port that it is from, and when it arrived. Port 0 is that of strangers.
func (p *pipe) packet(i int) (b []byte, from uint16, at int64) {
	a := p.in.packet(i)
	if a.from == p.far {
		from = a.port
	}
	return a.b, from, a.at
}

func nameOf(a netip.AddrPort) unix.RawSockaddrInet4 {
	n := unix.RawSockaddrInet4{Family: unix.AF_INET, Addr: a.Addr().As4()}
	binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&n.Port))[:], a.Port())
	return n
}
