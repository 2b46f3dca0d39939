// Package datagram receives and sends on UDP sockets that do not block, without allocating and without the scheduler.
//
// The calls of golang.org/x/sys/unix allocate an address for each packet, and they tell the scheduler that they may take
// long: it then wakes a thread of its own that looks after them, for every message of a box that is not busy. A socket that
// does not block never takes long. On one core that was a tenth of the cost of a call.
//
// It leaves to others the waiting for something to read.
package datagram

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Socket is the file of a UDP socket that does not block.
type Socket int

// Name is room for the address of either family, as the kernel writes and reads it. The zero value is no address.
type Name struct {
	raw  unix.RawSockaddrInet6 // or RawSockaddrInet4, which is shorter
	size uint32                // 0: no address
}

// Option is an option of a socket, as setsockopt(2) has them.
type Option struct{ Level, Name, Value int }

// Bind opens a socket on an address of this machine. A socket of IPv6 takes IPv6 alone. The error is that of the call of
// the kernel, with its name: EADDRINUSE when somebody has the port.
func Bind(a netip.AddrPort, options ...Option) (Socket, error) {
	family := unix.AF_INET
	if a.Addr().Is6() {
		family = unix.AF_INET6
		options = append(options[:len(options):len(options)], Option{unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1})
	}
	fd, _, errno := unix.RawSyscall(unix.SYS_SOCKET, uintptr(family), unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if errno != 0 {
		return -1, os.NewSyscallError("socket", errno)
	}
	s := Socket(fd)
	if err := s.prepare(NameOf(a), options); err != nil {
		s.Close()
		return -1, fmt.Errorf("%v: %w", a, err)
	}
	return s, nil
}

func (s Socket) prepare(a Name, options []Option) error {
	for _, o := range options {
		if err := s.set(o); err != nil {
			return err
		}
	}
	if _, _, errno := unix.RawSyscall(unix.SYS_BIND, uintptr(s), uintptr(unsafe.Pointer(&a.raw)), uintptr(a.size)); errno != 0 {
		return os.NewSyscallError("bind", errno)
	}
	return nil
}

func (s Socket) set(o Option) error {
	value := int32(o.Value)
	_, _, errno := unix.RawSyscall6(unix.SYS_SETSOCKOPT, uintptr(s), uintptr(o.Level), uintptr(o.Name),
		uintptr(unsafe.Pointer(&value)), unsafe.Sizeof(value), 0)
	if errno != 0 {
		return os.NewSyscallError("setsockopt", errno)
	}
	return nil
}

// Close gives the socket back.
func (s Socket) Close() error {
	if _, _, errno := unix.RawSyscall(unix.SYS_CLOSE, uintptr(s), 0, 0); errno != 0 {
		return os.NewSyscallError("close", errno)
	}
	return nil
}

// Receive takes one datagram into b and its source into from. n may exceed len(b), then the datagram was cut. The error is
// 0 when one was there, EAGAIN when none was.
func (s Socket) Receive(b []byte, from *Name) (n int, errno unix.Errno) {
	from.size = uint32(unsafe.Sizeof(from.raw))
	r, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(s), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)),
		unix.MSG_TRUNC, uintptr(unsafe.Pointer(&from.raw)), uintptr(unsafe.Pointer(&from.size)))
	return int(r), errno
}

// mostDiscarded is how much Discard throws away at most.
const mostDiscarded = 64

// Discard throws away the datagrams that wait, and the errors that the kernel has kept; false when there is no end of them.
func (s Socket) Discard() bool {
	var cut [1]byte
	for _, queue := range []uintptr{0, unix.MSG_ERRQUEUE} {
		for left := mostDiscarded; ; left-- {
			_, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(s), uintptr(unsafe.Pointer(&cut[0])), uintptr(len(cut)), queue, 0, 0)
			if errno == unix.EAGAIN {
				break
			}
			if left == 0 {
				return false
			}
		}
	}
	return true
}

// Send sends b as one datagram; 0 when it is on its way. An error that the kernel has kept of one before is no reason not
// to: it is tried once more.
func (s Socket) Send(b []byte, to *Name) unix.Errno {
	errno := s.send(b, to)
	if errno != 0 && errno != unix.EAGAIN {
		errno = s.send(b, to)
	}
	return errno
}

func (s Socket) send(b []byte, to *Name) unix.Errno {
	_, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(s), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), 0,
		uintptr(unsafe.Pointer(&to.raw)), uintptr(to.size))
	return errno
}

// IsValid tells whether there is an address.
func (n *Name) IsValid() bool { return n.size != 0 }

// AddrPort returns the address. An IPv4 address that came by a socket of IPv6 is in its IPv6 form.
func (n *Name) AddrPort() netip.AddrPort {
	if n.size == 0 {
		return netip.AddrPort{}
	}
	port := binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(&n.raw.Port))[:])
	if n.raw.Family == unix.AF_INET {
		v4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(&n.raw))
		return netip.AddrPortFrom(netip.AddrFrom4(v4.Addr), port)
	}
	return netip.AddrPortFrom(netip.AddrFrom16(n.raw.Addr), port)
}

// NameOf returns an address as the kernel reads it, by the family that it has.
func NameOf(a netip.AddrPort) Name {
	var n Name
	if !a.IsValid() {
		return n
	}
	binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&n.raw.Port))[:], a.Port())
	if a.Addr().Is4() {
		v4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(&n.raw))
		v4.Family, v4.Addr = unix.AF_INET, a.Addr().As4()
		n.size = uint32(unsafe.Sizeof(*v4))
		return n
	}
	n.raw.Family, n.raw.Addr = unix.AF_INET6, a.Addr().As16()
	n.size = uint32(unsafe.Sizeof(n.raw))
	return n
}
