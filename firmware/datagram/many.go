package datagram

import (
	"encoding/binary"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// Most is how many datagrams are received or sent by one call.
	Most = 64
	// Longest is the longest datagram that Many has room for.
	Longest = 2048
)

// message is struct mmsghdr.
type message struct {
	header unix.Msghdr
	length uint32
	_      [unsafe.Sizeof(uintptr(0)) - 4]byte
}

// Many is room for datagrams that are received together.
type Many struct {
	messages [Most]message
	names    [Most]Name
	vectors  [Most]unix.Iovec
	notes    [Most][64]byte // what the kernel notes with each: the address that it was for
	packets  [Most][Longest]byte
}

// NewMany makes room.
func NewMany() *Many {
	m := &Many{}
	for i := range m.messages {
		m.vectors[i].Base = &m.packets[i][0]
		m.vectors[i].SetLen(Longest)
		h := &m.messages[i].header
		h.Name, h.Iov, h.Control = (*byte)(unsafe.Pointer(&m.names[i].raw)), &m.vectors[i], &m.notes[i][0]
		h.SetIovlen(1)
	}
	return m
}

// Receive takes what is there, up to as many as there is room for, and returns how many. The error is EAGAIN when there was
// none.
func (m *Many) Receive(s Socket) (n int, errno unix.Errno) {
	for i := range m.messages {
		h := &m.messages[i].header
		h.Namelen = uint32(unsafe.Sizeof(m.names[i].raw))
		m.names[i].size = h.Namelen
		h.SetControllen(len(m.notes[i]))
	}
	r, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(s), uintptr(unsafe.Pointer(&m.messages[0])), Most, unix.MSG_TRUNC, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(r), 0
}

// Full tells whether n is all that there is room for, so that more may be there.
func (m *Many) Full(n int) bool { return n == Most }

// Datagram is the i-th of those received last. n may exceed the room: then it was cut.
func (m *Many) Datagram(i int) (b []byte, n int, from *Name) {
	return m.packets[i][:], int(m.messages[i].length), &m.names[i]
}

// Port is the local port that the i-th was for, on a socket with WantPort; 0 when the kernel does not say. The note is a
// struct cmsghdr and behind it an address of either family, with its port in the same place.
func (m *Many) Port(i int) uint16 {
	const at = unix.SizeofCmsghdr + 2
	if m.messages[i].header.Controllen < at+2 {
		return 0
	}
	return binary.BigEndian.Uint16(m.notes[i][at:])
}

// WantPort is the option that has the kernel note which address and port a datagram was for.
func WantPort(v4 bool) Option {
	if v4 {
		return Option{unix.IPPROTO_IP, unix.IP_RECVORIGDSTADDR, 1}
	}
	return Option{unix.IPPROTO_IPV6, unix.IPV6_RECVORIGDSTADDR, 1}
}
