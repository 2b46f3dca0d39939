package netfilter

import (
	"strings"
	"testing"
	"time"
)

// invite is longer than one packet, as carriers send it over UDP.
var invite = []byte("INVITE sip:box SIP/2.0\r\n" + strings.Repeat("a", 3000))

func inPieces(p packet, identity uint16) packet {
	p.mtu, p.fragmentIdentity = 1400, identity
	return p
}

func TestFragmentsOfPeersArePutTogetherAndOthersAreNot(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	l := twoPortLab(t, twoPortsV6())
	for _, c := range []struct{ name, peer, tlsPeer, stranger, box, service string }{
		{"IPv4", "203.0.113.5:5060", "203.0.113.130:5060", "203.0.113.99:5060", "198.51.100.2:5060", "outside_udp_5060_trunk_carrier-a"},
		{"IPv6", "[2001:db8:c::5]:5060", "", "[2001:db8:bad::1]:5060", "[2001:db8:2::2]:5060", "outside_udp_5060_trunk_carrier-c"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l.t = t
			box := l.receiver(c.box)
			l.counted(map[string]uint64{"fragments": 3, c.service: 1}, func() {
				l.wan.send(inPieces(udpPacket(c.peer, c.box, invite), 1))
			})
			box.gets(string(invite))
			l.counted(map[string]uint64{"fragments_refused": 3}, func() {
				l.wan.send(inPieces(udpPacket(c.stranger, c.box, invite), 2))
			})
			late := inPieces(udpPacket(c.stranger, c.box, invite), 3)
			late.onlyNonFirst = true
			l.counted(map[string]uint64{"fragments_refused": 2}, func() { l.wan.send(late) })
			if c.tlsPeer != "" { // put together, and then refused by its port
				l.counted(map[string]uint64{"fragments": 3, "outside_sip_refused": 1}, func() {
					l.wan.send(inPieces(udpPacket(c.tlsPeer, c.box, invite), 4))
				})
			}
			box.isEmpty()
		})
	}
}

// Pieces must not slip past the decision that the whole packet would have met.
func TestFragmentsOfAPeerReachNoOtherPort(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	l := twoPortLab(t, twoPortsV6())
	for _, c := range []struct{ peer, box string }{
		{"203.0.113.5:5060", "198.51.100.2:"}, {"[2001:db8:c::5]:5060", "[2001:db8:2::2]:"},
	} {
		media, other := l.receiver(c.box+"20000"), l.receiver(c.box+"161")
		for identity, p := range map[uint16]struct{ port, counter string }{
			11: {"20000", "outside_rtp_closed"}, 12: {"161", "outside_dropped"},
		} {
			tiny := inPieces(udpPacket(c.peer, c.box+p.port, make([]byte, 64)), identity)
			tiny.mtu = 8 // the first piece holds the ports and nothing else
			l.counted(map[string]uint64{"fragments": 9, p.counter: 1}, func() { l.wan.send(tiny) })
		}
		media.isEmpty()
		other.isEmpty()
	}
}

func TestAPeerThatFloodsWithFragmentsKeepsNobodyElseOut(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	l := twoPortLab(t, twoPorts())
	box := l.receiver("198.51.100.2:5060")
	flood := udpPacket("203.0.113.5:5060", "198.51.100.2:5060", make([]byte, 64))
	flood.mtu, flood.onlyNonFirst = 64, true
	start := time.Now()
	const sent = 1000
	before := l.counts()
	for i := range sent {
		flood.fragmentIdentity = uint16(i)
		l.wan.send(flood)
	}
	r := fragmentRate()
	allowed := uint64(r.burst) + uint64(time.Since(start).Seconds()*float64(r.perSecond)) + 2
	after := l.counts()
	passed, refused := after["fragments"]-before["fragments"], after["fragments_refused"]-before["fragments_refused"]
	if passed+refused != sent || passed < uint64(r.burst)-1 || passed > allowed {
		t.Errorf("of %d fragments %d passed and %d were refused; want some %d to %d to pass", sent, passed, refused, r.burst, allowed)
	}
	l.counted(map[string]uint64{"fragments": 3, "outside_udp_5060_trunk_carrier-a": 1}, func() {
		l.wan.send(inPieces(udpPacket("203.0.113.6:5060", "198.51.100.2:5060", invite), 7))
	})
	box.gets(string(invite))
}
