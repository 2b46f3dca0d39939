package dhcpserver

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

var start = time.Date(2026, 5, 4, 8, 0, 0, 0, time.UTC)

func config() Config {
	addr := netip.MustParseAddr
	return Config{
		Interface: "lan0", Own: netip.MustParsePrefix("192.0.2.10/24"), First: addr("192.0.2.100"), Last: addr("192.0.2.102"), Length: 12 * time.Hour,
		Router: addr("192.0.2.1"), DNS: []netip.Addr{addr("192.0.2.53")}, Time: []netip.Addr{addr("192.0.2.54")}, Domain: "office.example",
		SIP: []string{"192.0.2.10"}, Provisioning: "settings.office.example", ProvisioningAddresses: []netip.Addr{addr("192.0.2.20"), addr("192.0.2.21")},
		Reserved: map[string]netip.Addr{"02:00:00:00:00:0f": addr("192.0.2.30"), "02:00:00:00:00:0e": addr("192.0.2.101")},
	}
}

// client is a telephone that says what a test wants.
type client struct {
	t        *testing.T
	table    *table
	hardware net.HardwareAddr
}

func (c client) says(now time.Time, kind dhcpv4.MessageType, more ...dhcpv4.Modifier) *dhcpv4.DHCPv4 {
	c.t.Helper()
	m, err := dhcpv4.New(append([]dhcpv4.Modifier{dhcpv4.WithHwAddr(c.hardware), dhcpv4.WithMessageType(kind)}, more...)...)
	if err != nil {
		c.t.Fatal(err)
	}
	return c.table.answer(m, now)
}

func (c client) wants(now time.Time, a string, more ...dhcpv4.Modifier) *dhcpv4.DHCPv4 {
	c.t.Helper()
	return c.says(now, dhcpv4.MessageTypeRequest, append(more, wanting(a))...)
}

func wanting(a string) dhcpv4.Modifier {
	return dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(net.ParseIP(a).To4()))
}

func of(server string) dhcpv4.Modifier {
	return dhcpv4.WithOption(dhcpv4.OptServerIdentifier(net.ParseIP(server).To4()))
}

func using(a string) dhcpv4.Modifier { return dhcpv4.WithClientIP(net.ParseIP(a).To4()) }

// word prints what matters of an answer.
func word(m *dhcpv4.DHCPv4) string {
	switch {
	case m == nil:
		return "nothing"
	case m.MessageType() == dhcpv4.MessageTypeNak:
		return "NAK: " + m.Message()
	}
	return fmt.Sprint(m.MessageType(), " ", m.YourIPAddr)
}

// obtains gets an address as a telephone does that starts.
func (c client) obtains(now time.Time, want string) {
	c.t.Helper()
	if got := word(c.says(now, dhcpv4.MessageTypeDiscover)); got != "OFFER "+want {
		c.t.Fatalf("offered: %s, want %s", got, want)
	}
	if got := word(c.wants(now, want, of("192.0.2.10"))); got != "ACK "+want {
		c.t.Fatalf("lent: %s, want %s", got, want)
	}
}

func phones(t *testing.T, known ...Lease) func(last byte) client {
	table := newTable(config(), known)
	return func(last byte) client { return client{t, table, net.HardwareAddr{2, 0, 0, 0, 0, last}} }
}

func TestATelephoneIsToldItsAddressAndWhereSIPIs(t *testing.T) {
	phone := phones(t)
	r := phone(1).says(start, dhcpv4.MessageTypeDiscover)
	if word(r) != "OFFER 192.0.2.100" {
		t.Fatal(word(r))
	}
	for code, want := range map[uint8][]byte{
		1: {255, 255, 255, 0}, 3: {192, 0, 2, 1}, 6: {192, 0, 2, 53}, 15: []byte("office.example"), 42: {192, 0, 2, 54}, 51: {0, 0, 0xa8, 0xc0},
		54: {192, 0, 2, 10}, 58: {0, 0, 0x54, 0x60}, 59: {0, 0, 0x93, 0xa8}, 66: []byte("settings.office.example"), 120: {1, 192, 0, 2, 10},
		150: {192, 0, 2, 20, 192, 0, 2, 21},
	} {
		if got := r.Options.Get(dhcpv4.GenericOptionCode(code)); !bytes.Equal(got, want) {
			t.Errorf("option %d is %v, want %v", code, got, want)
		}
	}
}

// The example of RFC 3361 section 3.1.
func TestNamesOfSIPServersAreWrittenAsRFC3361Does(t *testing.T) {
	got := sipServers([]string{"example.com", "example.net"})
	want := append([]byte{0, 7}, "example\x03com\x00\x07example\x03net\x00"...)
	if len(got) != 27 || !bytes.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestATelephoneGetsTheSameAddressAgain(t *testing.T) {
	phone := phones(t)
	phone(1).obtains(start, "192.0.2.100")
	phone(2).obtains(start, "192.0.2.102") // .101 is reserved
	phone(2).obtains(start.Add(48*time.Hour), "192.0.2.102")
	if r := phone(1).says(start, dhcpv4.MessageTypeRelease, of("192.0.2.10"), using("192.0.2.100")); r != nil {
		t.Errorf("RELEASE is answered: %s", word(r))
	}
	if l := phone(1).table.leases(start.Add(time.Second), false); len(l) != 1 {
		t.Errorf("after RELEASE: %v", l)
	}
	phone(1).obtains(start.Add(time.Minute), "192.0.2.100")

	again := phones(t, phone(1).table.leases(start.Add(49*time.Hour), true)...)
	again(2).obtains(start.Add(50*time.Hour), "192.0.2.102")
	again(3).obtains(start.Add(50*time.Hour), "192.0.2.100") // which is over
}

func TestAClientIsKnownByItsIdentifier(t *testing.T) {
	phone := phones(t)
	id := dhcpv4.WithOption(dhcpv4.OptClientIdentifier([]byte{0xff, 1, 2, 3}))
	if r := phone(1).says(start, dhcpv4.MessageTypeDiscover, id); word(r) != "OFFER 192.0.2.100" || !bytes.Equal(r.Options.Get(dhcpv4.OptionClientIdentifier), []byte{0xff, 1, 2, 3}) {
		t.Error(word(r), r.Options)
	}
	if r := phone(2).says(start, dhcpv4.MessageTypeDiscover, id); word(r) != "OFFER 192.0.2.100" {
		t.Error("on another port it gets", word(r))
	}
	if r := phone(1).says(start, dhcpv4.MessageTypeDiscover); word(r) != "OFFER 192.0.2.102" {
		t.Error("another client on the same port gets", word(r))
	}
}

// An answer repeats the identifier. In several options it could be as long as a message, and the answer too long for the link.
func TestAnAnswerFitsTheLinkWhateverTheIdentifier(t *testing.T) {
	phone := phones(t)
	for size, answered := range map[int]bool{mostIdentifier: true, mostIdentifier + 1: false, 1200: false} {
		id := dhcpv4.WithOption(dhcpv4.OptClientIdentifier(bytes.Repeat([]byte{7}, size)))
		r := phone(1).says(start, dhcpv4.MessageTypeDiscover, id)
		if (r != nil) != answered {
			t.Errorf("an identifier of %d octets: %s", size, word(r))
		}
		if r != nil && len(build(addressed(r, config().Own.Addr()))) > mostIP {
			t.Errorf("the answer to %d octets is too long", size)
		}
	}
}

func TestAReservedAddressIsForOneMachine(t *testing.T) {
	phone := phones(t)
	phone(1).obtains(start, "192.0.2.100")
	phone(2).obtains(start, "192.0.2.102")
	if r := phone(3).says(start, dhcpv4.MessageTypeDiscover, wanting("192.0.2.101")); r != nil {
		t.Errorf("all are lent, and yet: %s", word(r))
	}
	phone(0xe).obtains(start, "192.0.2.101")
	phone(0xf).obtains(start, "192.0.2.30")
	loader := dhcpv4.WithOption(dhcpv4.OptClientIdentifier([]byte{0, 9, 9}))
	if r := phone(0xf).says(start, dhcpv4.MessageTypeDiscover, loader); word(r) != "OFFER 192.0.2.30" {
		t.Errorf("the same machine, which calls itself otherwise: %s", word(r))
	}
}

// The four states of RFC 2131 section 4.3.2.
func TestARequestIsJudgedByTheStateOfTheClient(t *testing.T) {
	later := start.Add(6 * time.Hour)
	for _, c := range []struct {
		name string
		ask  func(p client) *dhcpv4.DHCPv4
		want string
	}{
		{"selecting what was not offered", func(p client) *dhcpv4.DHCPv4 { return p.wants(later, "192.0.2.102", of("192.0.2.10")) }, "NAK: this address was not offered"},
		{"selecting another server", func(p client) *dhcpv4.DHCPv4 { return p.wants(later, "192.0.2.200", of("192.0.2.11")) }, "nothing"},
		{"starting again", func(p client) *dhcpv4.DHCPv4 { return p.wants(later, "192.0.2.100") }, "ACK 192.0.2.100"},
		{"starting again with another address", func(p client) *dhcpv4.DHCPv4 { return p.wants(later, "192.0.2.102") }, "NAK: this client has another address"},
		{"starting again elsewhere", func(p client) *dhcpv4.DHCPv4 { return p.wants(later, "198.51.100.7") }, "NAK: this address is of another network"},
		{"starting again, unknown", func(p client) *dhcpv4.DHCPv4 {
			p.hardware = net.HardwareAddr{2, 0, 0, 0, 0, 9}
			return p.wants(later, "192.0.2.102")
		}, "nothing"},
		{"renewing", func(p client) *dhcpv4.DHCPv4 {
			return p.says(later, dhcpv4.MessageTypeRequest, using("192.0.2.100"))
		}, "ACK 192.0.2.100"},
		{"rebinding after the box has forgotten", func(p client) *dhcpv4.DHCPv4 {
			p.hardware = net.HardwareAddr{2, 0, 0, 0, 0, 9}
			return p.says(later, dhcpv4.MessageTypeRequest, using("192.0.2.102"))
		}, "ACK 192.0.2.102"},
		{"rebinding with somebody else's", func(p client) *dhcpv4.DHCPv4 {
			p.hardware = net.HardwareAddr{2, 0, 0, 0, 0, 9}
			return p.says(later, dhcpv4.MessageTypeRequest, using("192.0.2.100"))
		}, "NAK: this address is not to be had"},
		{"renewing what is reserved for another", func(p client) *dhcpv4.DHCPv4 {
			p.hardware = net.HardwareAddr{2, 0, 0, 0, 0, 9}
			return p.says(later, dhcpv4.MessageTypeRequest, using("192.0.2.101"))
		}, "NAK: this address is not to be had"},
		{"renewing where another is reserved", func(p client) *dhcpv4.DHCPv4 {
			p.hardware = net.HardwareAddr{2, 0, 0, 0, 0, 0xf}
			return p.says(later, dhcpv4.MessageTypeRequest, using("192.0.2.102"))
		}, "NAK: another address is reserved for this client"},
		{"asking for the rest alone", func(p client) *dhcpv4.DHCPv4 {
			return p.says(later, dhcpv4.MessageTypeInform, using("192.0.2.77"))
		}, "ACK 0.0.0.0"},
		{"through a relay agent", func(p client) *dhcpv4.DHCPv4 {
			return p.says(later, dhcpv4.MessageTypeDiscover, dhcpv4.WithGatewayIP(net.IPv4(192, 0, 2, 1)))
		}, "nothing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := phones(t)(1)
			p.obtains(start, "192.0.2.100")
			if got := word(c.ask(p)); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

func TestARenewedLeaseRunsFromThen(t *testing.T) {
	p := phones(t)(1)
	p.obtains(start, "192.0.2.100")
	p.says(start.Add(6*time.Hour), dhcpv4.MessageTypeRequest, using("192.0.2.100"))
	if l := p.table.leases(start.Add(17*time.Hour), false); len(l) != 1 || !l[0].Until.Equal(start.Add(18*time.Hour)) {
		t.Errorf("%v", l)
	}
	if l := p.table.leases(start.Add(18*time.Hour), false); len(l) != 0 {
		t.Errorf("it is not over: %v", l)
	}
}

func TestAnAddressThatAnotherMachineHasIsPutAside(t *testing.T) {
	phone := phones(t)
	phone(1).obtains(start, "192.0.2.100")
	if r := phone(1).says(start, dhcpv4.MessageTypeDecline, of("192.0.2.10"), wanting("192.0.2.100")); r != nil {
		t.Errorf("DECLINE is answered: %s", word(r))
	}
	phone(2).says(start, dhcpv4.MessageTypeDecline, of("192.0.2.10"), wanting("192.0.2.102")) // is not its own
	if list := phone(1).table.setAside(start); len(list) != 1 || list[0] != (Aside{netip.MustParseAddr("192.0.2.100"), "", start.Add(asideTime)}) {
		t.Errorf("set aside: %v", list)
	}
	phone(1).obtains(start, "192.0.2.102")
	phone(1).obtains(start.Add(asideTime), "192.0.2.102")
	phone(2).obtains(start.Add(asideTime), "192.0.2.100")
}

func TestAnOfferHoldsForAMinute(t *testing.T) {
	phone := phones(t)
	phone(1).says(start, dhcpv4.MessageTypeDiscover)
	phone(2).says(start, dhcpv4.MessageTypeDiscover)
	if r := phone(3).says(start.Add(offerTime-time.Second), dhcpv4.MessageTypeDiscover); r != nil {
		t.Error(word(r))
	}
	phone(3).obtains(start.Add(offerTime), "192.0.2.100")
}

func TestMessagesOfOneClientAreBounded(t *testing.T) {
	p := &pace{}
	count := func(hardware string, now time.Time) (n int) {
		for range 2 * paceAll {
			if p.allow(hardware, now) {
				n++
			}
		}
		return n
	}
	if n := count("one", start); n != paceClient {
		t.Errorf("%d of one", n)
	}
	if n := count("two", start); n != paceClient {
		t.Errorf("%d of the next", n)
	}
	all := 2 * paceClient
	for i := range 2 * paceAll {
		if p.allow(fmt.Sprint(i), start) {
			all++
		}
	}
	if all != paceAll || len(p.of) > paceAll {
		t.Errorf("%d of all, of %d clients", all, len(p.of))
	}
	if n := count("one", start.Add(paceTime)); n != paceClient {
		t.Errorf("%d of one, later", n)
	}
}

func TestANameIsFitToBeShown(t *testing.T) {
	for in, want := range map[string]string{"reception": "reception", "a\x1b[31mb\n\xff": "a[31mb", strings.Repeat("é", 200): strings.Repeat("é", mostName)} {
		if got := tidy(in); got != want {
			t.Errorf("%q gives %q", in, got)
		}
	}
}

// Whatever comes, what is lent lies in the range or is reserved for who has it, nobody has two addresses, and an answer
// can be read.
func FuzzAnswer(f *testing.F) {
	for _, kind := range []dhcpv4.MessageType{1, 3, 4, 7, 8} {
		m, err := dhcpv4.New(dhcpv4.WithHwAddr(net.HardwareAddr{2, 0, 0, 0, 0, 1}), dhcpv4.WithMessageType(kind), wanting("192.0.2.100"), of("192.0.2.10"))
		if err != nil {
			f.Fatal(err)
		}
		l := letter{m, netip.MustParseAddrPort("0.0.0.0:68"), netip.MustParseAddrPort("255.255.255.255:67"), nil}
		m.ClientIPAddr = net.IPv4(192, 0, 2, 102).To4()
		f.Add(build(l), build(l), uint16(1))
	}
	f.Fuzz(func(t *testing.T, first, second []byte, minutes uint16) {
		table := newTable(config(), nil)
		now := start
		for _, p := range [][]byte{first, second, first, second} {
			l, ok := parse(p)
			if !ok {
				continue
			}
			if r := table.answer(l.message, now); r != nil {
				if back, ok := parse(build(addressed(r, table.c.Own.Addr()))); !ok || back.message.MessageType() != r.MessageType() {
					t.Fatalf("nobody can read the answer %v", r)
				}
			}
			now = now.Add(time.Duration(minutes) * time.Minute)
			if len(table.of) > 5 || len(table.entries) > 5 {
				t.Fatalf("more entries than addresses: %v, %v", table.of, table.entries)
			}
			for _, l := range table.leases(now.Add(-time.Duration(minutes)*time.Minute), true) {
				inside := !l.Address.Less(table.c.First) && !table.c.Last.Less(l.Address)
				owner := table.owners[l.Address]
				if owner != "" && owner != l.Hardware || owner == "" && !inside || table.of[l.Client] != l.Address {
					t.Fatalf("lent: %+v", l)
				}
			}
		}
	})
}
