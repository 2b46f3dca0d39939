package dhcpserver

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/mdlayher/packet"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"tollgate/board/rawudp"
)

// mostIP is the longest packet that is read, in octets: that of an Ethernet.
const mostIP = 1500

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

// parse takes a message out of an IPv4 packet with UDP.
func parse(p []byte) (l letter, ok bool) {
	payload, from, to, ok := rawudp.Parse(p)
	if !ok {
		return l, false
	}
	m, err := dhcpv4.FromBytes(payload)
	return letter{message: m, from: from, to: to}, err == nil
}

func (w *rawWire) send(l letter) error {
	if _, err := w.conn.WriteTo(build(l), &packet.Addr{HardwareAddr: l.frame}); err != nil {
		return fmt.Errorf("send DHCP: %w", err)
	}
	return nil
}

// build makes an IPv4 packet.
func build(l letter) []byte { return rawudp.Build(l.message.ToBytes(), l.from, l.to, 64) }
