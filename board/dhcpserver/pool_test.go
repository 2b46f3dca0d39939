package dhcpserver

import (
	"net/netip"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

// The pool of the tests has three addresses, of which one is reserved for a machine.
func TestThePoolTellsHowMuchOfItIsLeft(t *testing.T) {
	phone := phones(t)
	check := func(when string, at time.Duration, size, free int) {
		t.Helper()
		if p := phone(1).table.pool(start.Add(at)); p.Size != size || p.Free != free || p.First.String() != "192.0.2.100" || p.Last.String() != "192.0.2.102" {
			t.Errorf("%s: %+v, want %d of %d", when, p, free, size)
		}
	}
	check("nobody has come", 0, 2, 2)
	phone(1).says(start, dhcpv4.MessageTypeDiscover)
	check("one has been offered an address", 0, 2, 1)
	check("and has not taken it", 2*time.Minute, 2, 2)
	phone(1).obtains(start, "192.0.2.100")
	phone(2).obtains(start, "192.0.2.102")
	check("two have one", time.Hour, 2, 0)
	phone(0x0f).obtains(start, "192.0.2.30")
	check("and the one that has an address of its own", time.Hour, 2, 0)
	for _, l := range phone(1).table.leases(start.Add(time.Hour), false) {
		if l.Reserved != (l.Address.String() == "192.0.2.30") {
			t.Errorf("%+v", l)
		}
	}
	phone(2).says(start.Add(2*time.Hour), dhcpv4.MessageTypeRelease, of("192.0.2.10"), using("192.0.2.102"))
	check("one has given it back", 2*time.Hour, 2, 1)
	check("half a day later", 13*time.Hour, 2, 2)
}

func TestThePoolLeavesTheBoxItselfOut(t *testing.T) {
	c := config()
	c.Own = netip.MustParsePrefix("192.0.2.102/24")
	if p := newTable(c, nil).pool(start); p.Size != 1 || p.Free != 1 {
		t.Errorf("%+v", p)
	}
}
