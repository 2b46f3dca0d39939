package traffic

import (
	"encoding/binary"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// mailbox takes packets from a UDP socket, many a system call.
type mailbox struct {
	fd      int
	batch   *batch
	dropped int // by the socket, since it was opened
}

func (m *mailbox) take() (int, error) {
	for i := range m.batch.messages[:m.batch.n] {
		m.batch.messages[i].header.Controllen = control
	}
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(m.fd), uintptr(unsafe.Pointer(&m.batch.messages[0])), gulp, 0, 0, 0)
	m.batch.n = 0
	switch errno {
	case 0:
		m.batch.n = int(n)
		return m.batch.n, nil
	case unix.EAGAIN, unix.EINTR:
		return 0, nil
	}
	return 0, os.NewSyscallError("recvmmsg", errno)
}

func (m *mailbox) packet(i int) arrival {
	message, name := &m.batch.messages[i], &m.batch.names[i]
	return arrival{b: m.batch.packets[i][:message.size], from: name.Addr, port: binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(&name.Port))[:]),
		at: m.read(m.batch.notes[i][:message.header.Controllen])}
}

// read takes the time of arrival out of what the kernel noted, and how many packets the socket has dropped.
func (m *mailbox) read(notes []byte) (at int64) {
	for len(notes) >= unix.SizeofCmsghdr {
		h := (*unix.Cmsghdr)(unsafe.Pointer(&notes[0]))
		value := notes[unix.CmsgLen(0):h.Len]
		switch {
		case h.Level != unix.SOL_SOCKET:
		case h.Type == unix.SCM_TIMESTAMPNS:
			at = int64(binary.NativeEndian.Uint64(value))*int64(time.Second) + int64(binary.NativeEndian.Uint64(value[8:]))
		case h.Type == unix.SO_RXQ_OVFL:
			m.dropped = int(binary.NativeEndian.Uint32(value))
		}
		notes = notes[min(len(notes), unix.CmsgSpace(len(value))):]
	}
	return at
}

func (m *mailbox) lost() (int, error) { return m.dropped, nil }

func (m *mailbox) close() {} // the socket is the pipe's
