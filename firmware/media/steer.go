package media

import (
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"

	"tollgate/firmware/datagram"
)

// steering has the kernel give packets for chosen local addresses to another socket than the one that is bound there, so
// that one call takes the packets of many calls. It is a BPF program at the lookup of sockets (Linux 5.9), and a table of
// sockets by address and port. When the process ends, however it ends, so does the steering.
type steering struct {
	table, link int

	mu    sync.Mutex
	known []slot // the local addresses that the program knows
}

// slot is a local address with its ports. One without any makes room for an address that is new.
type slot struct {
	address netip.Addr
	taken   [portsEach / 64]uint64 // which ports are steered, a bit each
	ports   int                    // how many
}

const (
	// slots is how many local addresses there is room for at once; the ports of those beyond are read on their own sockets.
	slots = 8
	// portsEach is how many ports each has: the even ones, which are those of RTP (RFC 3550 §11).
	portsEach = 1 << 15
)

// newSteering fails where the kernel does not know it, or does not allow it or the raw sockets that go with it.
func newSteering() (*steering, error) {
	s := &steering{table: -1, link: -1}
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
		unix.BPF_MAP_TYPE_SOCKMAP, 4, 4, slots * portsEach, 0}); err != nil {
		return fmt.Errorf("BPF table of ports: %w", err)
	}
	ns, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return fmt.Errorf("find the network namespace: %w", err)
	}
	defer ns.Close()
	return s.load(nil, func(program int) (err error) {
		if s.link, err = bpf(unix.BPF_LINK_CREATE, &struct{ program, target, attach, flags uint32 }{
			uint32(program), uint32(ns.Fd()), unix.BPF_SK_LOOKUP, 0}); err != nil {
			return fmt.Errorf("attach the BPF program for ports: %w", err)
		}
		return nil
	})
}

// load makes a program that knows the addresses, for use to put it in its place, which keeps it.
func (s *steering) load(addresses []netip.Addr, use func(program int) error) error {
	program, err := loadLookup(steerProgram(s.table, addresses))
	if err != nil {
		return fmt.Errorf("BPF program for ports: %w", err)
	}
	defer unix.Close(program)
	return use(program)
}

func (s *steering) close() {
	if s == nil {
		return
	}
	for _, fd := range []int{s.link, s.table} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}

// slot returns the place of a local address among those that the program knows; -1: it knows it not.
func (s *steering) slot(a netip.Addr) int {
	return slices.IndexFunc(s.known, func(k slot) bool { return k.address == a })
}

// learn gives a local address a slot, and has the program know it.
func (s *steering) learn(a netip.Addr) (int, error) {
	more, i := slices.Clone(s.known), slices.IndexFunc(s.known, func(k slot) bool { return k.ports == 0 })
	switch {
	case len(more) < slots:
		i, more = len(more), append(more, slot{address: a})
	case i >= 0:
		more[i].address = a
	default:
		return 0, fmt.Errorf("the kernel steers ports of %d addresses already", slots)
	}
	var addresses []netip.Addr
	for _, k := range more {
		addresses = append(addresses, k.address)
	}
	err := s.load(addresses, func(program int) error {
		_, err := bpf(unix.BPF_LINK_UPDATE, &struct{ link, program, flags, old uint32 }{uint32(s.link), uint32(program), 0, 0})
		return err
	})
	if err == nil {
		s.known = more
	}
	return i, err
}

// key is the place of a port in the table.
func key(slot int, port uint16) uint32 { return uint32(slot*portsEach) + uint32(port/2) }

// mark notes whether a port is steered.
func (k *slot) mark(port uint16, steered bool) {
	word, bit := &k.taken[port/2/64], uint64(1)<<(port/2%64)
	switch {
	case steered && *word&bit == 0:
		*word |= bit
		k.ports++
	case !steered && *word&bit != 0:
		*word &^= bit
		k.ports--
	}
}

// entry is what the commands on a table's entries take.
type entry struct {
	table      uint32
	_          uint32
	key, value unsafe.Pointer
	_          uint64 // flags
}

// put has packets for a local address go to a socket.
func (s *steering) put(a netip.AddrPort, to datagram.Socket) (err error) {
	if a.Port()%2 != 0 {
		return fmt.Errorf("%v: the kernel steers even ports alone", a)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.slot(a.Addr())
	if i < 0 {
		if i, err = s.learn(a.Addr()); err != nil {
			return err
		}
	}
	socket := uint32(to)
	if err = s.change(unix.BPF_MAP_UPDATE_ELEM, key(i, a.Port()), &socket); err == nil {
		s.known[i].mark(a.Port(), true)
	}
	return err
}

// drop has them go where they went before.
func (s *steering) drop(a netip.AddrPort) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.slot(a.Addr())
	if i < 0 {
		return fmt.Errorf("%v is not steered", a)
	}
	s.known[i].mark(a.Port(), false)
	return s.change(unix.BPF_MAP_DELETE_ELEM, key(i, a.Port()), nil)
}

// change does something with an entry of the table. To commands that take no value it is nil.
func (s *steering) change(command int, key uint32, value *uint32) error {
	var pins runtime.Pinner
	defer pins.Unpin()
	pins.Pin(&key)
	if value != nil {
		pins.Pin(value)
	}
	_, err := bpf(command, &entry{table: uint32(s.table), key: unsafe.Pointer(&key), value: unsafe.Pointer(value)})
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
