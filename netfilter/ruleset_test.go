package netfilter

import (
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the goldens afresh")

// The layouts of the goldens. Each is set into a kernel too and compared with what nft prints.
func layouts() map[string]Config {
	return map[string]Config{
		"two_ports":    twoPorts(),
		"one_port":     onePort(),
		"two_ports_v6": twoPortsV6(),
		"setup":        setUp(),
		"passage":      passage(),
	}
}

// twoPorts has the office on lan0 and two carriers, one by UDP and one by TLS, on wan0.
func twoPorts() Config {
	return Config{
		Inside: Port{
			Interface: "lan0", Addresses: addrs("192.0.2.1"), Prefixes: prefixes("192.0.2.0/24"),
		},
		Outside: Port{Interface: "wan0", Addresses: addrs("198.51.100.2")},
		Gateway: netip.MustParseAddr("198.51.100.1"),
		Services: []Service{
			{Name: "pbx", Side: Inside, Protocol: UDP, Port: 5060, Sources: prefixes("192.0.2.10/32")},
			{Name: "pbx", Side: Inside, Protocol: TCP, Port: 5060, Sources: prefixes("192.0.2.10/32")},
			{Name: "trunk carrier-a", Side: Outside, Protocol: UDP, Port: 5060,
				Sources: prefixes("203.0.113.0/28", "203.0.113.5/32", "203.0.113.64/32")},
			{Name: "trunk carrier-b", Side: Outside, Protocol: TCP, Port: 5061, Sources: prefixes("203.0.113.128/25")},
		},
		Page:  Page{Port: 443, Sources: prefixes("192.0.2.0/25")},
		Media: PortRange{20000, 20999},
	}
}

// onePort has the office and the way to the carrier on the same interface.
func onePort() Config {
	return Config{
		Inside: Port{
			Interface: "eth0", Addresses: addrs("192.0.2.2"), Prefixes: prefixes("192.0.2.0/24", "10.0.0.0/8"),
		},
		Outside: Port{Interface: "eth0", Addresses: addrs("192.0.2.2")},
		Gateway: netip.MustParseAddr("192.0.2.1"),
		Services: []Service{
			{Name: "pbx", Side: Inside, Protocol: UDP, Port: 5060, Sources: prefixes("192.0.2.10/32")},
			{Name: "trunk carrier-a", Side: Outside, Protocol: UDP, Port: 5060, Sources: prefixes("203.0.113.0/24")},
			{Name: "trunk carrier-a", Side: Outside, Protocol: TCP, Port: 5061, Sources: prefixes("203.0.113.0/24")},
		},
		Page:  Page{Port: 8443, Sources: prefixes("192.0.2.0/24")},
		Media: PortRange{20000, 20999},
	}
}

// twoPortsV6 is like twoPorts with both families on both sides.
func twoPortsV6() Config {
	c := twoPorts()
	c.Inside.Addresses = addrs("192.0.2.1", "2001:db8:1::1")
	c.Inside.Prefixes = prefixes("192.0.2.0/24", "2001:db8:1::/64", "fe80::/10")
	c.Outside.Addresses = addrs("198.51.100.2", "2001:db8:2::2")
	c.Gateway = netip.MustParseAddr("2001:db8:2::1")
	c.Services = append(c.Services,
		Service{Name: "pbx", Side: Inside, Protocol: UDP, Port: 5060, Sources: prefixes("2001:db8:1::10/128")},
		Service{Name: "trunk carrier-c", Side: Outside, Protocol: UDP, Port: 5060,
			Sources: prefixes("2001:db8:c::/48", "2001:db8:c:1::/64", "2001:db8:d::5/128")},
		Service{Name: "trunk carrier-c", Side: Outside, Protocol: TCP, Port: 5061, Sources: prefixes("2001:db8:c::/48")},
	)
	c.Page.Sources = nil
	return c
}

// passage lets the office through and serves telephones.
func passage() Config {
	c := withPhones()
	c.Passage = Masquerade
	return c
}

// setUp has no policy yet: the page and nothing else.
func setUp() Config {
	return Config{
		Inside: Port{
			Interface: "lan0", Addresses: addrs("192.0.2.1"), Prefixes: prefixes("192.0.2.0/24"),
		},
		Page: Page{Port: 443, Sources: prefixes("192.0.2.0/24")},
	}
}

func addrs(texts ...string) []netip.Addr {
	var list []netip.Addr
	for _, t := range texts {
		list = append(list, netip.MustParseAddr(t))
	}
	return list
}

func prefixes(texts ...string) []netip.Prefix {
	var list []netip.Prefix
	for _, t := range texts {
		list = append(list, netip.MustParsePrefix(t))
	}
	return list
}

func TestRulesetReadsAsItsGolden(t *testing.T) {
	for name, c := range layouts() {
		t.Run(name, func(t *testing.T) {
			if err := c.Check(); err != nil {
				t.Fatal(err)
			}
			compareGolden(t, name+".nft", c.Ruleset().String())
		})
	}
}

func compareGolden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("differs from %s (-golden +got; -update writes it afresh):\n%s", path, diff)
	}
}
