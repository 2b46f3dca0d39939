package link

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func prefix(text string) netip.Prefix { return netip.MustParsePrefix(text) }

func prefixes(texts ...string) []netip.Prefix {
	var list []netip.Prefix
	for _, t := range texts {
		list = append(list, prefix(t))
	}
	return list
}

// machine has an office port, a carrier's port, and one that is switched off.
func machine() []Interface {
	return []Interface{
		{Name: "lan0", Up: true, Carrier: true, Addresses: prefixes("192.0.2.1/24", "192.0.2.9/32", "2001:db8:1::1/64")},
		{Name: "wan0", Up: true, Addresses: prefixes("198.51.100.2/30", "192.0.2.9/32"),
			Checking: prefixes("2001:db8:2::2/64"), Taken: prefixes("2001:db8:2::3/64")},
		{Name: "aux0", Addresses: prefixes("203.0.113.1/24")},
	}
}

func TestVerifyTellsWhatIsWrongAndWhatToDo(t *testing.T) {
	for _, c := range []struct {
		name string
		want Want
		told string // "": nothing is wrong
	}{
		{"as wanted", Want{"inside", "lan0", prefix("192.0.2.1/24")}, ""},
		{"IPv6 as wanted", Want{"inside", "lan0", prefix("2001:db8:1::1/64")}, ""},
		{"no cable", Want{"outside", "wan0", prefix("198.51.100.2/30")}, ""},
		{"no port", Want{"outside", "eth7", prefix("198.51.100.2/30")},
			"outside, port eth7: there is no such port (the machine has lan0, wan0, aux0)"},
		{"switched off", Want{"outside", "aux0", prefix("203.0.113.1/24")},
			"outside, port aux0: it is switched off (switch it on: ip link set aux0 up)"},
		{"not there", Want{"outside", "wan0", prefix("198.51.100.9/30")},
			"outside, port wan0: 198.51.100.9/30 is not one of its addresses, which are: 198.51.100.2/30, 192.0.2.9/32 " +
				"(correct the address, or give it to the port: ip address add 198.51.100.9/30 dev wan0)"},
		{"other length", Want{"outside", "wan0", prefix("198.51.100.2/24")},
			"outside, port wan0: 198.51.100.2 has the prefix length 30, not 24 (make the two agree)"},
		{"on another port", Want{"outside", "wan0", prefix("192.0.2.1/24")},
			"outside, port wan0: 192.0.2.1 is on lan0 (name that port, or move the address)"},
		{"on two ports", Want{"inside", "lan0", prefix("192.0.2.9/32")},
			"inside, port lan0: 192.0.2.9 is on wan0 too (take it off one of the two)"},
		{"taken by another machine", Want{"outside", "wan0", prefix("2001:db8:2::3/64")},
			"outside, port wan0: another machine on this link has 2001:db8:2::3 (choose another address, or change that machine's)"},
		{"still being checked", Want{"outside", "wan0", prefix("2001:db8:2::2/64")},
			"outside, port wan0: the system still checks that nobody else has 2001:db8:2::2 (try again in a few seconds)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.told, compare([]Want{c.want}, machine()).Error()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestVerifyTellsEveryFaultAtOnce(t *testing.T) {
	got := compare([]Want{
		{"inside", "eth7", prefix("192.0.2.1/24")},
		{"outside", "aux0", prefix("203.0.113.7/24")},
	}, machine())
	if len(got) != 3 || got[0].Role != "inside" || got[1].Problem != "it is switched off" || got[2].Interface != "aux0" {
		t.Errorf("faults: %v; want the missing port, the one switched off and its missing address", got)
	}
}

func TestOnePortMayServeBothSides(t *testing.T) {
	both := []Want{{"inside", "lan0", prefix("192.0.2.1/24")}, {"outside", "lan0", prefix("192.0.2.1/24")}}
	if faults := compare(both, machine()); len(faults) > 0 {
		t.Error(faults)
	}
}
