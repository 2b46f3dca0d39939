package netfilter

import (
	"errors"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"
)

func ban(source string, d time.Duration) Ban {
	b := Ban{Source: netip.MustParsePrefix(source)}
	if d != 0 {
		b.Until = time.Now().Add(d)
	}
	return b
}

func (l *lab) ban(list ...Ban) {
	l.t.Helper()
	if err := l.filter.Ban(list...); err != nil {
		l.t.Fatal(err)
	}
}

// withPhones has telephones all over the inside, which prove themselves by digest.
func withPhones() Config {
	c := twoPortsV6()
	c.Services = append(c.Services, Service{Name: "phones", Side: Inside, Protocol: UDP, Port: 5060, Unproven: true,
		Sources: prefixes("192.0.2.0/24", "2001:db8:1::/64")})
	return c
}

func TestABannedSourceReachesNothing(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	l := twoPortLab(t, withPhones())
	inside := l.receiver("192.0.2.1:5060")
	phone := udpPacket("192.0.2.50:5060", "192.0.2.1:5060", hello)
	l.probe(t, []probe{{"before", l.lan, phone, "inside_udp_5060_phones", inside}})
	l.ban(ban("192.0.2.50/32", time.Minute), ban("203.0.113.99/32", 0), ban("203.0.112.0/24", time.Hour), ban("2001:db8:bad::7/128", time.Minute),
		ban("2001:db8:b0d::/48", time.Minute))
	broken := inPieces(udpPacket("203.0.113.99:5060", "198.51.100.2:5060", invite), 9)
	broken.onlyNonFirst, broken.mtu = true, 2000
	l.probe(t, []probe{
		{"phone", l.lan, phone, "banned", nil},
		{"phone at the page", l.lan, tcpPacket("192.0.2.50:4000", "192.0.2.1:443", flagSYN), "banned", nil},
		{"phone's ping", l.lan, icmpPacket("192.0.2.50", "192.0.2.1", 8), "banned", nil},
		{"phone's media", l.lan, udpPacket("192.0.2.50:4000", "192.0.2.1:20000", hello), "banned", nil},
		{"stranger", l.wan, udpPacket("203.0.113.99:5060", "198.51.100.2:5060", hello), "banned", nil},
		{"stranger's fragment", l.wan, broken, "banned", nil},
		{"banned network", l.wan, udpPacket("203.0.112.7:5060", "198.51.100.2:5060", hello), "banned", nil},
		{"another address of its /64", l.wan, udpPacket("[2001:db8:bad::9999]:5060", "[2001:db8:2::2]:5060", hello), "banned", nil},
		{"banned IPv6 network", l.wan, udpPacket("[2001:db8:b0d:1::1]:5060", "[2001:db8:2::2]:5060", hello), "banned", nil},
		{"another phone", l.lan, udpPacket("192.0.2.200:5060", "192.0.2.1:5060", hello), "inside_udp_5060_phones", inside},
		{"its neighbour", l.wan, udpPacket("203.0.111.255:5060", "198.51.100.2:5060", hello), "outside_sip_refused", nil},
	})
	if err := l.filter.Unban(netip.MustParsePrefix("192.0.2.50/32"), netip.MustParsePrefix("203.0.112.0/24"), netip.MustParsePrefix("192.0.2.51/32")); err != nil {
		t.Fatal(err)
	}
	l.probe(t, []probe{
		{"phone let back", l.lan, phone, "inside_udp_5060_phones", inside},
		{"network let back", l.wan, udpPacket("203.0.112.7:5060", "198.51.100.2:5060", hello), "outside_sip_refused", nil},
	})
}

// All hosts of a link have an address in the same /64 there, the router among them.
func TestABanOfAnAddressOfTheLinkLeavesTheLinkAlone(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	l := twoPortLab(t, twoPortsV6())
	l.ban(ban("fe80::7/128", time.Hour))
	solicit := func(from string) packet {
		p := icmpPacket(from, "2001:db8:2::2", 135, append(make([]byte, 4), netip.MustParseAddr("2001:db8:2::2").AsSlice()...)...)
		p.hops = 255
		return p
	}
	l.counted(map[string]uint64{"banned": 1, "neighbours": 1}, func() { l.wan.send(solicit("fe80::7")); l.wan.send(solicit("fe80::1")) })
}

// Over UDP anybody can send in a carrier's name; were it banned for that, the office would be cut off by a single packet.
func TestAConfiguredPeerIsNeverBanned(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	l := twoPortLab(t, twoPortsV6())
	for _, source := range []string{"203.0.113.5/32", "203.0.113.0/28", "203.0.113.64/32", "192.0.2.10/32", "2001:db8:c::5/128", "2001:db8:c::/48"} {
		if err := l.filter.Ban(ban("203.0.113.99/32", time.Hour), ban(source, time.Hour)); !errors.Is(err, ErrPeer) {
			t.Errorf("ban of %s: %v, want ErrPeer", source, err)
		}
	}
	if list := l.filter.Bans(); len(list) > 0 {
		t.Errorf("a ban that failed left %v", list)
	}
	box, box6 := l.receiver("198.51.100.2:5060"), l.receiver("[2001:db8:2::2]:5060")
	l.ban(ban("203.0.113.0/24", time.Hour), ban("2001:db8::/32", time.Hour)) // networks around peers and others
	l.probe(t, []probe{
		{"peer", l.wan, udpPacket("203.0.113.5:5060", "198.51.100.2:5060", hello), "outside_udp_5060_trunk_carrier-a", box},
		{"others", l.wan, udpPacket("203.0.113.99:5060", "198.51.100.2:5060", hello), "banned", nil},
		{"IPv6 peer", l.wan, udpPacket("[2001:db8:c::5]:5060", "[2001:db8:2::2]:5060", hello), "outside_udp_5060_trunk_carrier-c", box6},
		{"other IPv6", l.wan, udpPacket("[2001:db8:bad::1]:5060", "[2001:db8:2::2]:5060", hello), "banned", nil},
		{"the peer's address on the other side", l.lan, udpPacket("203.0.113.5:5060", "192.0.2.1:5060", hello), "banned", nil},
	})
}

func TestABanIsInForceWithinTenMillisecondsAndTheKernelEndsIt(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	l := twoPortLab(t, withPhones())
	phone := udpPacket("192.0.2.50:5060", "192.0.2.1:5060", hello)
	const times = 200
	start := time.Now()
	for i := range times {
		l.ban(Ban{netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 1, 0, byte(i)}), 32), start.Add(time.Hour)})
	}
	if each := time.Since(start) / times; each > 10*time.Millisecond {
		t.Errorf("a ban took %v", each)
	} else {
		t.Logf("a ban took %v", each)
	}
	l.ban(ban("192.0.2.50/32", time.Hour))
	l.probe(t, []probe{{"at once", l.lan, phone, "banned", nil}})
	l.ban(ban("192.0.2.50/32", 300*time.Millisecond))
	over := time.Now().Add(300 * time.Millisecond)
	if err := l.filter.Close(); err != nil { // nobody is there to end it but the kernel
		t.Fatal(err)
	}
	for strings.Contains(nft(t, "list", "set", "inet", DefaultTable, "banned4"), "192.0.2.50") {
		if time.Now().After(over.Add(patience)) {
			t.Fatal("the kernel does not end the ban")
		}
		time.Sleep(20 * time.Millisecond)
	}
	time.Sleep(time.Until(over)) // for the list of those that are banned, which goes by the clock
	l.probe(t, []probe{{"when it is over", l.lan, phone, "inside_udp_5060_phones", l.receiver("192.0.2.1:5060")}})
	for _, b := range l.filter.Bans() {
		if b.Source.Addr() == netip.MustParseAddr("192.0.2.50") {
			t.Error("a ban that is over is listed")
		}
	}
}

func TestABanCanBeMadeLongerAndShorter(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	l := twoPortLab(t, twoPorts())
	for _, d := range []time.Duration{time.Minute, time.Hour, 0, 2 * time.Minute} {
		l.ban(ban("203.0.113.99/32", d), ban("10.0.0.0/8", d))
	}
	text := nft(t, "list", "set", "inet", DefaultTable, "banned4") + nft(t, "list", "set", "inet", DefaultTable, "banned_nets4")
	for _, want := range []string{"203.0.113.99 timeout 1m59s", "10.0.0.0/8 timeout 1m59s"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func TestAHundredThousandBansAreSetInASecond(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	l := twoPortLab(t, twoPorts())
	list := make([]Ban, 100_000)
	for i := range list {
		a := netip.AddrFrom4([4]byte{11 + byte(i>>16), byte(i >> 8), byte(i), 1})
		list[i] = Ban{Source: netip.PrefixFrom(a, 32), Until: time.Now().Add(time.Hour)}
		if i%10 == 0 { // a list of strangers' networks has some of these
			list[i].Source = netip.PrefixFrom(netip.AddrFrom4([4]byte{100 + byte(i>>16), byte(i >> 8), byte(i), 0}), 24)
		}
	}
	start := cpu(t)
	l.ban(list...)
	took := cpu(t) - start
	t.Logf("100,000 bans in %v", took)
	if took > time.Second {
		t.Errorf("it took %v", took)
	}
	if n := len(l.filter.Bans()); n != len(list) {
		t.Errorf("%d bans", n)
	}
	start = cpu(t)
	l.set(withPhones())
	if took := cpu(t) - start; took > 200*time.Millisecond {
		t.Errorf("a change of the policy took %v with so many bans", took)
	}
	l.probe(t, []probe{
		{"first network", l.wan, udpPacket("100.0.0.9:5060", "198.51.100.2:5060", hello), "banned", nil},
		{"last address", l.wan, udpPacket("12.134.159.1:5060", "198.51.100.2:5060", hello), "banned", nil},
		{"not listed", l.wan, udpPacket("12.134.159.2:5060", "198.51.100.2:5060", hello), "outside_sip_refused", nil},
	})
}

// cpu is the processor time that the process has used, in the kernel too: other tests may run beside this one.
func cpu(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func TestBansAreRefilledWhenTheTableIsGone(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	l := twoPortLab(t, twoPorts())
	l.ban(ban("203.0.113.99/32", time.Hour), ban("10.0.0.0/8", 0))
	nft(t, "flush", "ruleset")
	l.set(twoPorts())
	l.probe(t, []probe{
		{"host", l.wan, udpPacket("203.0.113.99:5060", "198.51.100.2:5060", hello), "banned", nil},
		{"network", l.wan, udpPacket("10.1.1.1:5060", "198.51.100.2:5060", hello), "banned", nil},
	})
	nft(t, "flush", "ruleset")
	l.ban(ban("203.0.113.98/32", time.Hour)) // repairs it, too
	l.probe(t, []probe{
		{"the new one", l.wan, udpPacket("203.0.113.98:5060", "198.51.100.2:5060", hello), "banned", nil},
		{"the one before", l.wan, udpPacket("203.0.113.99:5060", "198.51.100.2:5060", hello), "banned", nil},
	})
}

func TestNetworksWithinOneAnotherAreBannedOnce(t *testing.T) {
	now := time.Now()
	at := func(source string, hours int) Ban {
		b := Ban{Source: netip.MustParsePrefix(source)}
		if hours != 0 {
			b.Until = now.Add(time.Duration(hours) * time.Hour)
		}
		return b
	}
	for name, c := range map[string]struct {
		before, add []Ban
		want        string
		fault       string
	}{
		"same again":            {[]Ban{at("10.0.0.0/8", 1)}, []Ban{at("10.0.0.0/8", 2)}, "10.0.0.0/8", ""},
		"narrower, shorter":     {[]Ban{at("10.0.0.0/8", 2)}, []Ban{at("10.1.0.0/16", 1)}, "10.0.0.0/8", ""},
		"narrower, longer":      {[]Ban{at("10.0.0.0/8", 2)}, []Ban{at("10.1.0.0/16", 0)}, "", "lies within"},
		"wider, longer":         {[]Ban{at("10.1.0.0/16", 1), at("10.2.0.0/16", 2), at("11.0.0.0/8", 0)}, []Ban{at("10.0.0.0/8", 2)}, "10.0.0.0/8 11.0.0.0/8", ""},
		"wider, shorter":        {[]Ban{at("10.1.0.0/16", 3)}, []Ban{at("10.0.0.0/8", 2)}, "", "banned for longer"},
		"both at once":          {nil, []Ban{at("10.1.0.0/16", 1), at("10.0.0.0/8", 1), at("2001:db8::/32", 1), at("2001:db8:1::/48", 1)}, "10.0.0.0/8 2001:db8::/32", ""},
		"hosts within networks": {[]Ban{at("10.0.0.1/32", 0)}, []Ban{at("10.0.0.0/8", 1), at("2001:db8::/64", 1)}, "10.0.0.0/8 10.0.0.1/32 2001:db8::/64", ""},
		"over already":          {nil, []Ban{at("10.0.0.1/32", -1)}, "", "over already"},
	} {
		t.Run(name, func(t *testing.T) {
			held, err := bans{}.with(c.before, now)
			if err != nil {
				t.Fatal(err)
			}
			next, err := held.with(c.add, now)
			if c.fault != "" {
				if err == nil || !strings.Contains(err.Error(), c.fault) {
					t.Errorf("got %v, want %q", err, c.fault)
				}
				return
			}
			var got []string
			for _, b := range next.list() {
				got = append(got, b.Source.String())
			}
			if err != nil || strings.Join(got, " ") != c.want {
				t.Errorf("got %v, %v; want %s", got, err, c.want)
			}
		})
	}
}

func TestWhatNobodyMayBeBannedForIsRefused(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	l := twoPortLab(t, twoPortsV6())
	for _, source := range []string{"0.0.0.0/0", "::/0", "127.0.0.1/32", "224.0.0.1/32", "198.51.100.2/32", "2001:db8:2::2/128", "::1/128"} {
		if err := l.filter.Ban(ban(source, time.Hour)); err == nil {
			t.Errorf("%s is banned", source)
		}
	}
	if err := l.filter.Ban(Ban{}); err == nil {
		t.Error("nothing is banned")
	}
}

func TestABlockListKeepsItsSourcesAwayAndIsReplacedAsAWhole(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	l := twoPortLab(t, twoPortsV6())
	block := func(want int, texts ...string) {
		t.Helper()
		if n, err := l.filter.Block(prefixes(texts...)); err != nil || n != want {
			t.Fatalf("%d sources, %v; want %d", n, err, want)
		}
	}
	block(4, "203.0.113.99/32", "203.0.113.0/24", "203.0.112.0/24", "203.0.112.7/32", "2001:db8:bad::1/128", "2001:db8:b0d::/48")
	box := l.receiver("198.51.100.2:5060")
	l.probe(t, []probe{
		{"host", l.wan, udpPacket("203.0.113.99:5060", "198.51.100.2:5060", hello), "blocked", nil},
		{"network", l.wan, tcpPacket("203.0.112.200:5060", "198.51.100.2:443", flagSYN), "blocked", nil},
		{"IPv6 host", l.wan, udpPacket("[2001:db8:bad::77]:5060", "[2001:db8:2::2]:5060", hello), "blocked", nil},
		{"IPv6 network", l.wan, udpPacket("[2001:db8:b0d:7::1]:5060", "[2001:db8:2::2]:5060", hello), "blocked", nil},
		{"a peer that is on the list", l.wan, udpPacket("203.0.113.5:5060", "198.51.100.2:5060", hello), "outside_udp_5060_trunk_carrier-a", box},
	})
	if len(l.filter.Bans()) != 0 {
		t.Error("what is blocked is listed as banned")
	}
	l.ban(ban("203.0.113.99/32", time.Minute))
	block(1, "203.0.112.0/24")
	l.set(twoPorts())
	l.probe(t, []probe{
		{"banned besides", l.wan, udpPacket("203.0.113.99:5060", "198.51.100.2:5060", hello), "banned", nil},
		{"off the list", l.wan, udpPacket("[2001:db8:bad::77]:5060", "[2001:db8:2::2]:5060", hello), "outside_sip_refused", nil},
		{"on the new one", l.wan, udpPacket("203.0.112.9:5060", "198.51.100.2:5060", hello), "blocked", nil},
	})
	nft(t, "flush", "ruleset")
	l.set(twoPorts())
	l.probe(t, []probe{{"refilled", l.wan, udpPacket("203.0.112.9:5060", "198.51.100.2:5060", hello), "blocked", nil}})
	if _, err := l.filter.Block(prefixes("0.0.0.0/0")); err == nil {
		t.Error("everything is blocked")
	}
	block(0)
	l.probe(t, []probe{{"emptied", l.wan, udpPacket("203.0.112.9:5060", "198.51.100.2:5060", hello), "outside_sip_refused", nil}})
}
