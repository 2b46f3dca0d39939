package netfilter

import (
	"net"
	"strings"
	"testing"
	"time"
)

// routing has the system forward packets, and the neighbours find their way.
func (l *lab) routing(t *testing.T) {
	t.Helper()
	writeSys(t, "/proc/sys/net/ipv4/ip_forward", "1")
	writeSys(t, "/proc/sys/net/ipv6/conf/all/forwarding", "1")
	l.office.gateway("192.0.2.1", "2001:db8:1::1")
}

func TestTheOfficePassesThroughWhereThePolicySaysSo(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	c := twoPortsV6()
	c.Passage = Masquerade
	l := twoPortLab(t, c)
	l.routing(t)
	l.carrier.do(func() { listen(t, "203.0.113.99:80"); listen(t, "[2001:db8:bad::1]:80") })
	l.office.connects("192.0.2.50", "203.0.113.99:80")
	l.office.connects("2001:db8:1::50", "[2001:db8:bad::1]:80")

	seen := l.sees(t, "203.0.113.99:20500") // a port that would be media's, were it the box's
	seen6 := l.sees(t, "[2001:db8:bad::1]:20500")
	for _, c := range []struct {
		from, to, as string
		seen         *net.UDPConn
	}{{"192.0.2.50:20001", "203.0.113.99:20500", "198.51.100.2", seen}, {"[2001:db8:1::50]:20001", "[2001:db8:bad::1]:20500", "2001:db8:2::2", seen6}} {
		var office *net.UDPConn
		l.office.do(func() {
			from, _ := net.ResolveUDPAddr("udp", c.from)
			office, _ = net.ListenUDP("udp", from)
		})
		defer office.Close()
		to, _ := net.ResolveUDPAddr("udp", c.to)
		if _, err := office.WriteTo([]byte("out"), to); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 100)
		_ = c.seen.SetReadDeadline(time.Now().Add(patience))
		n, from, err := c.seen.ReadFromUDP(b)
		if err != nil || string(b[:n]) != "out" || from.IP.String() != c.as || from.Port < ephemeralLow {
			t.Fatalf("got %q from %v, %v; want it from %s and none of the media ports", b[:n], from, err, c.as)
		}
		if _, err := c.seen.WriteTo([]byte("back"), from); err != nil {
			t.Fatal(err)
		}
		_ = office.SetReadDeadline(time.Now().Add(patience))
		if n, _, err := office.ReadFrom(b); err != nil || string(b[:n]) != "back" {
			t.Errorf("the answer: %q, %v", b[:n], err)
		}
	}
	l.probe(t, []probe{
		{"SIP past the box", l.lan, udpPacket("192.0.2.50:5060", "203.0.113.99:5060", hello), "sip_around", nil},
		{"SIP over TLS past the box", l.lan, tcpPacket("192.0.2.50:4000", "203.0.113.99:5061", flagSYN), "sip_around", nil},
		{"IPv6 SIP past the box", l.lan, udpPacket("[2001:db8:1::50]:5060", "[2001:db8:bad::1]:5060", hello), "sip_around", nil},
		{"from outside", l.wan, tcpPacket("203.0.113.99:4000", "192.0.2.50:80", flagSYN), "forwarded", nil},
		{"from outside, IPv6", l.wan, tcpPacket("[2001:db8:bad::1]:4000", "[2001:db8:1::50]:80", flagSYN), "forwarded", nil},
		{"SIP to the box", l.lan, udpPacket("192.0.2.10:5060", "192.0.2.1:5060", hello), "inside_udp_5060_pbx", nil},
	})
	l.set(twoPortsV6())
	if text := listing(t, DefaultTable); strings.Contains(text, "snat") {
		t.Error("addresses are still translated")
	}
	l.probe(t, []probe{{"no passage any more", l.lan, tcpPacket("192.0.2.50:4001", "203.0.113.99:80", flagSYN), "forwarded", nil}})
}

func TestPassageNeedsTwoPorts(t *testing.T) {
	c := onePort()
	c.Passage = Forward
	if err := c.Check(); err == nil || !strings.Contains(err.Error(), "two ports") {
		t.Errorf("Check: %v", err)
	}
	c = twoPorts()
	c.Passage = "everything"
	if err := c.Check(); err == nil || !strings.Contains(err.Error(), "everything") {
		t.Errorf("Check: %v", err)
	}
}

// sees listens on UDP in the carrier's space.
func (l *lab) sees(t *testing.T, local string) *net.UDPConn {
	t.Helper()
	var conn *net.UDPConn
	l.carrier.do(func() {
		addr, err := net.ResolveUDPAddr("udp", local)
		if err == nil {
			conn, err = net.ListenUDP("udp", addr)
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	t.Cleanup(func() { conn.Close() })
	return conn
}
