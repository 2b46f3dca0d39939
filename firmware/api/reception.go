package api

import (
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// reception is who is let in and by which names the box is called; replaced as a whole by Set.
type reception struct {
	sources []netip.Prefix
	hosts   map[string]bool // "host:port", lower case
}

func newReception(c Config) *reception {
	r := &reception{sources: slices.Clone(c.Sources), hosts: map[string]bool{}}
	for _, a := range c.Addresses {
		r.hosts[netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port()).String()] = true
		for _, name := range c.Names {
			r.hosts[net.JoinHostPort(plainHost(name), strconv.Itoa(int(a.Port())))] = true
		}
	}
	return r
}

// refuse returns why a request from addr to host is not served, or nil. A host that is not ours means that somebody
// else's name leads here (DNS rebinding), and that browser would think our page was theirs.
func (r *reception) refuse(addr netip.Addr, host string) *Problem {
	if r == nil || !r.allows(addr) {
		return newProblem(OtherSite, "The page is not for your address.", "Ask the administrator to add it to admin.sources.")
	}
	if !r.hosts[withPort(host)] {
		return newProblem(WrongHost, "The box is not called by that name.", "Open the page by the box's own address.")
	}
	return nil
}

func (r *reception) allows(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	return slices.ContainsFunc(r.sources, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// withPort brings a Host header into the form of reception.hosts.
func withPort(host string) string {
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		name, port = strings.Trim(host, "[]"), "443"
	}
	if addr, err := netip.ParseAddr(name); err == nil {
		name = addr.Unmap().WithZone("").String()
	}
	return net.JoinHostPort(plainHost(name), port)
}

func plainHost(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }
