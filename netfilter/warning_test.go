package netfilter

import (
	"strings"
	"testing"
)

func TestWarningsTellWhatWillNeverWork(t *testing.T) {
	for _, c := range []struct {
		name   string
		config func() Config
		spoil  func(*Config)
		want   string // "": no warning
	}{
		{"two ports", twoPorts, func(*Config) {}, ""},
		{"one port", onePort, func(*Config) {}, ""},
		{"both families", twoPortsV6, func(*Config) {}, ""},
		{"set-up", setUp, func(*Config) {}, ""},
		{"carrier inside", twoPorts, func(c *Config) { c.Services[2].Sources = prefixes("192.0.2.77/32") },
			`service "trunk carrier-a": source 192.0.2.77 will never be let in: it lies in the prefixes of the inside`},
		{"carrier around the inside", twoPorts, func(c *Config) { c.Services[2].Sources = prefixes("192.0.0.0/16") }, ""},
		{"carrier behind the gateway's address", onePort, func(c *Config) { c.Services[1].Sources = prefixes("192.0.2.1/32") }, ""},
		{"PBX elsewhere, two ports", twoPorts, func(c *Config) { c.Services[0].Sources = prefixes("172.16.0.1/32") }, ""},
		{"PBX elsewhere, one port", onePort, func(c *Config) { c.Services[0].Sources = prefixes("172.16.0.1/32") }, "it lies in no prefix of the inside"},
		{"page for the gateway", onePort, func(c *Config) { c.Page.Sources = prefixes("192.0.2.1/32") },
			"page: source 192.0.2.1 will never be let in: the gateway is never inside"},
		{"ephemeral media", twoPorts, func(c *Config) { c.Media = PortRange{30000, 40000} }, "media ports 30000-40000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := c.config()
			c.spoil(&config)
			if err := config.Check(); err != nil {
				t.Fatal(err)
			}
			got := strings.Join(config.Warnings(), "\n")
			if c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("Warnings: %q, want %q", got, c.want)
			}
		})
	}
}
