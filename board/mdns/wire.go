package mdns

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"

	"github.com/mdlayher/packet"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"tollgate/board/rawudp"
)

// Where multicast DNS is spoken (RFC 6762 section 3).
const port = 5353

var (
	group      = netip.AddrPortFrom(netip.AddrFrom4([4]byte{224, 0, 0, 251}), port)
	groupFrame = net.HardwareAddr{1, 0, 0x5e, 0, 0, 0xfb} // RFC 1112 section 6.4
)

// wire sends and receives on one port of the machine.
type wire struct {
	conn *packet.Conn
	own  netip.Addr
}

// listen opens the wire. Only datagrams to the group and its port come through, of which own is not the source.
func listen(iface string, own netip.Addr) (*wire, error) {
	at, err := net.InterfaceByName(iface)
	if err != nil {
		return nil, fmt.Errorf("find port %s: %w", iface, err)
	}
	to := group.Addr().As4()
	filter, err := bpf.Assemble([]bpf.Instruction{
		bpf.LoadAbsolute{Off: 16, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: binary.BigEndian.Uint32(to[:]), SkipFalse: 6},
		bpf.LoadAbsolute{Off: 9, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.IPPROTO_UDP, SkipFalse: 4},
		bpf.LoadMemShift{Off: 0},
		bpf.LoadIndirect{Off: 2, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: port, SkipFalse: 1},
		bpf.RetConstant{Val: 9000},
		bpf.RetConstant{Val: 0},
	})
	if err != nil {
		return nil, fmt.Errorf("make a filter for multicast DNS: %w", err)
	}
	conn, err := packet.Listen(at, packet.Datagram, unix.ETH_P_IP, &packet.Config{Filter: filter})
	if err != nil {
		return nil, fmt.Errorf("open a socket for multicast DNS: %w", err)
	}
	if err := join(conn, at.Index); err != nil {
		conn.Close()
		return nil, fmt.Errorf("listen to multicast DNS: %w", err)
	}
	return &wire{conn, own}, nil
}

// join has the port take frames to the group.
func join(conn *packet.Conn, index int) error {
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
		if message, addr, _, ok := rawudp.Parse(b[:n]); ok && addr.Addr() != w.own {
			return message, sender{addr, frame}, nil
		}
	}
}

// send sends a message to everybody, or to one sender.
func (w *wire) send(message []byte, to *sender) error {
	dst, frame := group, net.Addr(&packet.Addr{HardwareAddr: groupFrame})
	if to != nil {
		dst, frame = to.addr, to.frame
	}
	if _, err := w.conn.WriteTo(build(message, w.own, dst), frame); err != nil {
		return fmt.Errorf("send multicast DNS: %w", err)
	}
	return nil
}

// build makes a packet whose TTL is 255 (RFC 6762 section 11).
func build(message []byte, own netip.Addr, to netip.AddrPort) []byte {
	return rawudp.Build(message, netip.AddrPortFrom(own, port), to, 255)
}
