package netfilter

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestTheDenyTableReadsAsItsGolden(t *testing.T) {
	compareGolden(t, "deny.nft", DenyRuleset().String())
}

func TestNothingIsLetInWhileTheProgramIsAway(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	l := twoPortLab(t, twoPortsV6())
	l.openHole(hole(Outside, "198.51.100.2:20000", "203.0.113.5/32"))
	l.ban(ban("203.0.113.99/32", time.Hour), ban("2001:db8:b0d::/48", time.Hour))
	l.accepts("192.0.2.1:443")
	if err := l.filter.Deny(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := l.filter.Close(); err != nil { // the program is gone
		t.Fatal(err)
	}
	l.filter.config, l.filter.rules = &Config{}, DenyRuleset() // only to read the counters
	l.probe(t, []probe{
		{"PBX", l.lan, udpPacket("192.0.2.10:5060", "192.0.2.1:5060", hello), "away", nil},
		{"carrier", l.wan, udpPacket("203.0.113.5:5060", "198.51.100.2:5060", hello), "away", nil},
		{"IPv6 carrier", l.wan, udpPacket("[2001:db8:c::5]:5060", "[2001:db8:2::2]:5060", hello), "away", nil},
		{"carrier by TLS", l.wan, tcpPacket("203.0.113.130:4000", "198.51.100.2:5061", flagSYN), "away", nil},
		{"page", l.lan, tcpPacket("192.0.2.50:4000", "192.0.2.1:443", flagSYN), "away", nil},
		{"IPv6 page", l.lan, tcpPacket("[2001:db8:1::50]:4000", "[2001:db8:1::1]:443", flagSYN), "away", nil},
		{"media of a call", l.wan, udpPacket("203.0.113.5:4000", "198.51.100.2:20000", []byte("rtp")), "away", nil},
		{"ping", l.lan, icmpPacket("192.0.2.50", "192.0.2.1", 8), "away", nil},
		{"fragments", l.wan, packetOf(inPieces(udpPacket("203.0.113.5:5060", "198.51.100.2:5060", invite[:1000]), 1)), "away", nil},
		{"banned", l.wan, udpPacket("203.0.113.99:5060", "198.51.100.2:5060", hello), "banned", nil},
		{"banned network", l.wan, udpPacket("[2001:db8:b0d::1]:5060", "[2001:db8:2::2]:5060", hello), "banned", nil},
	})
	if diff := cmp.Diff(static(DenyRuleset().String()), static(listing(t, DefaultTable))); diff != "" {
		t.Errorf("the kernel differs from the Ruleset (-ruleset +kernel):\n%s", diff)
	}

	next, err := Open(Options{Adopt: true}) // the program is back
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = next.Close() })
	l.filter = next
	l.set(twoPortsV6())
	l.probe(t, []probe{
		{"the call goes on", l.wan, udpPacket("203.0.113.5:4000", "198.51.100.2:20000", []byte("rtp")), "outside_rtp", nil},
		{"still banned", l.wan, udpPacket("203.0.113.99:5060", "198.51.100.2:5060", hello), "banned", nil},
		{"PBX", l.lan, udpPacket("192.0.2.10:5060", "192.0.2.1:5060", hello), "inside_udp_5060_pbx", nil},
	})
}

func packetOf(p packet) packet {
	p.mtu, p.onlyNonFirst = 600, true // one piece of two
	return p
}

// static returns what a table holds but for bans and pinholes.
func static(text string) []string {
	return slices.DeleteFunc(blocks(text), func(b string) bool { return strings.Contains(b, "set banned") || strings.Contains(b, "_rtp_") })
}
