package mdns

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/mdlayher/packet"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"tollgate/board/rawudp"
)

// Where multicast DNS is spoken (RFC 6762 section 3), and by which frames (RFC 1112 section 6.4, RFC 2464 section 7).
const port = 5353

var (
	group       = netip.AddrPortFrom(netip.AddrFrom4([4]byte{224, 0, 0, 251}), port)
	group6      = netip.AddrPortFrom(netip.AddrFrom16([16]byte{0: 0xff, 1: 2, 15: 0xfb}), port)
	groupFrame  = net.HardwareAddr{1, 0, 0x5e, 0, 0, 0xfb}
	group6Frame = net.HardwareAddr{0x33, 0x33, 0, 0, 0, 0xfb}
)

// hops is the TTL or hop limit of all that is said. A router would have made it less (RFC 6762 section 11).
const hops = 255

// most is the longest message that is read, in octets (RFC 6762 section 17).
const most = 9000

// wire sends and receives over IPv4 or IPv6 on one port of the machine.
type wire struct {
	conn   *packet.Conn
	member int        // a socket by which the kernel is a member of the group; -1: there is none
	own    netip.Addr // what it speaks from
	group  netip.AddrPort
	frame  net.HardwareAddr
}

// listen4 opens a wire. Only datagrams to the group and its port come through, of which own is not the source.
func listen4(at *net.Interface, own netip.Addr) (*wire, error) {
	to := group.Addr().As4()
	w := &wire{member: -1, own: own, group: group, frame: groupFrame}
	err := w.open(at, unix.ETH_P_IP, []bpf.Instruction{
		bpf.LoadAbsolute{Off: 16, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: binary.BigEndian.Uint32(to[:]), SkipFalse: 6},
		bpf.LoadAbsolute{Off: 9, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.IPPROTO_UDP, SkipFalse: 4},
		bpf.LoadMemShift{Off: 0},
		bpf.LoadIndirect{Off: 2, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: port, SkipFalse: 1},
		bpf.RetConstant{Val: rawudp.IPSize + rawudp.UDPSize + most},
		bpf.RetConstant{Val: 0},
	})
	return w, err
}

// listen6 opens a wire. Only datagrams of this link to the group and its port come through, of which own is not the source.
func listen6(at *net.Interface, own netip.Addr) (*wire, error) {
	to := group6.Addr().As16()
	word := func(i int) uint32 { return binary.BigEndian.Uint32(to[i:]) }
	w := &wire{member: -1, own: own, group: group6, frame: group6Frame}
	err := w.open(at, unix.ETH_P_IPV6, []bpf.Instruction{
		bpf.LoadAbsolute{Off: 6, Size: 2}, // next header, hop limit
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.IPPROTO_UDP<<8 | hops, SkipFalse: 11},
		bpf.LoadAbsolute{Off: 24, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: word(0), SkipFalse: 9},
		bpf.LoadAbsolute{Off: 28, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: word(4), SkipFalse: 7},
		bpf.LoadAbsolute{Off: 32, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: word(8), SkipFalse: 5},
		bpf.LoadAbsolute{Off: 36, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: word(12), SkipFalse: 3},
		bpf.LoadAbsolute{Off: 42, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: port, SkipFalse: 1},
		bpf.RetConstant{Val: rawudp.IP6Size + rawudp.UDPSize + most},
		bpf.RetConstant{Val: 0},
	})
	return w, err
}

// open opens the wire's socket, and has the port take frames to the group.
func (w *wire) open(at *net.Interface, kind int, only []bpf.Instruction) error {
	filter, err := bpf.Assemble(only)
	if err != nil {
		return fmt.Errorf("make a filter for multicast DNS: %w", err)
	}
	if w.conn, err = packet.Listen(at, packet.Datagram, kind, &packet.Config{Filter: filter}); err != nil {
		return fmt.Errorf("open a socket for multicast DNS: %w", err)
	}
	if w.own.Is4() {
		err = takeFrames(w.conn, at.Index)
	} else {
		w.member, err = join6(at.Index)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("listen to multicast DNS: %w", err), w.close())
	}
	return nil
}

// takeFrames has the port take frames to the group. No switch keeps them from it: of IPv4, all groups of one link pass (RFC 4541
// section 2.1.2).
func takeFrames(conn *packet.Conn, index int) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	request := unix.PacketMreq{Ifindex: int32(index), Type: unix.PACKET_MR_MULTICAST, Alen: 6}
	copy(request.Address[:], groupFrame)
	var joined error
	err = raw.Control(func(fd uintptr) {
		joined = unix.SetsockoptPacketMreq(int(fd), unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &request)
	})
	if err == nil {
		err = joined
	}
	return err
}

// join6 has the kernel be a member of the group and say so, or switches that listen to that would keep its frames away (RFC 3810
// section 6). The socket is bound to no port: nothing is received by it.
func join6(index int) (int, error) {
	s, err := unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	request := unix.IPv6Mreq{Multiaddr: group6.Addr().As16(), Interface: uint32(index)}
	if err := unix.SetsockoptIPv6Mreq(s, unix.IPPROTO_IPV6, unix.IPV6_JOIN_GROUP, &request); err != nil {
		return -1, errors.Join(err, unix.Close(s))
	}
	return s, nil
}

func (w *wire) close() error {
	var left error
	if w.member >= 0 {
		left = unix.Close(w.member)
	}
	return errors.Join(w.conn.Close(), left)
}

// sender is where a datagram came from.
type sender struct {
	addr  netip.AddrPort
	frame net.Addr
}

// read waits for a datagram and returns what it says; the slice is good until the next read.
func (w *wire) read(b []byte) (message []byte, from sender, err error) {
	for {
		n, frame, err := w.conn.ReadFrom(b)
		if err != nil {
			return nil, from, err
		}
		if message, addr, ok := w.parse(b[:n]); ok && addr.Addr() != w.own {
			return message, sender{addr, frame}, nil
		}
	}
}

// parse takes apart what has come.
func (w *wire) parse(p []byte) (message []byte, from netip.AddrPort, ok bool) {
	if w.own.Is4() {
		message, from, _, ok = rawudp.Parse(p)
		return message, from, ok
	}
	message, from, _, left, ok := rawudp.Parse6(p)
	return message, from, ok && left == hops
}

// send sends a message to everybody, or to one sender.
func (w *wire) send(message []byte, to *sender) error {
	dst, frame := w.group, net.Addr(&packet.Addr{HardwareAddr: w.frame})
	if to != nil {
		dst, frame = to.addr, to.frame
	}
	if _, err := w.conn.WriteTo(w.build(message, dst), frame); err != nil {
		return fmt.Errorf("send multicast DNS: %w", err)
	}
	return nil
}

func (w *wire) build(message []byte, to netip.AddrPort) []byte {
	from := netip.AddrPortFrom(w.own, port)
	if w.own.Is4() {
		return rawudp.Build(message, from, to, hops)
	}
	return rawudp.Build6(message, from, to, hops)
}
