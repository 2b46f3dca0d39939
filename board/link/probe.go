package link

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// How often, and for how long, it is asked whether somebody has an address. RFC 5227 section 2.1.1 would take up to nine
// seconds; a box that starts has none to lose, and a machine on the same cable answers in milliseconds.
const (
	probes    = 3
	probeWait = 150 * time.Millisecond
)

// Probe asks on the link of a port whether another machine has an IPv4 address (RFC 5227), and returns that machine's hardware
// address. A port without a cable, or on which nothing can be sent, has nobody who could answer.
func Probe(ctx context.Context, port string, a netip.Addr) (who net.HardwareAddr, taken bool) {
	i, err := net.InterfaceByName(port)
	if err != nil || len(i.HardwareAddr) != 6 || !a.Is4() {
		return nil, false
	}
	s, err := openARP(i.Index)
	if err != nil {
		return nil, false
	}
	defer unix.Close(s)
	everybody := &unix.SockaddrLinklayer{Protocol: bigEndian(unix.ETH_P_ARP), Ifindex: i.Index, Halen: 6, Addr: [8]byte{255, 255, 255, 255, 255, 255}}
	question := arpProbe(i.HardwareAddr, a)
	packet := make([]byte, 64)
	for range probes {
		if unix.Sendto(s, question, 0, everybody) != nil {
			return nil, false
		}
		for end := time.Now().Add(probeWait); time.Now().Before(end) && ctx.Err() == nil; {
			if n, _, err := unix.Recvfrom(s, packet, 0); err == nil {
				if who, taken = arpConflict(packet[:n], i.HardwareAddr, a); taken {
					return who, true
				}
			}
		}
	}
	return nil, false
}

// openARP opens a socket for ARP on one port, whose reads last 10 ms at most.
func openARP(port int) (int, error) {
	s, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, int(bigEndian(unix.ETH_P_ARP)))
	if err != nil {
		return 0, err
	}
	err = unix.Bind(s, &unix.SockaddrLinklayer{Protocol: bigEndian(unix.ETH_P_ARP), Ifindex: port})
	if err == nil {
		err = unix.SetsockoptTimeval(s, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 10_000})
	}
	if err != nil {
		unix.Close(s)
		return 0, err
	}
	return s, nil
}

func bigEndian(v uint16) uint16 { return v<<8 | v>>8 }

// An ARP packet for IPv4 on Ethernet (RFC 826):
//
//	hardware 1 | protocol 0x0800 | 6 | 4 | operation | sender MAC, IP | target MAC, IP
//	0            2                 4   5   6           8        14      18        24
const (
	arpSize    = 28
	arpRequest = 1
)

// arpProbe asks for a without saying who asks: the sender's IP address is zero, so that nobody's table is spoiled (RFC 5227).
func arpProbe(own net.HardwareAddr, a netip.Addr) []byte {
	p := make([]byte, arpSize)
	copy(p, []byte{0, 1, 8, 0, 6, 4, 0, arpRequest})
	copy(p[8:], own)
	ip := a.As4()
	copy(p[24:], ip[:])
	return p
}

// arpConflict tells whether a packet says that somebody else has a, or wants it at this moment too (RFC 5227 section 2.1.1).
func arpConflict(p []byte, own net.HardwareAddr, a netip.Addr) (net.HardwareAddr, bool) {
	if len(p) < arpSize || binary.BigEndian.Uint64(p[:8])>>16 != 0x000108000604 {
		return nil, false
	}
	who := net.HardwareAddr(slices.Clone(p[8:14]))
	if slices.Equal(who, own) {
		return nil, false
	}
	sender, target := netip.AddrFrom4([4]byte(p[14:18])), netip.AddrFrom4([4]byte(p[24:28]))
	wants := p[7] == arpRequest && sender.IsUnspecified() && target == a
	return who, sender == a || wants
}
