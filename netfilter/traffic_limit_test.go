package netfilter

import (
	"fmt"
	"net"
	"testing"
	"time"
)

func TestOnlyWhatBeginsLikeSIPReachesItsPort(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	l := twoPortLab(t, twoPortsV6())
	in, out, in6, out6 := l.receiver("192.0.2.1:5060"), l.receiver("198.51.100.2:5060"), l.receiver("[2001:db8:1::1]:5060"), l.receiver("[2001:db8:2::2]:5060")
	stun := []byte{1, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}
	var probes []probe
	for name, payload := range map[string][]byte{
		"request": hello, "response": []byte("SIP/2.0 200 OK\r\n\r\n"), "odd method": []byte("!interesting* sip:x SIP/2.0\r\n\r\n"),
		"keep-alive": []byte("\r\n\r\n"), "pong": []byte("\r\n"), "STUN": stun,
	} {
		probes = append(probes,
			probe{name + " of the PBX", l.lan, udpPacket("192.0.2.10:5060", "192.0.2.1:5060", payload), "inside_udp_5060_pbx", in},
			probe{name + " of a carrier", l.wan, udpPacket("203.0.113.5:5060", "198.51.100.2:5060", payload), "outside_udp_5060_trunk_carrier-a", out},
			probe{name + " of the IPv6 PBX", l.lan, udpPacket("[2001:db8:1::10]:5060", "[2001:db8:1::1]:5060", payload), "inside_udp_5060_pbx", in6},
			probe{name + " of an IPv6 carrier", l.wan, udpPacket("[2001:db8:c::5]:5060", "[2001:db8:2::2]:5060", payload), "outside_udp_5060_trunk_carrier-c", out6})
	}
	for name, payload := range map[string][]byte{
		"TLS": {0x16, 3, 1, 2, 0, 1}, "RTP": {0x80, 0, 0, 1, 0, 0, 0, 1}, "zeroes": make([]byte, 20), "nothing": {}, "three letters": []byte("INV"),
		"UTF-8": []byte("\xc3\xa9cole"), "blanks": []byte("    INVITE"), "STUN without cookie": {1, 1, 0, 0, 0, 0, 0, 0},
	} {
		probes = append(probes,
			probe{name + " of the PBX", l.lan, udpPacket("192.0.2.10:5060", "192.0.2.1:5060", payload), "not_sip", nil},
			probe{name + " of an IPv6 carrier", l.wan, udpPacket("[2001:db8:c::5]:5060", "[2001:db8:2::2]:5060", payload), "not_sip", nil})
	}
	l.probe(t, probes)
}

// flood sends so many packets at once and tells by how much counters rose.
func (l *lab) flood(from *sender, n int, p packet, names ...string) []uint64 {
	l.t.Helper()
	before := l.counts()
	for range n {
		from.send(p)
	}
	var rose []uint64
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		after, sum := l.counts(), uint64(0)
		rose = rose[:0]
		for _, name := range names {
			rose = append(rose, after[name]-before[name])
			sum += after[name] - before[name]
		}
		if sum >= uint64(n) || time.Now().After(end) {
			return rose
		}
	}
}

func TestAHostThatHasNotProvedItselfSendsWithinItsRate(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	l := twoPortLab(t, withPhones())
	for _, c := range []struct{ flooder, other, box string }{
		{"192.0.2.50:5060", "192.0.2.200:5060", "192.0.2.1:5060"}, {"[2001:db8:1::50]:5060", "[2001:db8:1::51]:5060", "[2001:db8:1::1]:5060"},
	} {
		start := time.Now()
		rose := l.flood(l.lan, 10_000, udpPacket(c.flooder, c.box, hello), "inside_udp_5060_phones", "inside_sip_over_rate")
		r := strangerRate()
		most := uint64(r.burst) + uint64(time.Since(start).Seconds()*float64(r.perSecond)) + 2
		if rose[0] < uint64(r.burst)-1 || rose[0] > most || rose[0]+rose[1] != 10_000 {
			t.Errorf("%s: %d passed and %d were refused; want %d to %d to pass", c.flooder, rose[0], rose[1], r.burst, most)
		}
		l.probe(t, []probe{{"another phone of the same network", l.lan, udpPacket(c.other, c.box, hello), "inside_udp_5060_phones", nil}})
	}
	l.probe(t, []probe{
		{"the PBX", l.lan, udpPacket("192.0.2.10:5060", "192.0.2.1:5060", hello), "inside_udp_5060_pbx", nil},
		{"a carrier", l.wan, udpPacket("203.0.113.5:5060", "198.51.100.2:5060", hello), "outside_udp_5060_trunk_carrier-a", nil},
	})
}

func TestAPeerThatFloodsIsHeldBackAtARateNoOfficeReaches(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	l := twoPortLab(t, twoPorts())
	start := time.Now()
	const sent = 60_000
	rose := l.flood(l.wan, sent, udpPacket("203.0.113.5:5060", "198.51.100.2:5060", hello), "outside_udp_5060_trunk_carrier-a", "outside_sip_over_rate")
	r := peerRate()
	most := uint64(r.burst) + uint64(time.Since(start).Seconds()*float64(r.perSecond)) + 2
	if rose[0] < uint64(r.burst)-1 || rose[0] > most || rose[0]+rose[1] != sent {
		t.Errorf("%d passed and %d were refused; want %d to %d to pass", rose[0], rose[1], r.burst, most)
	}
	l.probe(t, []probe{{"another server of the carrier", l.wan, udpPacket("203.0.113.6:5060", "198.51.100.2:5060", hello), "outside_udp_5060_trunk_carrier-a", nil}})
}

// With more sources than the kernel remembers, who is no peer is refused and peers are let in.
func TestFullSetsRefuseStrangersAndLetPeersIn(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	c := withPhones()
	c.Inside.Prefixes = append(c.Inside.Prefixes, prefixes("10.0.0.0/8")...)
	c.Services[len(c.Services)-1].Sources = append(c.Services[len(c.Services)-1].Sources, prefixes("10.0.0.0/8")...)
	c.Services = append(c.Services, Service{Name: "trunk wide", Side: Outside, Protocol: UDP, Port: 5060, Sources: prefixes("172.16.0.0/12")})
	l := twoPortLab(t, c)
	const sources = shareSetSize + 500
	before := l.counts()
	for i := range sources {
		phone := udpPacket("10.0.0.1:5060", "192.0.2.1:5060", hello)
		a := phone.src.As4()
		a[2], a[3] = byte(i>>8), byte(i)
		phone.src = addrFrom4(a)
		l.lan.send(phone)
		peer := udpPacket("172.16.0.1:5060", "198.51.100.2:5060", hello)
		b := peer.src.As4()
		b[2], b[3] = byte(i>>8), byte(i)
		peer.src = addrFrom4(b)
		l.wan.send(peer)
	}
	var phones, refused, peers uint64
	for end := time.Now().Add(patience); time.Now().Before(end) && (phones+refused < sources || peers < sources); time.Sleep(5 * time.Millisecond) {
		n := l.counts()
		phones, refused = n["inside_udp_5060_phones"]-before["inside_udp_5060_phones"], n["inside_sip_over_rate"]-before["inside_sip_over_rate"]
		peers = n["outside_udp_5060_trunk_wide"] - before["outside_udp_5060_trunk_wide"]
	}
	if phones > shareSetSize || phones+refused != sources {
		t.Errorf("%d of %d phones were let in and %d refused, with room for %d", phones, sources, refused, shareSetSize)
	}
	if peers != sources {
		t.Errorf("%d of %d peers were let in", peers, sources)
	}
}

func TestConnectionsOfOneSourceAreBounded(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	l := twoPortLab(t, twoPorts())
	ln, err := net.Listen("tcp", "192.0.2.1:443")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	var open []net.Conn
	connect := func(from string, wait time.Duration) error {
		d := net.Dialer{Timeout: wait, LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
		var conn net.Conn
		var err error
		l.office.do(func() { conn, err = d.Dial("tcp", "192.0.2.1:443") })
		if err == nil {
			open = append(open, conn)
		}
		return err
	}
	defer func() {
		for _, c := range open {
			c.Close()
		}
	}()
	most := int(strangerConnected().most)
	for i := range most {
		if err := connect("192.0.2.50", patience); err != nil {
			t.Fatalf("connection %d: %v", i+1, err)
		}
	}
	time.Sleep(time.Second) // the rate has room again; what is left is how many there are
	if err := connect("192.0.2.50", 300*time.Millisecond); err == nil {
		t.Errorf("connection %d was let in", most+1)
	}
	if err := connect("192.0.2.10", patience); err != nil {
		t.Errorf("another host: %v", err)
	}
	if l.counts()["inside_tcp_over_rate"] == 0 {
		t.Error("nothing was counted")
	}
	for _, c := range open[:10] {
		_ = c.(*net.TCPConn).SetLinger(0)
		c.Close()
	}
	if err := connect("192.0.2.50", patience); err != nil {
		t.Errorf("after ten were closed: %v", err)
	}
}

// A flood of SYNs with made-up sources takes what strangers may ask for together, and nothing of the peers'.
func TestASYNFloodKeepsNoPeerOut(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	l := twoPortLab(t, twoPortsV6())
	l.accepts("192.0.2.1:5060")
	l.accepts("198.51.100.2:5061")
	before := l.counts()
	for i := range 10_000 {
		if last := byte(i); last != 1 && last != 10 {
			l.lan.send(tcpPacket(fmt.Sprintf("192.0.2.%d:%d", last, 4000+i), "192.0.2.1:443", flagSYN))
		}
		l.wan.send(tcpPacket("203.0.113.99:4000", "198.51.100.2:5061", flagSYN))
	}
	l.office.connects("192.0.2.10", "192.0.2.1:5060")
	l.carrier.connects("203.0.113.130", "198.51.100.2:5061")
	after := l.counts()
	if n := after["outside_sip_refused"] - before["outside_sip_refused"]; n < 9000 {
		t.Errorf("%d SYNs of a stranger refused", n)
	}
	if n := after["inside_page"] - before["inside_page"]; n > 2500 {
		t.Errorf("%d SYNs reached the page", n)
	}
}
