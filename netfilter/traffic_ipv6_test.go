package netfilter

import (
	"net"
	"testing"
)

func TestIPv6IsDecidedLikeIPv4(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	l := twoPortLab(t, twoPortsV6())
	inside, outside := l.receiver("[2001:db8:1::1]:5060"), l.receiver("[2001:db8:2::2]:5060")
	rtp := l.receiver("[2001:db8:2::2]:20000")
	l.accepts("[2001:db8:1::1]:443")
	l.accepts("[2001:db8:2::2]:5061")
	l.office.connects("2001:db8:1::50", "[2001:db8:1::1]:443")
	l.carrier.connects("2001:db8:c::5", "[2001:db8:2::2]:5061")
	l.openHole(hole(Outside, "[2001:db8:2::2]:20000", "2001:db8:bad::1/128", "2001:db8:e::/64"))

	sip := func(src, dst string) packet { return udpPacket(src, dst, hello) }
	l.probe(t, []probe{
		{"pbx", l.lan, sip("[2001:db8:1::10]:5060", "[2001:db8:1::1]:5060"), "inside_udp_5060_pbx", inside},
		{"other host inside", l.lan, sip("[2001:db8:1::50]:5060", "[2001:db8:1::1]:5060"), "inside_sip_refused", nil},
		{"carrier", l.wan, sip("[2001:db8:c::5]:5060", "[2001:db8:2::2]:5060"), "outside_udp_5060_trunk_carrier-c", outside},
		{"stranger", l.wan, sip("[2001:db8:bad::1]:5060", "[2001:db8:2::2]:5060"), "outside_sip_refused", nil},
		{"carrier to the inside address", l.wan, sip("[2001:db8:c::5]:5060", "[2001:db8:1::1]:5060"), "outside_sip_refused", nil},
		{"forged inside source", l.wan, sip("[2001:db8:1::10]:5060", "[2001:db8:1::1]:5060"), "forged", nil},
		{"our own address", l.wan, sip("[2001:db8:2::2]:5060", "[2001:db8:2::2]:5060"), "forged", nil},
		{"page from outside", l.wan, tcpPacket("[2001:db8:c::5]:4000", "[2001:db8:2::2]:443", flagSYN), "outside_page_refused", nil},
		{"TLS stranger", l.wan, tcpPacket("[2001:db8:bad::1]:4000", "[2001:db8:2::2]:5061", flagSYN), "outside_sip_refused", nil},
		{"UDP", l.wan, sip("[2001:db8:c::5]:5060", "[2001:db8:2::2]:161"), "outside_dropped", nil},
		{"media with a pinhole", l.wan, sip("[2001:db8:bad::1]:4000", "[2001:db8:2::2]:20000"), "outside_rtp", rtp},
		{"media with a pinhole for its prefix", l.wan, sip("[2001:db8:e::9]:4000", "[2001:db8:2::2]:20000"), "outside_rtp", rtp},
		{"media without", l.wan, sip("[2001:db8:c::5]:4000", "[2001:db8:2::2]:20000"), "outside_rtp_closed", nil},
		{"too big", l.wan, icmpPacket("2001:db8:bad::1", "2001:db8:2::2", 2, make([]byte, 60)...), "outside_icmp_errors", nil},
		{"ping of a stranger", l.wan, icmpPacket("2001:db8:bad::1", "2001:db8:2::2", 128, 0, 0, 0, 0), "outside_dropped", nil},
	})
}

func TestNeighbourDiscoveryIsForTheLinkAndRoutersAreOutside(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	l := twoPortLab(t, twoPortsV6())
	const neighbour, router, listeners = 135, 134, 130
	solicit := append(make([]byte, 4), net.ParseIP("2001:db8:2::2")...)
	message := func(kind byte, src, dst string, hops byte) packet {
		p := icmpPacket(src, dst, kind, solicit...)
		p.hops = hops
		return p
	}
	for _, c := range []struct {
		name   string
		from   *sender
		packet packet
		passes bool
	}{
		{"neighbour", l.wan, message(neighbour, "2001:db8:2::77", "2001:db8:2::2", 255), true},
		{"neighbour that was forwarded", l.wan, message(neighbour, "2001:db8:2::77", "2001:db8:2::2", 254), false},
		{"router outside", l.wan, message(router, "fe80::1", "2001:db8:2::2", 255), true},
		{"router inside", l.lan, message(router, "fe80::1", "2001:db8:1::1", 255), false},
		{"query of a switch", l.lan, message(listeners, "fe80::1", "2001:db8:1::1", 1), true},
		{"query from afar", l.wan, message(listeners, "2001:db8:c::5", "2001:db8:2::2", 64), false},
		{"neighbour that tells our address is taken", l.wan, message(136, "2001:db8:2::2", "2001:db8:2::2", 255), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			l.t = t
			want := map[string]uint64{"neighbours": 1}
			if !c.passes {
				want = map[string]uint64{"outside_dropped": 1}
				if c.from == l.lan {
					want = map[string]uint64{"inside_dropped": 1}
				}
			}
			l.counted(want, func() { c.from.send(c.packet) })
		})
	}
}

// The switch of a home router announces itself with the prefix of the office: the gateway is outside all the same.
func TestTheGatewayIsNeverInside(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	c := twoPorts()
	c.Inside.Prefixes = prefixes("192.0.2.0/24", "198.51.100.0/24")
	c.Services = append(c.Services, Service{Name: "trunk router", Side: Outside, Protocol: UDP, Port: 5060,
		Sources: prefixes("198.51.100.1/32")})
	l := twoPortLab(t, c)
	box := l.receiver("198.51.100.2:5060")
	l.probe(t, []probe{
		{"gateway", l.wan, udpPacket("198.51.100.1:5060", "198.51.100.2:5060", hello), "outside_udp_5060_trunk_router", box},
		{"its neighbour", l.wan, udpPacket("198.51.100.9:5060", "198.51.100.2:5060", hello), "forged", nil},
	})
}
