package media

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The socket calls of the packet path are made by hand, because those of golang.org/x/sys/unix allocate an address for
// each packet. They are raw calls: the sockets do not block, so that the scheduler need not hear of them.

const (
	// dscpEF marks what is sent as expedited forwarding (RFC 3246, RFC 4594 §4.1): DSCP 46 in the upper six bits.
	dscpEF = 46 << 2
	// receiveBuffer holds about a second of one call. More would turn an overload into delay, which is worse than loss.
	receiveBuffer = 32 << 10
)

// socket is a bound UDP socket that does not block.
type socket struct{ fd int }

// name is room for the address of either family, as the kernel writes and reads it.
type name struct {
	raw  unix.RawSockaddrInet6 // or RawSockaddrInet4, which is shorter
	size uint32                // 0: no address
}

// bind opens a socket on an address of this machine.
func bind(a netip.AddrPort) (socket, error) {
	family := unix.AF_INET
	if a.Addr().Is6() {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return socket{}, os.NewSyscallError("socket", err)
	}
	s := socket{fd}
	if err := s.prepare(a, family); err != nil {
		s.close()
		return socket{}, fmt.Errorf("%v: %w", a, err)
	}
	return s, nil
}

func (s socket) prepare(a netip.AddrPort, family int) error {
	options := [][3]int{{unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer}, {unix.IPPROTO_IP, unix.IP_TOS, dscpEF}}
	if family == unix.AF_INET6 {
		options[1] = [3]int{unix.IPPROTO_IPV6, unix.IPV6_TCLASS, dscpEF}
		options = append(options, [3]int{unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1})
	}
	for _, o := range append(options, wantErrors(family)) {
		if err := unix.SetsockoptInt(s.fd, o[0], o[1], o[2]); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	if family == unix.AF_INET6 {
		return os.NewSyscallError("bind", unix.Bind(s.fd, &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}))
	}
	return os.NewSyscallError("bind", unix.Bind(s.fd, &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}))
}

func (s socket) close() error { return os.NewSyscallError("close", unix.Close(s.fd)) }

// receive takes one datagram into b and its source into from. n may exceed len(b): then the datagram was cut.
func (s socket) receive(b []byte, from *name) (n int, errno unix.Errno) {
	from.size = uint32(unsafe.Sizeof(from.raw))
	r, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(s.fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)),
		unix.MSG_TRUNC, uintptr(unsafe.Pointer(&from.raw)), uintptr(unsafe.Pointer(&from.size)))
	return int(r), errno
}

// send sends b as one datagram. An error that the kernel has kept of one before is no reason not to.
func (s socket) send(b []byte, to *name) unix.Errno {
	errno := s.sendOnce(b, to)
	if errno != 0 && errno != unix.EAGAIN {
		errno = s.sendOnce(b, to)
	}
	return errno
}

func (s socket) sendOnce(b []byte, to *name) unix.Errno {
	_, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(s.fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), 0,
		uintptr(unsafe.Pointer(&to.raw)), uintptr(to.size))
	return errno
}

// addr returns the address that the kernel wrote.
func (n *name) addr() netip.AddrPort {
	port := binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(&n.raw.Port))[:])
	if n.raw.Family == unix.AF_INET {
		v4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(&n.raw))
		return netip.AddrPortFrom(netip.AddrFrom4(v4.Addr), port)
	}
	return netip.AddrPortFrom(netip.AddrFrom16(n.raw.Addr), port)
}

// nameOf returns an address as the kernel reads it; without an address its size is 0.
func nameOf(a netip.AddrPort) name {
	var n name
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
