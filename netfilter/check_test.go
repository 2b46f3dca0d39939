package netfilter

import (
	"net/netip"
	"strings"
	"testing"
)

func TestCheckTellsEachFault(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(*Config)
		want  string
	}{
		{"nothing", func(c *Config) { *c = Config{} }, "inside: no interface"},
		{"no inside address", func(c *Config) { c.Inside.Addresses = nil }, "inside: no address of the box"},
		{"no outside address", func(c *Config) { c.Outside.Addresses = nil }, "outside: no address of the box"},
		{"unspecified address", func(c *Config) { c.Outside.Addresses = addrs("0.0.0.0") }, "outside: address 0.0.0.0"},
		{"invalid address", func(c *Config) { c.Outside.Addresses = make([]netip.Addr, 1) }, "outside: address invalid IP"},
		{"multicast address", func(c *Config) { c.Inside.Addresses = addrs("ff02::1") }, "inside: address ff02::1"},
		{"addresses of no interface", func(c *Config) { c.Outside.Interface = "" }, "outside: addresses without an interface"},
		{"interface with a quote", func(c *Config) { c.Inside.Interface = `a"b` }, `inside: interface "a\"b"`},
		{"interface with a wildcard", func(c *Config) { c.Inside.Interface = "eth*" }, `inside: interface "eth*"`},
		{"interface too long", func(c *Config) { c.Inside.Interface = "abcdefghijklmnop" }, "at most 15 bytes"},
		{"prefixes outside", func(c *Config) { c.Outside.Prefixes = prefixes("203.0.113.0/24") }, "outside: prefixes belong to the inside"},
		{"everything inside", func(c *Config) { c.Inside.Prefixes = prefixes("0.0.0.0/0") }, "holds every address"},
		{"one port, no prefixes", func(c *Config) { c.Outside.Interface, c.Inside.Prefixes = "lan0", nil }, "prefixes must say what is inside"},
		{"gateway", func(c *Config) { c.Gateway = netip.MustParseAddr("224.0.0.1") }, "gateway 224.0.0.1"},
		{"media range turned round", func(c *Config) { c.Media = PortRange{20999, 20000} }, "media ports 20999-20000"},
		{"media from zero", func(c *Config) { c.Media = PortRange{0, 20} }, "media ports 0-20"},
		{"service without a name", func(c *Config) { c.Services[1].Name = " " }, `service " ": no name`},
		{"service without a side", func(c *Config) { c.Services[0].Side = "" }, `service "pbx": side ""`},
		{"service without an outside", func(c *Config) { c.Outside = Port{} }, "the outside has no interface"},
		{"service by another protocol", func(c *Config) { c.Services[0].Protocol = "tls" }, `protocol "tls"`},
		{"service without a port", func(c *Config) { c.Services[0].Port = 0 }, "no port"},
		{"service in the media ports", func(c *Config) { c.Services[0].Port = 20000 }, "port 20000 lies in the media ports"},
		{"service on the page's port", func(c *Config) { c.Services[1].Port = 443 }, "port 443 is the page's"},
		{"invalid source", func(c *Config) { c.Services[2].Sources = make([]netip.Prefix, 1) }, `service "trunk carrier-a": source invalid Prefix`},
		{"multicast source", func(c *Config) { c.Services[2].Sources = prefixes("239.0.0.0/8") }, "source 239.0.0.0/8 is multicast"},
		{"mixed source", func(c *Config) { c.Services[2].Sources = prefixes("::ffff:0:0/90") }, "mixes IPv4 and IPv6"},
		{"invalid page source", func(c *Config) { c.Page.Sources = make([]netip.Prefix, 1) }, "page: source invalid Prefix"},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := twoPorts()
			c.spoil(&config)
			err := config.Check()
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Check: %v; want %q", err, c.want)
			}
		})
	}
}

func TestCheckTellsAllFaultsAtOnce(t *testing.T) {
	c := twoPorts()
	c.Inside.Interface, c.Outside.Addresses, c.Services[0].Port, c.Media = "", nil, 0, PortRange{2, 1}
	err := c.Check()
	if err == nil || strings.Count(err.Error(), "\n") != 3 {
		t.Errorf("Check: %v; want four faults, one a line", err)
	}
}

func TestCheckAcceptsOverlapsAndMappedAddresses(t *testing.T) {
	c := twoPorts()
	c.Services[2].Sources = prefixes("203.0.113.0/24", "203.0.113.0/24", "203.0.113.7/32", "::ffff:203.0.113.9/128")
	c.Inside.Addresses = append(c.Inside.Addresses, netip.MustParseAddr("::ffff:192.0.2.1"), netip.MustParseAddr("fe80::1%lan0"))
	if err := c.Check(); err != nil {
		t.Fatal(err)
	}
	text := c.Ruleset().String()
	if !strings.Contains(text, "set outside_udp_5060_trunk_carrier-a_ip4 {\n\t\ttype ipv4_addr\n\t\tflags interval\n\t\tcomment \"SIP over udp from trunk carrier-a\"\n\t\telements = { 203.0.113.0/24 }") {
		t.Error("the overlapping sources were not merged into one")
	}
	if !strings.Contains(text, "set inside_own6 {\n\t\ttype ipv6_addr\n\t\tcomment \"the box on this side\"\n\t\telements = { fe80::1 }") || strings.Contains(text, "192.0.2.1, 192.0.2.1") {
		t.Error("mapped addresses and zones were not made plain")
	}
}
