package netfilter

import (
	"net/netip"
	"testing"
)

func TestWhatIsNotAllowedIsDroppedAndCounted(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	l := twoPortLab(t, twoPorts())
	other := newSpace(t)
	other.cable("dmz0")
	dmz := other.sender("dmz0")
	unreachable := icmpPacket("203.0.113.99", "198.51.100.2", 3, make([]byte, 32)...)
	l.probe(t, []probe{
		{"UDP outside", l.wan, udpPacket("203.0.113.5:5060", "198.51.100.2:161", hello), "outside_dropped", nil},
		{"UDP inside", l.lan, udpPacket("192.0.2.10:5060", "192.0.2.1:161", hello), "inside_dropped", nil},
		{"TCP outside", l.wan, tcpPacket("203.0.113.5:4000", "198.51.100.2:22", flagSYN), "outside_dropped", nil},
		{"TCP inside", l.lan, tcpPacket("192.0.2.10:4000", "192.0.2.1:22", flagSYN), "inside_dropped", nil},
		{"TCP that makes no sense", l.wan, tcpPacket("203.0.113.5:4000", "198.51.100.2:22", flagSYN|1), "outside_invalid", nil},
		{"other protocols", l.wan, packet{src: netip.MustParseAddr("203.0.113.5"), dst: netip.MustParseAddr("198.51.100.2"),
			protocol: 50, payload: make([]byte, 32)}, "outside_dropped", nil},
		{"inside source outside", l.wan, udpPacket("192.0.2.10:5060", "198.51.100.2:5060", hello), "forged", nil},
		{"inside source outside, to the inside", l.wan, udpPacket("192.0.2.10:5060", "192.0.2.1:5060", hello), "forged", nil},
		{"our own inside address", l.lan, udpPacket("192.0.2.1:5060", "192.0.2.1:5060", hello), "forged", nil},
		{"our own outside address", l.wan, tcpPacket("198.51.100.2:5061", "198.51.100.2:5061", flagSYN), "forged", nil},
		{"loopback source", l.wan, udpPacket("127.0.0.1:5060", "198.51.100.2:5060", hello), "forged", nil},
		{"third port", dmz, udpPacket("203.0.113.5:5060", "198.51.100.2:5060", hello), "other_port", nil},
		{"error about a datagram", l.wan, unreachable, "outside_icmp_errors", nil},
		{"timestamp request", l.wan, icmpPacket("203.0.113.5", "198.51.100.2", 13, make([]byte, 16)...), "outside_dropped", nil},
		{"ping from a stranger outside", l.wan, icmpPacket("203.0.113.99", "198.51.100.2", 8, make([]byte, 8)...), "outside_dropped", nil},
		{"broadcast", l.lan, udpPacket("192.0.2.50:137", "255.255.255.255:137", hello), "inside_broadcast", nil},
	})
}

func TestTheBoxNeverForwards(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	l := twoPortLab(t, twoPorts())
	writeSys(t, "/proc/sys/net/ipv4/ip_forward", "1")
	l.probe(t, []probe{
		{"office to carrier", l.lan, tcpPacket("192.0.2.50:4000", "203.0.113.5:443", flagSYN), "forwarded", nil},
		{"carrier to office", l.wan, udpPacket("203.0.113.5:9", "192.0.2.50:9", hello), "forwarded", nil},
	})
}
