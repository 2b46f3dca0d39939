package netfilter

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

func hole(side Side, local string, sources ...string) Pinhole {
	return Pinhole{Side: side, Local: netip.MustParseAddrPort(local), Sources: prefixes(sources...)}
}

func (l *lab) openHole(p Pinhole) {
	l.t.Helper()
	if err := l.filter.OpenPinholes(p); err != nil {
		l.t.Fatal(err)
	}
}

func (l *lab) shutHole(p Pinhole) {
	l.t.Helper()
	if err := l.filter.ShutPinholes(p); err != nil {
		l.t.Fatal(err)
	}
}

func TestMediaPassesWhileItsPinholeIsOpen(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	l := twoPortLab(t, twoPorts())
	outside, inside := l.receiver("198.51.100.2:20000"), l.receiver("192.0.2.1:20002")
	rtp := udpPacket("203.0.113.99:4000", "198.51.100.2:20000", []byte("rtp"))
	closed := []probe{{"before", l.wan, rtp, "outside_rtp_closed", nil}}
	l.probe(t, closed)

	carrier, phone := hole(Outside, "198.51.100.2:20000", "203.0.113.99/32"), hole(Inside, "192.0.2.1:20002", "192.0.2.32/27")
	l.openHole(carrier)
	l.openHole(phone)
	l.probe(t, []probe{
		{"carrier", l.wan, rtp, "outside_rtp", outside},
		{"a phone of the prefix", l.lan, udpPacket("192.0.2.50:4000", "192.0.2.1:20002", []byte("rtp")), "inside_rtp", inside},
		{"a host outside the prefix", l.lan, udpPacket("192.0.2.10:4000", "192.0.2.1:20002", []byte("rtp")), "inside_rtp_closed", nil},
		{"other source", l.wan, udpPacket("203.0.113.5:4000", "198.51.100.2:20000", []byte("rtp")), "outside_rtp_closed", nil},
		{"other port", l.wan, udpPacket("203.0.113.99:4000", "198.51.100.2:20001", []byte("rtp")), "outside_rtp_closed", nil},
		{"other address", l.wan, udpPacket("203.0.113.99:4000", "192.0.2.1:20000", []byte("rtp")), "outside_rtp_closed", nil},
		{"other side", l.lan, udpPacket("203.0.113.99:4000", "198.51.100.2:20000", []byte("rtp")), "inside_rtp_closed", nil},
		{"other side's pinhole", l.wan, udpPacket("203.0.113.99:4000", "192.0.2.1:20002", []byte("rtp")), "outside_rtp_closed", nil},
		{"SIP from the pinhole's source", l.wan, udpPacket("203.0.113.99:5060", "198.51.100.2:5060", hello), "outside_sip_refused", nil},
	})
	l.shutHole(carrier)
	l.shutHole(phone)
	l.probe(t, closed)
}

// The box sends all the while. Were its packets tracked, the answers would be let in as "established".
func TestAPinholeShutEndsAnActiveFlow(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	l := twoPortLab(t, twoPorts())
	box := l.receiver("198.51.100.2:20000")
	var far *receiver
	l.carrier.do(func() { far = l.receiver("203.0.113.5:4000") })
	rtp := udpPacket("203.0.113.5:4000", "198.51.100.2:20000", []byte("rtp"))
	speak := func() {
		t.Helper()
		l.counted(map[string]uint64{"rtp_sent": 1}, func() {
			_, _ = box.conn.WriteToUDPAddrPort([]byte("ours"), netip.MustParseAddrPort("203.0.113.5:4000"))
		})
		far.gets("ours")
	}
	p := hole(Outside, "198.51.100.2:20000", "203.0.113.5/32")
	for range 2 { // open, shut, open again, shut again
		l.openHole(p)
		for range 3 {
			speak()
			l.counted(map[string]uint64{"outside_rtp": 1}, func() { l.wan.send(rtp) })
			box.gets("rtp")
		}
		l.shutHole(p)
		speak()
		l.counted(map[string]uint64{"outside_rtp_closed": 1}, func() { l.wan.send(rtp) })
		box.isEmpty()
	}
}

// The same for SIP over UDP: a stranger that the box wrote to is a stranger still.
func TestSIPSentByTheBoxOpensNothing(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	l := twoPortLab(t, twoPorts())
	box := l.receiver("198.51.100.2:5060")
	l.counted(map[string]uint64{"sip_sent": 1, "outside_icmp_errors": 1}, func() { // nobody listens there
		_, _ = box.conn.WriteToUDPAddrPort(hello, netip.MustParseAddrPort("203.0.113.99:5060"))
	})
	l.probe(t, []probe{
		{"answer of a stranger", l.wan, udpPacket("203.0.113.99:5060", "198.51.100.2:5060", hello), "outside_sip_refused", nil},
	})
	box.isEmpty()
}

func TestPinholesSurviveSet(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	l := twoPortLab(t, twoPorts())
	box := l.receiver("198.51.100.2:20000")
	l.openHole(hole(Outside, "198.51.100.2:20000", "203.0.113.5/32"))
	rtp := udpPacket("203.0.113.5:4000", "198.51.100.2:20000", []byte("rtp"))
	moved := twoPorts()
	moved.Media = PortRange{30000, 30999}
	moved.Services = moved.Services[:3]
	for _, c := range []Config{twoPorts(), moved, twoPorts()} {
		before := l.counts()["outside_rtp"]
		l.set(c)
		if n := l.counts()["outside_rtp"]; n != before {
			t.Errorf("the counter was %d and is %d after Set", before, n)
		}
		l.probe(t, []probe{
			{fmt.Sprint("media ports ", c.Media), l.wan, rtp, "outside_rtp", box},
			{"another source", l.wan, udpPacket("203.0.113.6:4000", "198.51.100.2:20000", []byte("rtp")), "outside_rtp_closed", nil},
		})
	}
	l.shutHole(hole(Outside, "198.51.100.2:20000", "203.0.113.5/32"))
	l.probe(t, []probe{{"shut", l.wan, rtp, "outside_rtp_closed", nil}})
}

// A leg opens what it moves to before it shuts what it comes from.
func TestMovingAPinholeLeavesNoGapAndNoRest(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	l := twoPortLab(t, twoPorts())
	box := l.receiver("198.51.100.2:20000")
	from := func(source string) packet { return udpPacket(source+":4000", "198.51.100.2:20000", []byte("rtp")) }
	check := func(step string, open, shut []string) {
		t.Helper()
		for _, s := range open {
			l.probe(t, []probe{{step + ": open for " + s, l.wan, from(s), "outside_rtp", box}})
		}
		for _, s := range shut {
			l.probe(t, []probe{{step + ": shut for " + s, l.wan, from(s), "outside_rtp_closed", nil}})
		}
	}
	one, both := hole(Outside, "198.51.100.2:20000", "203.0.113.5/32"), hole(Outside, "198.51.100.2:20000", "203.0.113.5/32", "203.0.113.128/25")
	wide := hole(Outside, "198.51.100.2:20000", "203.0.113.0/25", "203.0.113.0/28")
	l.openHole(one)
	check("one", []string{"203.0.113.5"}, []string{"203.0.113.6", "203.0.113.130"})
	l.openHole(both)
	l.shutHole(one)
	check("both", []string{"203.0.113.5", "203.0.113.130"}, []string{"203.0.113.6"})
	l.openHole(wide) // holds the single address: overlapping intervals are an error to the kernel
	check("overlapping", []string{"203.0.113.5", "203.0.113.6", "203.0.113.130"}, []string{"198.51.100.1"})
	l.shutHole(both)
	check("wide", []string{"203.0.113.5", "203.0.113.6"}, []string{"203.0.113.130"})
	l.openHole(wide)
	l.shutHole(wide)
	check("opened twice, shut once", []string{"203.0.113.5", "203.0.113.6"}, nil)
	l.shutHole(wide)
	check("shut", nil, []string{"203.0.113.5", "203.0.113.6", "203.0.113.130"})
	l.shutHole(wide) // once too often is no error
}

func TestWithOnePortAPinholeIsForSourcesOfItsSide(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	l := onePortLab(t, onePort())
	inside, outside := l.receiver("192.0.2.2:20000"), l.receiver("192.0.2.2:20002")
	l.openHole(hole(Inside, "192.0.2.2:20000", "192.0.2.50/32", "203.0.113.5/32"))
	l.openHole(hole(Outside, "192.0.2.2:20002", "203.0.113.5/32", "192.0.2.50/32", "192.0.2.1/32"))
	rtp := func(from, to string) packet { return udpPacket(from+":4000", "192.0.2.2:"+to, []byte("rtp")) }
	l.probe(t, []probe{
		{"phone", l.wan, rtp("192.0.2.50", "20000"), "inside_rtp", inside},
		{"carrier", l.wan, rtp("203.0.113.5", "20002"), "outside_rtp", outside},
		{"gateway, which is outside", l.wan, rtp("192.0.2.1", "20002"), "outside_rtp", outside},
		{"carrier at the inside's", l.wan, rtp("203.0.113.5", "20000"), "outside_rtp_closed", nil},
		{"phone at the outside's", l.wan, rtp("192.0.2.50", "20002"), "inside_rtp_closed", nil},
	})
}

func TestOpenPinholeRefusesWhatCannotWork(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	f := openFilter(t, "")
	good := hole(Outside, "198.51.100.2:20000", "203.0.113.5/32")
	if err := f.OpenPinholes(good); err == nil {
		t.Error("opened before Set")
	}
	mustSet(t, f, twoPorts())
	for name, p := range map[string]Pinhole{
		"no side":         {Local: good.Local, Sources: good.Sources},
		"address":         hole(Outside, "192.0.2.1:20000", "203.0.113.5/32"),
		"port":            hole(Outside, "198.51.100.2:5060", "203.0.113.5/32"),
		"no source":       hole(Outside, "198.51.100.2:20000"),
		"family":          hole(Outside, "198.51.100.2:20000", "2001:db8::1/128"),
		"invalid source":  {Outside, good.Local, make([]netip.Prefix, 1)},
		"multicast":       hole(Outside, "198.51.100.2:20000", "224.0.0.0/4"),
		"invalid address": {Side: Outside, Sources: good.Sources},
	} {
		if err := f.OpenPinholes(p); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
	if err := f.OpenPinholes(hole(Outside, "[::ffff:198.51.100.2]:20000", "::ffff:203.0.113.5/128", "0.0.0.0/0", "::/0")); err != nil {
		t.Errorf("mapped addresses, the whole world, and a prefix of the other family: %v", err)
	}
	if err := f.Remove(); err != nil {
		t.Fatal(err)
	}
	if err := f.OpenPinholes(good); err == nil {
		t.Error("opened after Remove")
	}
	if err := f.ShutPinholes(good); err != nil {
		t.Errorf("shut after Remove: %v", err)
	}
}

// A call that was let in keeps its audio, above all an emergency call through a gateway that some list names; nothing else of that host
// passes, pieces of packets and marks that others put onto them change nothing.
func TestALiveCallKeepsItsAudioWhoeverIsBanned(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	l := twoPortLab(t, twoPortsV6())
	outside, outside6 := l.receiver("198.51.100.2:20000"), l.receiver("[2001:db8:2::2]:20000")
	rtp := udpPacket("203.0.113.99:4000", "198.51.100.2:20000", []byte("rtp"))
	rtp6 := udpPacket("[2001:db8:bad::7]:4000", "[2001:db8:2::2]:20000", []byte("rtp"))
	l.ban(ban("203.0.113.99/32", time.Hour))
	if _, err := l.filter.Block(prefixes("2001:db8:bad::/48")); err != nil {
		t.Fatal(err)
	}
	refused := []probe{
		{"media of no call", l.wan, rtp, "banned", nil},
		{"media of no call, IPv6", l.wan, rtp6, "blocked", nil},
	}
	l.probe(t, refused)
	holes := []Pinhole{hole(Outside, "198.51.100.2:20000", "203.0.113.99/32"), hole(Outside, "[2001:db8:2::2]:20000", "2001:db8:bad::7/128")}
	for _, p := range holes {
		l.openHole(p)
	}
	broken := inPieces(udpPacket("203.0.113.99:4000", "198.51.100.2:20000", invite), 9)
	broken.mtu = 1400
	l.probe(t, []probe{
		{"media of a call", l.wan, rtp, "outside_rtp", outside},
		{"media of a call, IPv6", l.wan, rtp6, "outside_rtp", outside6},
		{"another port", l.wan, udpPacket("203.0.113.99:4000", "198.51.100.2:20002", []byte("rtp")), "banned", nil},
		{"SIP", l.wan, udpPacket("203.0.113.99:5060", "198.51.100.2:5060", hello), "banned", nil},
		{"from the other side", l.lan, rtp, "banned", nil},
	})
	l.counted(map[string]uint64{"banned": 3}, func() { l.wan.send(broken) })
	for _, p := range holes {
		l.shutHole(p)
	}
	l.probe(t, refused)
}
