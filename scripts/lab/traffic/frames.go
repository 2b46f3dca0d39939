package traffic

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"
)

// frames sends packets as Ethernet frames by one link, with their headers of IP and UDP written beforehand: no route, no
// neighbour and no bridge is looked up for each.
type frames struct {
	fd   int
	own  net.HardwareAddr
	far  net.HardwareAddr
	from netip.AddrPort
}

// ethernet, ipv4 and udp are the lengths of headers.
const (
	ethernet = 14
	ipv4     = 20
	udp      = 8
)

// sendFrames has the packets of an end leave by its link.
func (p *pipe) sendFrames(e End) error {
	f := &frames{fd: -1, far: e.Link.Far, from: e.Address}
	err := e.within(func() error {
		link, err := net.InterfaceByName(e.Link.Name)
		if err != nil {
			return fmt.Errorf("find %s: %w", e.Link.Name, err)
		}
		f.own = link.HardwareAddr
		if f.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0); err != nil { // 0: nothing arrives
			return os.NewSyscallError("socket", err)
		}
		if err := unix.SetsockoptInt(f.fd, unix.SOL_PACKET, unix.PACKET_QDISC_BYPASS, 1); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
		if err := unix.SetsockoptInt(f.fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, buffer); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
		return os.NewSyscallError("bind", unix.Bind(f.fd, &unix.SockaddrLinklayer{Ifindex: link.Index}))
	})
	if err != nil {
		if f.fd >= 0 {
			unix.Close(f.fd)
		}
		return fmt.Errorf("send by %s: %w", e.Link.Name, err)
	}
	p.frames = f
	for i := range p.out.messages {
		p.out.messages[i].header.Name, p.out.messages[i].header.Namelen = nil, 0
	}
	return nil
}

// head is what stands before every packet to an address. The length of all is known: what goes to one address is of one kind.
func (f *frames) head(to netip.AddrPort, payload int) []byte {
	b := make([]byte, 0, ethernet+ipv4+udp)
	b = append(append(append(b, f.far...), f.own...), 0x08, 0x00) // IPv4
	b = append(b, 4<<4|ipv4/4, 0xb8)                              // DSCP EF, as telephones mark audio
	b = binary.BigEndian.AppendUint16(b, uint16(ipv4+udp+payload))
	b = append(b, 0, 0, 0x40, 0, 64, unix.IPPROTO_UDP, 0, 0) // never to be fragmented, 64 hops
	own, far := f.from.Addr().As4(), to.Addr().As4()
	b = append(append(b, own[:]...), far[:]...)
	sum := uint32(0)
	for i := ethernet; i < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	sum = sum&0xffff + sum>>16
	binary.BigEndian.PutUint16(b[ethernet+10:], ^uint16(sum&0xffff+sum>>16))
	b = binary.BigEndian.AppendUint16(b, f.from.Port())
	b = binary.BigEndian.AppendUint16(b, to.Port())
	return append(binary.BigEndian.AppendUint16(b, uint16(udp+payload)), 0, 0) // no checksum: there is no wire (RFC 768)
}
