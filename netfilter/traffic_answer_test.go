package netfilter

import (
	"net"
	"net/netip"
	"testing"
	"time"
)

func TestThePingOfTheInsideAndOfPeersIsAnswered(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	l := twoPortLab(t, twoPortsV6())
	for _, c := range []struct {
		from                       *space
		network, src, dst, counter string
	}{
		{l.office, "ip4:icmp", "192.0.2.50", "192.0.2.1", "inside_ping"},
		{l.carrier, "ip4:icmp", "203.0.113.5", "198.51.100.2", "outside_ping"},
		{l.office, "ip6:ipv6-icmp", "2001:db8:1::50", "2001:db8:1::1", "inside_ping"},
		{l.carrier, "ip6:ipv6-icmp", "2001:db8:c::5", "2001:db8:2::2", "outside_ping"},
	} {
		l.counted(map[string]uint64{c.counter: 1}, func() { c.from.ping(c.network, c.src, c.dst) })
	}
}

func TestWhatTheBoxAsksIsAnswered(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	l := twoPortLab(t, twoPorts())
	l.carrier.do(func() {
		listen(t, "203.0.113.5:443")
		echo(t, "203.0.113.5:53")
	})
	conn, err := net.Dial("tcp", "203.0.113.5:443")
	talk(t, conn, err)

	dns, err := net.Dial("udp", "203.0.113.5:53")
	if err != nil {
		t.Fatal(err)
	}
	defer dns.Close()
	l.counted(map[string]uint64{"outside_answers": 1}, func() { _, err = dns.Write([]byte("name?")) })
	(&receiver{t, dns.(*net.UDPConn)}).gets("name?")

	local := dns.LocalAddr().String()
	l.counted(map[string]uint64{"outside_dropped": 1}, func() { l.wan.send(udpPacket("203.0.113.6:53", local, hello)) })
	local = "127.0.0.1:" + local[len("198.51.100.2:"):]
	self := l.receiver(local)
	self.conn.WriteToUDPAddrPort([]byte("loopback"), netip.MustParseAddrPort(local))
	self.gets("loopback")
}

func echo(t *testing.T, local string) {
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort(local)))
	if err != nil {
		t.Error(err)
		return
	}
	t.Cleanup(func() { _ = conn.Close() })
	go func() {
		b := make([]byte, 2048)
		for {
			n, from, err := conn.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			_, _ = conn.WriteToUDPAddrPort(b[:n], from)
		}
	}()
}

func (s *space) ping(network, src, dst string) {
	s.t.Helper()
	var conn net.PacketConn
	var err error
	s.do(func() { conn, err = net.ListenPacket(network, src) })
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	request, answer := byte(8), byte(0)
	if netip.MustParseAddr(src).Is6() {
		request, answer = 128, 129
	}
	p := icmpPacket(src, dst, request, 0, 7, 0, 1)
	if _, err := conn.WriteTo(p.payload, &net.IPAddr{IP: net.ParseIP(dst)}); err != nil {
		s.t.Fatal(err)
	}
	awaitICMP(s.t, conn, answer)
}

// awaitICMP reads until a message of this type comes.
func awaitICMP(t *testing.T, conn net.PacketConn, kind byte) {
	t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	b := make([]byte, 2048)
	for {
		n, _, err := conn.ReadFrom(b)
		if err != nil {
			t.Errorf("no ICMP message of type %d: %v", kind, err)
			return
		}
		if n > 0 && b[0] == kind {
			return
		}
	}
}
