package traffic

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ring takes Ethernet frames where they arrive by a link, out of memory that the kernel writes them into (packet(7), TPACKET_V2):
//
//	| frame | frame | ...    status, length and time of arrival, and what arrived from the Ethernet header on
//
// What is taken goes no further. The generator pays for no system call and no copy; the relay, on whose processor a packet arrives
// here, for the frame instead of a socket, which is about the same.
type ring struct {
	fd      int
	memory  []byte
	next    int // the frame to be read next
	n       int // how many were taken and are still in use
	dropped int
}

const (
	frameSize  = 512 // holds a packet of ours with all headers, and a block is full of them
	frameCount = 1 << 14
	blockSize  = 64 << 10
)

// openRing takes UDP over IPv4 to the port of an end.
func openRing(e End) (*ring, error) {
	r := &ring{fd: -1}
	err := e.within(func() error {
		link, err := net.InterfaceByName(e.Link.Name)
		if err != nil {
			return fmt.Errorf("find %s: %w", e.Link.Name, err)
		}
		if r.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0); err != nil {
			return os.NewSyscallError("socket", err)
		}
		if err := r.prepare(e.Address); err != nil {
			return err
		}
		all := binary.BigEndian.Uint16(binary.NativeEndian.AppendUint16(nil, unix.ETH_P_ALL)) // those who ask for one protocol come after the filter
		if err := unix.Bind(r.fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: link.Index}); err != nil {
			return os.NewSyscallError("bind", err)
		}
		return endHere(e)
	})
	if err != nil {
		r.close()
		return nil, fmt.Errorf("take what arrives by %s: %w", e.Link.Name, err)
	}
	return r, nil
}

func (r *ring) prepare(to netip.AddrPort) error {
	for option, value := range map[int]int{unix.PACKET_VERSION: unix.TPACKET_V2, unix.PACKET_IGNORE_OUTGOING: 1} {
		if err := unix.SetsockoptInt(r.fd, unix.SOL_PACKET, option, value); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	filter := onlyTo(to.Port())
	if err := unix.SetsockoptSockFprog(r.fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}); err != nil {
		return os.NewSyscallError("setsockopt", err)
	}
	req := unix.TpacketReq{Block_size: blockSize, Block_nr: frameSize * frameCount / blockSize, Frame_size: frameSize, Frame_nr: frameCount}
	if err := unix.SetsockoptTpacketReq(r.fd, unix.SOL_PACKET, unix.PACKET_RX_RING, &req); err != nil {
		return os.NewSyscallError("setsockopt", err)
	}
	memory, err := unix.Mmap(r.fd, 0, frameSize*frameCount, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE)
	r.memory = memory
	return os.NewSyscallError("mmap", err)
}

// onlyTo lets in UDP over IPv4 without options, whole and to a port (RFC 791 section 3.1, RFC 768).
func onlyTo(port uint16) []unix.SockFilter {
	const (
		half, octet = unix.BPF_LD | unix.BPF_H | unix.BPF_ABS, unix.BPF_LD | unix.BPF_B | unix.BPF_ABS
		is, any     = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K
	)
	return []unix.SockFilter{
		{Code: half, K: ethernet - 2}, {Code: is, K: unix.ETH_P_IP, Jf: 9},
		{Code: octet, K: ethernet}, {Code: is, K: 4<<4 | ipv4/4, Jf: 7},
		{Code: half, K: ethernet + 6}, {Code: any, K: 0x3fff, Jt: 5}, // more fragments, or an offset
		{Code: octet, K: ethernet + 9}, {Code: is, K: unix.IPPROTO_UDP, Jf: 3},
		{Code: half, K: ethernet + ipv4 + 2}, {Code: is, K: uint32(port), Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: frameSize},
		{Code: unix.BPF_RET | unix.BPF_K, K: 0},
	}
}

// endHere has what is for an end go no further than to its ring. The rule goes with the namespace.
func endHere(e End) error {
	rules := fmt.Sprintf("table netdev generator\ndelete table netdev generator\ntable netdev generator {\n\tchain arrives {\n"+
		"\t\ttype filter hook ingress device %q priority 0;\n\t\tudp dport %d drop\n\t}\n}\n", e.Link.Name, e.Address.Port())
	nft := exec.Command("nft", "-f", "-")
	nft.Stdin = strings.NewReader(rules)
	if said, err := nft.CombinedOutput(); err != nil {
		return fmt.Errorf("nft: %w: %s", err, said)
	}
	return nil
}

func (r *ring) close() {
	if r.memory != nil {
		unix.Munmap(r.memory)
	}
	if r.fd >= 0 {
		unix.Close(r.fd)
	}
}

// frame is the header of one, a number of places on.
func (r *ring) frame(place int) *unix.Tpacket2Hdr {
	return (*unix.Tpacket2Hdr)(unsafe.Pointer(&r.memory[(r.next+place)%frameCount*frameSize]))
}

// take gives the kernel back what was taken before, and counts what is there, up to a gulp.
func (r *ring) take() (n int, err error) {
	for i := range r.n {
		atomic.StoreUint32(&r.frame(i).Status, unix.TP_STATUS_KERNEL)
	}
	r.next = (r.next + r.n) % frameCount
	for r.n = 0; r.n < gulp && atomic.LoadUint32(&r.frame(r.n).Status)&unix.TP_STATUS_USER != 0; {
		r.n++
	}
	return r.n, nil
}

func (r *ring) packet(i int) arrival {
	h := r.frame(i)
	start := (r.next+i)%frameCount*frameSize + int(h.Mac)
	b, at := r.memory[start:start+int(h.Snaplen)], ethernet+ipv4
	end := min(at+int(binary.BigEndian.Uint16(b[at+4:])), len(b)) // behind it there may be what fills the frame
	return arrival{b: b[at+udp : max(end, at+udp)], from: [4]byte(b[ethernet+12:]), port: binary.BigEndian.Uint16(b[at:]),
		at: int64(h.Sec)*1e9 + int64(h.Nsec)}
}

// lost asks the kernel, which forgets what it has told.
func (r *ring) lost() (int, error) {
	s, err := unix.GetsockoptTpacketStats(r.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
	if err != nil {
		return 0, os.NewSyscallError("getsockopt", err)
	}
	r.dropped += int(s.Drops)
	return r.dropped, nil
}
