package dhcpserver

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/mdlayher/packet"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// An IPv4 packet with UDP, as it is sent (RFC 791, RFC 768):
//
//	0x45 0 length | 0 0x4000 | 64 17 checksum | source | destination || source port, destination port | length, checksum
//	0      2        4          8     10         12       16              20                            24
const (
	ipSize  = 20
	udpSize = 8
	mostIP  = 1500
)

var (
	everybody      = netip.AddrFrom4([4]byte{255, 255, 255, 255})
	everybodyFrame = net.HardwareAddr{255, 255, 255, 255, 255, 255}
)

// letter is a message and where it goes or went to.
type letter struct {
	message  *dhcpv4.DHCPv4
	from, to netip.AddrPort
	frame    net.HardwareAddr // who gets it on the link, where it is sent
}

// rawWire sends and receives DHCP on one port of the machine.
type rawWire struct {
	conn *packet.Conn
	own  net.HardwareAddr
}

// listen opens the wire. Only datagrams to the ports of DHCP come through.
func listen(iface string) (*rawWire, error) {
	at, err := net.InterfaceByName(iface)
	if err != nil {
		return nil, fmt.Errorf("find port %s: %w", iface, err)
	}
	filter, err := bpf.Assemble([]bpf.Instruction{
		bpf.LoadAbsolute{Off: 9, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.IPPROTO_UDP, SkipFalse: 5},
		bpf.LoadMemShift{Off: 0},
		bpf.LoadIndirect{Off: 2, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: dhcpv4.ServerPort, SkipTrue: 1},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: dhcpv4.ClientPort, SkipFalse: 1},
		bpf.RetConstant{Val: mostIP},
		bpf.RetConstant{Val: 0},
	})
	if err != nil {
		return nil, fmt.Errorf("make a filter for DHCP: %w", err)
	}
	conn, err := packet.Listen(at, packet.Datagram, unix.ETH_P_IP, &packet.Config{Filter: filter})
	if err != nil {
		return nil, fmt.Errorf("open a socket for DHCP: %w", err)
	}
	return &rawWire{conn, at.HardwareAddr}, nil
}

func (w *rawWire) hardware() net.HardwareAddr { return w.own }

func (w *rawWire) close() error { return w.conn.Close() }

// read waits for a message.
func (w *rawWire) read() (letter, error) {
	b := make([]byte, mostIP)
	for {
		n, _, err := w.conn.ReadFrom(b)
		if err != nil {
			return letter{}, fmt.Errorf("receive DHCP: %w", err)
		}
		if l, ok := parse(b[:n]); ok {
			return l, nil
		}
	}
}

// parse takes a message out of an IPv4 packet with UDP. Fragments are none.
func parse(p []byte) (l letter, ok bool) {
	if len(p) < ipSize+udpSize || p[0]>>4 != 4 || p[9] != unix.IPPROTO_UDP || binary.BigEndian.Uint16(p[6:])&0x3fff != 0 {
		return l, false
	}
	header, total := int(p[0]&15)*4, int(binary.BigEndian.Uint16(p[2:]))
	if header < ipSize || total > len(p) || total < header+udpSize {
		return l, false
	}
	udp := p[header:total]
	size := int(binary.BigEndian.Uint16(udp[4:]))
	if size < udpSize || size > len(udp) {
		return l, false
	}
	m, err := dhcpv4.FromBytes(udp[udpSize:size])
	if err != nil {
		return l, false
	}
	l.message = m
	l.from = netip.AddrPortFrom(netip.AddrFrom4([4]byte(p[12:16])), binary.BigEndian.Uint16(udp))
	l.to = netip.AddrPortFrom(netip.AddrFrom4([4]byte(p[16:20])), binary.BigEndian.Uint16(udp[2:]))
	return l, true
}

func (w *rawWire) send(l letter) error {
	if _, err := w.conn.WriteTo(build(l), &packet.Addr{HardwareAddr: l.frame}); err != nil {
		return fmt.Errorf("send DHCP: %w", err)
	}
	return nil
}

// build makes an IPv4 packet. Over IPv4, UDP needs no checksum of its own (RFC 768).
func build(l letter) []byte {
	message := l.message.ToBytes()
	p := make([]byte, ipSize+udpSize, ipSize+udpSize+len(message))
	p[0], p[6], p[8], p[9] = 0x45, 0x40, 64, unix.IPPROTO_UDP
	binary.BigEndian.PutUint16(p[2:], uint16(cap(p)))
	src, dst := l.from.Addr().As4(), l.to.Addr().As4()
	copy(p[12:], src[:])
	copy(p[16:], dst[:])
	binary.BigEndian.PutUint16(p[10:], checksum(p[:ipSize]))
	binary.BigEndian.PutUint16(p[20:], l.from.Port())
	binary.BigEndian.PutUint16(p[22:], l.to.Port())
	binary.BigEndian.PutUint16(p[24:], uint16(udpSize+len(message)))
	return append(p, message...)
}

// checksum is that of an IPv4 header (RFC 1071).
func checksum(b []byte) uint16 {
	var sum uint32
	for i := 0; i+1 < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}
