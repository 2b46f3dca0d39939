package policy

import "net/netip"

func (c *checker) network() {
	n := c.p.Network
	c.linkName("network.inside.interface", n.Inside.Interface)
	c.linkName("network.outside.interface", n.Outside.Interface)
	inside := c.ownAddress("network.inside.address", n.Inside.Address, true)
	outside := c.ownAddress("network.outside.address", n.Outside.Address, false)
	c.ranges("network.inside.prefixes", n.Inside.Prefixes)
	c.dhcpServer(n)
	c.gateway(n)
	c.passage(n)
	c.publicAddress(n)
	c.nat(n)
	c.mediaPorts(n)
	one(c, "network.sip_dscp", n.SIPDSCP, DSCPCS3, DSCPAF31)
	c.namedServers(n)
	if inside && outside {
		c.sides(n)
	}
}

// ownAddress checks an address of the box itself with its prefix length, and tells whether there is one.
func (c *checker) ownAddress(path string, own OwnAddress, inside bool) bool {
	p := own.Prefix
	if own.Given() && !p.IsValid() {
		c.givenAddress(path, own, inside)
		return false
	}
	if !c.required(path, p.IsValid(), "write the box's own address with its prefix length, such as 192.0.2.1/24") {
		return false
	}
	a := p.Addr()
	if problem := notOneHost(a); problem != "" {
		c.fault(path, "", "%s %s", a, problem)
		return false
	}
	if a.Is6() && a.IsLinkLocalUnicast() {
		c.fault(path, "write a global or unique local address", "%s is valid on one link only", a)
		return false
	}
	if a.Is4() && p.Bits() < 31 && (a == p.Masked().Addr() || a == lastOf(p)) {
		c.fault(path, "write the box's own address within it", "%s is the first or last address of its network, which no host may have", a)
		return false
	}
	return true
}

// notOneHost says why an address cannot be that of one host, or nothing.
func notOneHost(a netip.Addr) string {
	switch {
	case a.IsUnspecified():
		return "stands for no address at all"
	case a.IsMulticast():
		return "is a multicast address"
	case a == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return "is the broadcast address"
	}
	return ""
}

// lastOf returns the last address of an IPv4 prefix: its broadcast address.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().As4()
	for i := p.Bits(); i < 32; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	return netip.AddrFrom4(b)
}

// gateway checks the router's address. It may lie in the inside prefixes, as it does with one port; it counts as
// outside all the same.
func (c *checker) gateway(n Network) {
	const path = "network.gateway"
	if !n.Gateway.IsValid() {
		return
	}
	if problem := notOneHost(n.Gateway); problem != "" {
		c.fault(path, "write the router's address, or leave it out", "%s %s", n.Gateway, problem)
		return
	}
	if n.Gateway == n.Inside.Address.Addr() || n.Gateway == n.Outside.Address.Addr() {
		c.fault(path, "write the router's address, or leave it out", "%s is the box's own address", n.Gateway)
		return
	}
	out := n.Outside.Address
	if out.IsValid() && out.Addr().BitLen() == n.Gateway.BitLen() && out.Bits() < out.Addr().BitLen()-1 && !out.Masked().Contains(n.Gateway) {
		c.fault(path, "write the router's address on that network", "%s is not in the outside network %s", n.Gateway, out.Masked())
	}
}

func (c *checker) publicAddress(n Network) {
	const path = "network.public_address"
	a := n.PublicAddress
	if !a.IsValid() || a == n.Outside.Address.Addr() {
		return
	}
	problem := notOneHost(a)
	if problem == "" && a.IsLoopback() {
		problem = "is a loopback address"
	}
	if problem != "" {
		c.fault(path, "write the address under which the carrier sees the box", "%s %s", a, problem)
		return
	}
	if out := n.Outside.Address; out.IsValid() && out.Addr().Is4() != a.Is4() {
		c.fault(path, "write both as IPv4 or both as IPv6", "%s and the outside address are not of one kind", a)
	}
}

// portsPerCall is what a call takes on an address that both sides share: RTP and RTCP on each of two legs.
const portsPerCall = 4

func (c *checker) mediaPorts(n Network) {
	const path = "network.media_ports"
	r := n.MediaPorts
	switch {
	case r.Low > r.High:
		c.fault(path, "write the lower port first", "%s runs backwards", r)
	case r.Low < 1024:
		c.fault(path, "begin at 1024 or above", "%s holds ports below 1024, which are taken by other services", r)
	case r.Low <= 5061 && r.High >= 5060:
		c.fault(path, "choose a range without 5060 and 5061", "%s holds the ports of the signalling", r)
	case c.p.Limits.Calls > 0 && int(r.High)-int(r.Low)+1 < portsPerCall*c.p.Limits.Calls:
		c.fault(path, "widen the range, or lower limits.calls", "%s holds %d ports, and %d calls need %d", r,
			int(r.High)-int(r.Low)+1, c.p.Limits.Calls, portsPerCall*c.p.Limits.Calls)
	}
}

// maxDNSServers is more than anybody asks in turn while a caller waits.
const maxDNSServers = 8

// maxTimeServers is more than it takes for those that are wrong to be outvoted.
const maxTimeServers = 8

func (c *checker) namedServers(n Network) {
	c.servers("network.dns_servers", n.DNSServers, maxDNSServers, "a name server")
	c.servers("network.time_servers", n.TimeServers, maxTimeServers, "a time server")
}

// servers checks the addresses of servers of one kind.
func (c *checker) servers(path string, list []netip.AddrPort, most int, kind string) {
	if !c.atMost(path, len(list), most) {
		return
	}
	seen := map[netip.AddrPort]bool{}
	for i, s := range list {
		switch a := s.Addr(); {
		case !a.IsValid(): // could not be read
		case notOneHost(a) != "":
			c.fault(index(path, i), "write the address of "+kind, "%s %s", a, notOneHost(a))
		case seen[s]:
			c.fault(index(path, i), "keep one of the two", "%s is listed twice", s)
		}
		seen[s] = true
	}
}

// sides checks what the two sides are to each other. With one port they may share address and network; with two, the
// kernel could not tell where a neighbour is if they did.
func (c *checker) sides(n Network) {
	in, out := n.Inside.Address, n.Outside.Address
	if n.OnePort() {
		if in.Addr() == out.Addr() && in.Bits() != out.Bits() {
			c.fault("network.outside.address", "write the same prefix length twice", "%s and the inside address %s differ in their prefix length only", out, in)
		}
		return
	}
	if in.Overlaps(out.Prefix) {
		c.fault("network.outside.address", "give each port a network of its own, or use one port for both sides",
			"%s overlaps the inside network %s", out, in.Masked())
		return
	}
	for i, p := range n.Inside.Prefixes {
		if p.Overlaps(out.Prefix) {
			c.fault(index("network.inside.prefixes", i), "make it narrower", "%s overlaps the outside network %s", p, out.Masked())
		}
	}
}
