package netfilter

import (
	"net/netip"
	"testing"
	"time"
)

// What the tests of IPv4 show packet by packet holds for IPv6 as well.
func TestIPv6IsDroppedForTheSameReasons(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	c := withPhones()
	c.Page.Sources = prefixes("2001:db8:1::50/128", "192.0.2.50/32")
	l := twoPortLab(t, c)
	other := newSpace(t)
	other.cable("dmz0")
	dmz := other.sender("dmz0")
	phones := l.receiver("[2001:db8:1::1]:5060")
	l.ban(ban("2001:db8:1::66/128", time.Hour), ban("2001:db8:bad:1::/64", time.Hour))
	if _, err := l.filter.Block(prefixes("2001:db8:b10c::/48")); err != nil {
		t.Fatal(err)
	}
	broken := inPieces(udpPacket("[2001:db8:bad::1]:5060", "[2001:db8:2::2]:5060", invite), 9)
	broken.onlyNonFirst, broken.mtu = true, 2000
	sip := func(src, dst string) packet { return udpPacket(src, dst, hello) }
	syn := func(src, dst string) packet { return tcpPacket(src, dst, flagSYN) }
	l.probe(t, []probe{
		{"a phone", l.lan, sip("[2001:db8:1::50]:5060", "[2001:db8:1::1]:5060"), "inside_udp_5060_phones", phones},
		{"a banned phone", l.lan, sip("[2001:db8:1::66]:5060", "[2001:db8:1::1]:5060"), "banned", nil},
		{"its neighbour in the same /64", l.lan, sip("[2001:db8:1::67]:5060", "[2001:db8:1::1]:5060"), "inside_udp_5060_phones", phones},
		{"a banned /64 outside", l.wan, sip("[2001:db8:bad:1::9]:5060", "[2001:db8:2::2]:5060"), "banned", nil},
		{"the block list", l.wan, syn("[2001:db8:b10c:7::9]:4000", "[2001:db8:2::2]:443"), "blocked", nil},
		{"no SIP", l.lan, udpPacket("[2001:db8:1::50]:5060", "[2001:db8:1::1]:5060", make([]byte, 40)), "not_sip", nil},
		{"a phone to the outside address", l.lan, sip("[2001:db8:1::50]:5060", "[2001:db8:2::2]:5060"), "inside_sip_refused", nil},
		{"a fragment of a stranger", l.wan, broken, "fragments_refused", nil},
		{"UDP inside", l.lan, sip("[2001:db8:1::10]:5060", "[2001:db8:1::1]:161"), "inside_dropped", nil},
		{"TCP inside", l.lan, syn("[2001:db8:1::10]:4000", "[2001:db8:1::1]:22"), "inside_dropped", nil},
		{"TCP outside", l.wan, syn("[2001:db8:c::5]:4000", "[2001:db8:2::2]:22"), "outside_dropped", nil},
		{"TCP that makes no sense", l.wan, tcpPacket("[2001:db8:c::5]:4000", "[2001:db8:2::2]:22", flagSYN|1), "outside_invalid", nil},
		{"other protocols", l.wan, packet{src: netip.MustParseAddr("2001:db8:c::5"), dst: netip.MustParseAddr("2001:db8:2::2"),
			protocol: 50, payload: make([]byte, 32)}, "outside_dropped", nil},
		{"inside source outside, to the inside", l.wan, sip("[2001:db8:1::10]:5060", "[2001:db8:1::1]:5060"), "forged", nil},
		{"our own inside address", l.lan, sip("[2001:db8:1::1]:5060", "[2001:db8:1::1]:5060"), "forged", nil},
		{"third port", dmz, sip("[2001:db8:c::5]:5060", "[2001:db8:2::2]:5060"), "other_port", nil},
		{"media inside without a call", l.lan, sip("[2001:db8:1::50]:4000", "[2001:db8:1::1]:20000"), "inside_rtp_closed", nil},
		{"the page, source not allowed", l.lan, syn("[2001:db8:1::10]:4000", "[2001:db8:1::1]:443"), "inside_page_refused", nil},
		{"the page from outside, to the inside address", l.wan, syn("[2001:db8:c::5]:4000", "[2001:db8:1::1]:443"), "outside_page_refused", nil},
		{"the page from the gateway", l.wan, syn("[2001:db8:2::1]:4000", "[2001:db8:2::2]:443"), "outside_page_refused", nil},
		{"an error about a datagram", l.wan, icmpPacket("2001:db8:bad::1", "2001:db8:2::2", 1, make([]byte, 60)...), "outside_icmp_errors", nil},
	})
}

func TestABlockListOfAHundredThousandIsSetInASecond(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	l := twoPortLab(t, twoPorts())
	list := make([]netip.Prefix, 100_000)
	for i := range list {
		list[i] = netip.PrefixFrom(netip.AddrFrom4([4]byte{11 + byte(i>>16), byte(i >> 8), byte(i), 1}), 32)
	}
	for range 2 { // brought again it is the same
		start := cpu(t)
		n, err := l.filter.Block(list)
		if took := cpu(t) - start; err != nil || n != len(list) || took > time.Second {
			t.Errorf("%d sources in %v, %v", n, took, err)
		} else {
			t.Logf("%d sources in %v", n, took)
		}
	}
	l.probe(t, []probe{
		{"the last one", l.wan, udpPacket("12.134.159.1:5060", "198.51.100.2:5060", hello), "blocked", nil},
		{"its neighbour", l.wan, udpPacket("12.134.159.2:5060", "198.51.100.2:5060", hello), "outside_sip_refused", nil},
	})
}
