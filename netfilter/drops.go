package netfilter

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// Drop is one packet that was dropped: a sample, a few a second for each reason. The counters have them all.
type Drop struct {
	At          time.Time
	Reason      string         // the name of the counter that counted it
	Interface   string         // that it arrived on; empty when the interface is gone
	Protocol    string         // udp, tcp, icmp, ipv6-icmp, or the number of another
	Source      netip.AddrPort // port 0: a protocol without ports, or a fragment that does not have them
	Destination netip.AddrPort
	Bytes       int // with its IP header
}

// Knock tells whether somebody outside whom no service lists tried SIP's ports or the page's, as those do who look for
// victims. The source of such a packet may be forged.
func (d Drop) Knock() bool {
	return d.Reason == Outside.sipRefused().name || d.Reason == Outside.pageRefused().name
}

// WatchDrops tells samples of what the table drops, by the kernel's packet log (NFLOG), until ctx is done. It blocks. There
// can be one watcher at a time; without one the kernel throws the samples away.
func WatchDrops(ctx context.Context, tell func(Drop)) error {
	conn, err := netlink.Dial(unix.NETLINK_NETFILTER, nil)
	if err != nil {
		return fmt.Errorf("open netlink to the packet log: %w", err)
	}
	defer conn.Close()
	for _, attributes := range bindLog() {
		if err := configureLog(conn, attributes); err != nil {
			return fmt.Errorf("listen to group %d of the packet log: %w", LogGroup, err)
		}
	}
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	for {
		messages, err := conn.Receive()
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, unix.ENOBUFS): // more came than fits; they are samples anyway
			continue
		case err != nil:
			return fmt.Errorf("read the packet log: %w", err)
		}
		for _, m := range messages {
			if m.Header.Type != logPacket {
				continue
			}
			if d, err := readDrop(m.Data, time.Now()); err == nil { // what cannot be read is not ours
				tell(d)
			}
		}
	}
}

// The messages of linux/netfilter/nfnetlink_log.h.
const (
	logPacket = unix.NFNL_SUBSYS_ULOG << 8
	logConfig = unix.NFNL_SUBSYS_ULOG<<8 | 1
)

// bindLog are the attributes that make this socket the listener and have each packet sent at once.
func bindLog() [][]netlink.Attribute {
	const command, mode, threshold, bind, copyPacket = 1, 2, 5, 1, 2
	return [][]netlink.Attribute{
		{{Type: command, Data: []byte{bind}}},
		{{Type: mode, Data: append(binary.BigEndian.AppendUint32(nil, sampleBytes), copyPacket, 0)}},
		{{Type: threshold, Data: binary.BigEndian.AppendUint32(nil, 1)}},
	}
}

func configureLog(conn *netlink.Conn, attributes []netlink.Attribute) error {
	body, err := netlink.MarshalAttributes(attributes)
	if err != nil {
		return err
	}
	header := binary.BigEndian.AppendUint16([]byte{unix.AF_UNSPEC, 0}, LogGroup) // struct nfgenmsg
	_, err = conn.Execute(netlink.Message{
		Header: netlink.Header{Type: logConfig, Flags: netlink.Request | netlink.Acknowledge}, Data: append(header, body...),
	})
	return err
}

// readDrop reads one packet of the log: struct nfgenmsg and its attributes.
func readDrop(data []byte, now time.Time) (Drop, error) {
	const inDevice, timestamp, payload, prefix = 4, 3, 9, 10
	if len(data) < 4 {
		return Drop{}, errors.New("packet log: a message without header")
	}
	attributes, err := netlink.NewAttributeDecoder(data[4:])
	if err != nil {
		return Drop{}, fmt.Errorf("packet log: %w", err)
	}
	attributes.ByteOrder = binary.BigEndian
	d := Drop{At: now}
	var packet []byte
	for attributes.Next() {
		switch attributes.Type() {
		case inDevice:
			d.Interface = interfaceName(attributes.Uint32())
		case timestamp:
			if b := attributes.Bytes(); len(b) == 16 {
				d.At = time.Unix(int64(binary.BigEndian.Uint64(b)), int64(binary.BigEndian.Uint64(b[8:])%1e6)*1000)
			}
		case payload:
			packet = attributes.Bytes()
		case prefix:
			d.Reason = attributes.String()
		}
	}
	if err := attributes.Err(); err != nil {
		return Drop{}, fmt.Errorf("packet log: %w", err)
	}
	return d, d.read(packet)
}

// interfaceName looks an interface up; one that is gone has no name.
func interfaceName(index uint32) string {
	if i, err := net.InterfaceByIndex(int(index)); err == nil {
		return i.Name
	}
	return ""
}

// read takes addresses, protocol and ports from the packet's headers.
func (d *Drop) read(packet []byte) error {
	if len(packet) < 1 {
		return errShortPacket
	}
	var next byte
	var rest []byte
	var source, destination netip.Addr
	switch version := packet[0] >> 4; {
	case version == 4 && len(packet) >= 20: // RFC 791 section 3.1
		size := int(packet[0]&0x0f) * 4
		if size < 20 || len(packet) < size {
			return errShortPacket
		}
		source, destination = netip.AddrFrom4([4]byte(packet[12:16])), netip.AddrFrom4([4]byte(packet[16:20]))
		next, d.Bytes = packet[9], int(binary.BigEndian.Uint16(packet[2:]))
		if rest = packet[size:]; binary.BigEndian.Uint16(packet[6:])&0x1fff != 0 {
			rest = nil // not the first fragment: no ports
		}
	case version == 6 && len(packet) >= 40: // RFC 8200 section 3
		source, destination = netip.AddrFrom16([16]byte(packet[8:24])), netip.AddrFrom16([16]byte(packet[24:40]))
		next, rest, d.Bytes = packet[6], packet[40:], 40+int(binary.BigEndian.Uint16(packet[4:]))
		if next == unix.IPPROTO_FRAGMENT && len(rest) >= 8 { // RFC 8200 section 4.5
			later := binary.BigEndian.Uint16(rest[2:])>>3 != 0
			next, rest = rest[0], rest[8:]
			if later {
				rest = nil
			}
		}
	default:
		return errShortPacket
	}
	d.Protocol = protocolOf(next)
	var from, to uint16
	if (next == unix.IPPROTO_UDP || next == unix.IPPROTO_TCP) && len(rest) >= 4 {
		from, to = binary.BigEndian.Uint16(rest), binary.BigEndian.Uint16(rest[2:])
	}
	d.Source, d.Destination = netip.AddrPortFrom(source, from), netip.AddrPortFrom(destination, to)
	return nil
}

var errShortPacket = errors.New("packet log: a packet without its headers")

func protocolOf(number byte) string {
	switch number {
	case unix.IPPROTO_UDP, unix.IPPROTO_TCP, unix.IPPROTO_ICMPV6:
		return protocolName(number)
	case unix.IPPROTO_ICMP:
		return "icmp"
	default:
		return fmt.Sprint(number)
	}
}
