package netfilter

import (
	"fmt"
	"net/netip"
	"slices"
)

// ephemeral are the ports that Linux gives to sockets of its own choice (net.ipv4.ip_local_port_range, its default).
const ephemeralLow, ephemeralHigh = 32768, 60999

// Warnings returns what is no fault, but will surely surprise: sources that can never arrive, and media ports that the
// kernel gives to others. Set logs them.
func (c Config) Warnings() []string {
	var warnings []string
	for _, s := range c.Services {
		for _, p := range merge(s.Sources) {
			if why := c.unreachable(s.Side, p); why != "" {
				warnings = append(warnings, fmt.Sprintf("service %q: source %s will never be let in: %s", s.Name, prefixText(p), why))
			}
		}
	}
	for _, p := range merge(c.Page.Sources) {
		if why := c.unreachable(Inside, p); why != "" {
			warnings = append(warnings, fmt.Sprintf("page: source %s will never be let in: %s", prefixText(p), why))
		}
	}
	if c.Media.High >= ephemeralLow && c.Media.Low <= ephemeralHigh && c.Media != (PortRange{}) {
		warnings = append(warnings, fmt.Sprintf("media ports %d-%d are among those that the kernel gives to other sockets (%d-%d),"+
			" whose answers are then lost: choose lower ones or reserve them (net.ipv4.ip_local_reserved_ports)",
			c.Media.Low, c.Media.High, ephemeralLow, ephemeralHigh))
	}
	return warnings
}

// unreachable tells why a source cannot come from a side, or nothing.
func (c Config) unreachable(side Side, p netip.Prefix) string {
	gateway := plainAddr(c.Gateway)
	inside := merge(c.Inside.Prefixes)
	isGateway := gateway.IsValid() && p == netip.PrefixFrom(gateway, gateway.BitLen())
	within := slices.ContainsFunc(inside, func(in netip.Prefix) bool { return in.Contains(p.Addr()) && in.Bits() <= p.Bits() })
	overlaps := slices.ContainsFunc(inside, p.Overlaps)
	switch {
	case side == Outside && within && !isGateway:
		return "it lies in the prefixes of the inside"
	case side == Inside && c.OnePort() && isGateway:
		return "the gateway is never inside"
	case side == Inside && c.OnePort() && !overlaps:
		return "it lies in no prefix of the inside"
	}
	return ""
}
