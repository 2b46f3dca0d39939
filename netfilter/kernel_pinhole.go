package netfilter

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"unsafe"

	"github.com/google/nftables"
	"golang.org/x/sys/unix"
)

// Pinholes come and go with every call, and bans by the thousand. Their elements are therefore written by hand, which
// takes two system calls a transaction where the library takes twenty:
//
//	begin | new or delete elements of a set ... | end      ->  kernel
//	acknowledgement of the last change, or errors          <-

// shortcut is a netlink socket of its own for such transactions.
type shortcut struct {
	fd     int
	number uint32 // of the message before
	answer [4096]byte
	room   []byte // to write short transactions in, one after the other
}

func openShortcut() (*shortcut, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_NETFILTER)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	if err := unix.Connect(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return nil, errors.Join(os.NewSyscallError("connect", err), unix.Close(fd))
	}
	if err := room(fd); err != nil {
		return nil, errors.Join(os.NewSyscallError("setsockopt", err), unix.Close(fd))
	}
	return &shortcut{fd: fd, room: make([]byte, 0, shortSize)}, nil
}

func (s *shortcut) close() { unix.Close(s.fd) }

// begin starts a transaction, which ends before the next one begins.
func (s *shortcut) begin() *batch {
	b := &batch{number: s.number, last: -1, bytes: s.room}
	b.message(unix.NFNL_MSG_BATCH_BEGIN, 0, unix.AF_UNSPEC, unix.NFNL_SUBSYS_NFTABLES)
	b.first = b.number
	return b
}

// commit sends a transaction and reads what the kernel says. It deals with the whole transaction within the first call,
// so that the answers are there when it returns. A short one takes some 20 µs and waits for nobody, since the filter does
// one thing at a time: the scheduler need not hear of it (see send).
func (s *shortcut) commit(b *batch) error {
	if b.last < 0 {
		return nil
	}
	last := b.acknowledge()
	b.message(unix.NFNL_MSG_BATCH_END, 0, unix.AF_UNSPEC, unix.NFNL_SUBSYS_NFTABLES)
	s.number = b.number
	if err := s.send(b.bytes); err != nil {
		return os.NewSyscallError("netlink write", err)
	}
	var faults error
	for {
		n, _, errno := unix.RawSyscall(unix.SYS_READ, uintptr(s.fd), uintptr(unsafe.Pointer(&s.answer[0])), uintptr(len(s.answer)))
		if errno != 0 {
			return errors.Join(faults, os.NewSyscallError("netlink read", errno))
		}
		number, err := readAnswer(s.answer[:n])
		faults = errors.Join(faults, err)
		if number == last || number == b.first { // the first stands for the whole
			return faults
		}
	}
}

// shortSize is how long a transaction may be to be called short: the ports of a few calls.
const shortSize = 4 << 10

// send writes a transaction. A call that announces itself to Go's scheduler wakes a thread of its own on a box that has
// been idle for a moment, which costs more than a short transaction does.
func (s *shortcut) send(b []byte) error {
	if len(b) > shortSize {
		_, err := unix.Write(s.fd, b)
		return err
	}
	if _, _, errno := unix.RawSyscall(unix.SYS_WRITE, uintptr(s.fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b))); errno != 0 {
		return errno
	}
	return nil
}

// readAnswer reads one acknowledgement or error: the number of the message that it answers, and what went wrong.
func readAnswer(b []byte) (number uint32, err error) {
	if len(b) < unix.SizeofNlMsghdr+4 || binary.NativeEndian.Uint16(b[4:]) != unix.NLMSG_ERROR {
		return 0, errors.New("netlink: the kernel's answer cannot be read")
	}
	number = binary.NativeEndian.Uint32(b[8:])
	if code := int32(binary.NativeEndian.Uint32(b[unix.SizeofNlMsghdr:])); code != 0 {
		return number, fmt.Errorf("netlink: %w", unix.Errno(-code))
	}
	return number, nil
}

// batch is a transaction on its way (struct nlmsghdr, struct nfgenmsg, struct nlattr).
type batch struct {
	bytes  []byte
	number uint32 // of the last message
	first  uint32
	last   int // where the last change begins; -1: nothing is changed
}

// change adds a message that puts elements into a set, or takes them out.
func (b *batch) change(message uint16, table string, s set, list []element) {
	if len(list) == 0 {
		return
	}
	flags := uint16(0)
	if message == unix.NFT_MSG_NEWSETELEM {
		flags = unix.NLM_F_CREATE
	}
	start := b.message(unix.NFNL_SUBSYS_NFTABLES<<8|message, flags, unix.NFPROTO_INET, 0)
	b.last = start
	b.text(unix.NFTA_SET_ELEM_LIST_TABLE, table)
	b.text(unix.NFTA_SET_ELEM_LIST_SET, s.name)
	elements := b.nest(unix.NFTA_SET_ELEM_LIST_ELEMENTS)
	var keys [2]nftables.SetElement
	for _, e := range list {
		for _, k := range s.appendKeys(keys[:0], e) {
			b.element(k)
		}
	}
	b.end(elements)
	binary.NativeEndian.PutUint32(b.bytes[start:], uint32(len(b.bytes)-start))
}

// element adds one element to the list that is being written.
func (b *batch) element(k nftables.SetElement) {
	item := b.nest(unix.NFTA_LIST_ELEM)
	b.key(unix.NFTA_SET_ELEM_KEY, k.Key)
	if k.KeyEnd != nil {
		b.key(nftaSetElemKeyEnd, k.KeyEnd)
	}
	if k.IntervalEnd {
		b.attribute(unix.NFTA_SET_ELEM_FLAGS, binary.BigEndian.AppendUint32(nil, unix.NFT_SET_ELEM_INTERVAL_END))
	}
	if k.Timeout > 0 {
		b.attribute(unix.NFTA_SET_ELEM_TIMEOUT, binary.BigEndian.AppendUint64(nil, uint64(max(k.Timeout.Milliseconds(), 1))))
	}
	b.end(item)
}

// nftaSetElemKeyEnd is NFTA_SET_ELEM_KEY_END of linux/netfilter/nf_tables.h.
const nftaSetElemKeyEnd = 10

// message appends the headers of a message and returns where it begins. Its length is that of one without attributes.
func (b *batch) message(kind, flags uint16, family byte, resource uint16) (start int) {
	start = len(b.bytes)
	b.number++
	b.bytes = binary.NativeEndian.AppendUint32(b.bytes, unix.SizeofNlMsghdr+4)
	b.bytes = binary.NativeEndian.AppendUint16(b.bytes, kind)
	b.bytes = binary.NativeEndian.AppendUint16(b.bytes, unix.NLM_F_REQUEST|flags)
	b.bytes = binary.NativeEndian.AppendUint32(b.bytes, b.number)
	b.bytes = binary.NativeEndian.AppendUint32(b.bytes, 0) // from whom: the kernel knows
	b.bytes = append(b.bytes, family, 0)
	b.bytes = binary.BigEndian.AppendUint16(b.bytes, resource)
	return start
}

// acknowledge has the kernel answer the last change; it returns its number.
func (b *batch) acknowledge() uint32 {
	flags := b.bytes[b.last+6:]
	binary.NativeEndian.PutUint16(flags, binary.NativeEndian.Uint16(flags)|unix.NLM_F_ACK)
	return binary.NativeEndian.Uint32(b.bytes[b.last+8:])
}

// nest begins an attribute of attributes; end ends it.
func (b *batch) nest(kind uint16) (start int) {
	start = len(b.bytes)
	b.bytes = append(b.bytes, 0, 0)
	b.bytes = binary.NativeEndian.AppendUint16(b.bytes, kind|unix.NLA_F_NESTED)
	return start
}

func (b *batch) end(start int) {
	binary.NativeEndian.PutUint16(b.bytes[start:], uint16(len(b.bytes)-start))
}

func (b *batch) text(kind uint16, value string) {
	b.head(kind, len(value)+1)
	b.bytes = append(b.bytes, value...)
	b.fill(1)
}

func (b *batch) key(kind uint16, value []byte) {
	outer := b.nest(kind)
	b.attribute(unix.NFTA_DATA_VALUE, value)
	b.end(outer)
}

// attribute appends a value.
func (b *batch) attribute(kind uint16, value []byte) {
	b.head(kind, len(value))
	b.bytes = append(b.bytes, value...)
	b.fill(0)
}

// head begins an attribute whose value has a length.
func (b *batch) head(kind uint16, length int) {
	b.bytes = binary.NativeEndian.AppendUint16(b.bytes, uint16(unix.SizeofNlAttr+length))
	b.bytes = binary.NativeEndian.AppendUint16(b.bytes, kind)
}

// fill appends so many zeroes, and more up to four bytes.
func (b *batch) fill(zeroes int) {
	for ; zeroes > 0 || len(b.bytes)%unix.NLMSG_ALIGNTO != 0; zeroes-- {
		b.bytes = append(b.bytes, 0)
	}
}
