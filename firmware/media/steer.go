package media

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"

	"tollgate/firmware/datagram"
)

// steering has the kernel give packets for chosen local addresses to another socket than the one that is bound there, so
// that one call takes the packets of many calls. It is a BPF program at the lookup of sockets (Linux 5.9), and a table from
// address and port to socket. When the process ends, however it ends, so does the steering.
type steering struct{ table, program, link int }

// steered is how many ports there is room for; those beyond are read on their own sockets.
const steered = 1 << 15

// newSteering fails where the kernel does not know it, or does not allow it or the raw sockets that go with it.
func newSteering() (*steering, error) {
	s := &steering{table: -1, program: -1, link: -1}
	if err := s.install(); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *steering) install() (err error) {
	raw, err := datagram.OpenRaw(true, 0)
	if err != nil {
		return fmt.Errorf("raw socket: %w", err) // steering alone gains little
	}
	raw.Close()
	if s.table, err = bpf(unix.BPF_MAP_CREATE, &struct{ kind, key, value, entries, flags uint32 }{
		unix.BPF_MAP_TYPE_SOCKHASH, uint32(len(steerKey{})), 4, steered, 0}); err != nil {
		return fmt.Errorf("BPF table of ports: %w", err)
	}
	if s.program, err = loadLookup(steerProgram(s.table)); err != nil {
		return fmt.Errorf("BPF program for ports: %w", err)
	}
	ns, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return fmt.Errorf("find the network namespace: %w", err)
	}
	defer ns.Close()
	if s.link, err = bpf(unix.BPF_LINK_CREATE, &struct{ program, target, attach, flags uint32 }{
		uint32(s.program), uint32(ns.Fd()), unix.BPF_SK_LOOKUP, 0}); err != nil {
		return fmt.Errorf("attach the BPF program for ports: %w", err)
	}
	return nil
}

func (s *steering) close() {
	if s == nil {
		return
	}
	for _, fd := range []int{s.link, s.program, s.table} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}

// steerKey is a local address as the program reads it: four words of the IP address, the port, the family.
type steerKey [24]byte

func steerKeyOf(a netip.AddrPort) (k steerKey) {
	copy(k[:], a.Addr().AsSlice())
	binary.NativeEndian.PutUint32(k[16:], uint32(a.Port()))
	family := uint32(unix.AF_INET6)
	if a.Addr().Is4() {
		family = unix.AF_INET
	}
	binary.NativeEndian.PutUint32(k[20:], family)
	return k
}

// entry is what the commands on a table's entries take.
type entry struct {
	table      uint32
	_          uint32
	key, value unsafe.Pointer
	_          uint64 // flags
}

// put has packets for a local address go to a socket.
func (s *steering) put(a netip.AddrPort, to datagram.Socket) error {
	key, value := steerKeyOf(a), uint32(to)
	var pins runtime.Pinner
	defer pins.Unpin()
	pins.Pin(&key)
	pins.Pin(&value)
	_, err := bpf(unix.BPF_MAP_UPDATE_ELEM, &entry{table: uint32(s.table), key: unsafe.Pointer(&key), value: unsafe.Pointer(&value)})
	return err
}

// drop has them go where they went before.
func (s *steering) drop(a netip.AddrPort) error {
	key := steerKeyOf(a)
	var pins runtime.Pinner
	defer pins.Unpin()
	pins.Pin(&key)
	_, err := bpf(unix.BPF_MAP_DELETE_ELEM, &entry{table: uint32(s.table), key: unsafe.Pointer(&key)})
	return err
}

// bpf is the system call; attributes are those of union bpf_attr (linux/bpf.h) that the command reads. It is a raw call: none of
// these commands takes long, and every call opens and shuts four ports (see datagram).
func bpf[T any](command int, attributes *T) (int, error) {
	r, _, errno := unix.RawSyscall(unix.SYS_BPF, uintptr(command), uintptr(unsafe.Pointer(attributes)), unsafe.Sizeof(*attributes))
	if errno != 0 {
		return -1, os.NewSyscallError("bpf", errno)
	}
	return int(r), nil
}

// loadTries is how often a program is handed to the kernel that a signal has kept from checking it.
const loadTries = 10

// loadLookup loads a program that is run when the kernel looks for the socket of a packet. Checking it may take the kernel long, and a
// signal ends it (EAGAIN): as a call that Go knows of, it is at least not ended by Go's own for goroutines that run for long.
func loadLookup(program []instruction) (int, error) {
	license := append([]byte("GPL"), 0) // of these few instructions, for the kernel's own bookkeeping
	var pins runtime.Pinner
	defer pins.Unpin()
	pins.Pin(&program[0])
	pins.Pin(&license[0])
	attributes := &struct {
		kind, count       uint32
		program, license  unsafe.Pointer
		logLevel, logSize uint32
		log               uint64
		version, flags    uint32
		name              [16]byte
		link, attach      uint32
	}{kind: unix.BPF_PROG_TYPE_SK_LOOKUP, count: uint32(len(program)), program: unsafe.Pointer(&program[0]),
		license: unsafe.Pointer(&license[0]), name: [16]byte{'t', 'o', 'l', 'l', 'g', 'a', 't', 'e'}, attach: unix.BPF_SK_LOOKUP}
	for try := 1; ; try++ {
		r, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_PROG_LOAD, uintptr(unsafe.Pointer(attributes)), unsafe.Sizeof(*attributes))
		if errno == 0 {
			return int(r), nil
		}
		if errno != unix.EAGAIN || try == loadTries {
			return -1, os.NewSyscallError("bpf", errno)
		}
	}
}
