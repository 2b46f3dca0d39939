package netfilter

import (
	"context"
	"net/netip"
	"testing"
	"time"
)

// watch collects what the packet log tells.
func (l *lab) watch() <-chan Drop {
	l.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	drops, done := make(chan Drop, 1000), make(chan error, 1)
	go func() { done <- WatchDrops(ctx, func(d Drop) { drops <- d }) }()
	l.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			l.t.Error(err)
		}
	})
	for end := time.Now().Add(patience); time.Now().Before(end); { // until it listens
		l.wan.send(udpPacket("198.51.100.77:1", "198.51.100.2:5060", hello))
		select {
		case <-drops:
			return drops
		case <-time.After(20 * time.Millisecond):
		}
	}
	l.t.Fatal("nothing is told")
	return nil
}

func TestWhatIsDroppedIsToldWithItsReason(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	l := twoPortLab(t, twoPortsV6())
	l.ban(ban("203.0.113.99/32", time.Minute))
	drops := l.watch()
	late := inPieces(udpPacket("203.0.113.98:5060", "198.51.100.2:5060", invite), 3)
	late.onlyNonFirst, late.mtu = true, 2000
	for _, c := range []struct {
		packet packet
		from   *sender
		want   Drop
	}{
		{udpPacket("203.0.113.99:4000", "198.51.100.2:5060", hello), l.wan, Drop{Reason: "banned", Interface: "wan0", Protocol: "udp"}},
		{tcpPacket("203.0.113.98:4000", "198.51.100.2:443", flagSYN), l.wan, Drop{Reason: "outside_page_refused", Interface: "wan0", Protocol: "tcp"}},
		{udpPacket("[2001:db8:bad::1]:4000", "[2001:db8:2::2]:20000", hello), l.wan, Drop{Reason: "outside_rtp_closed", Interface: "wan0", Protocol: "udp"}},
		{udpPacket("192.0.2.10:5060", "192.0.2.1:5060", []byte{0x16, 3, 1, 0}), l.lan, Drop{Reason: "not_sip", Interface: "lan0", Protocol: "udp"}},
		{icmpPacket("203.0.113.98", "198.51.100.2", 8), l.wan, Drop{Reason: "outside_invalid", Interface: "wan0", Protocol: "icmp"}},
		{late, l.wan, Drop{Reason: "fragments_refused", Interface: "wan0", Protocol: "udp"}},
	} {
		c.from.send(c.packet)
		c.want.Source, c.want.Destination = ends(c.packet)
		for end := time.After(patience); ; {
			var got Drop
			select {
			case got = <-drops:
			case <-end:
				t.Fatalf("%s was not told", c.want.Reason)
			}
			if got.Reason == "outside_sip_refused" || got.Reason == "outside_broadcast" || got.Reason == "inside_broadcast" {
				continue // of watch's own, and hosts that announce themselves
			}
			if got.Bytes < 20 || time.Since(got.At) > patience {
				t.Errorf("%d bytes at %v", got.Bytes, got.At)
			}
			got.At, got.Bytes = time.Time{}, 0
			if got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
			break
		}
	}
}

func ends(p packet) (src, dst netip.AddrPort) {
	var from, to uint16
	if (p.protocol == 17 || p.protocol == 6) && !p.onlyNonFirst {
		from, to = uint16(p.payload[0])<<8|uint16(p.payload[1]), uint16(p.payload[2])<<8|uint16(p.payload[3])
	}
	return netip.AddrPortFrom(p.src, from), netip.AddrPortFrom(p.dst, to)
}

// A flood of one kind must not hide the others, and must not become a flood of messages.
func TestSamplesAreFewAndOfEveryReason(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	l := twoPortLab(t, twoPorts())
	drops := l.watch()
	start := time.Now()
	for range 5000 {
		l.wan.send(udpPacket("203.0.113.99:4000", "198.51.100.2:5060", hello))
	}
	l.wan.send(tcpPacket("203.0.113.99:4000", "198.51.100.2:443", flagSYN))
	flood, other := 0, false
	for end := time.After(300 * time.Millisecond); ; {
		select {
		case d := <-drops:
			flood++
			other = other || d.Reason == "outside_page_refused"
			continue
		case <-end:
		}
		break
	}
	if most := sampleBurst + int(time.Since(start).Seconds()*samplesASecond) + 8; flood > most || !other {
		t.Errorf("%d samples of 5,000, want at most %d; the other one told: %v", flood, most, other)
	}
}

func FuzzReadDrop(f *testing.F) {
	whole := udpPacket("[2001:db8::1]:1", "[2001:db8::2]:2", hello)
	for _, p := range []packet{whole, udpPacket("192.0.2.1:1", "192.0.2.2:2", hello), inPieces(whole, 1)} {
		b := p.wire()[0]
		b = append([]byte{byte(4 + len(b)), byte((4 + len(b)) >> 8), 9, 0}, b...)
		f.Add(append([]byte{2, 0, 0, 0, 11, 0, 10, 0, 'b', 'a', 'n', 'n', 'e', 'd', 0, 0}, b...))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := readDrop(data, time.Unix(0, 0))
		if err == nil && (!d.Source.IsValid() || !d.Destination.IsValid() || d.Protocol == "") {
			t.Errorf("read without fault, but %+v", d)
		}
	})
}
