package policy

import "slices"

func (c *checker) pbx() {
	p := c.p.PBX
	c.transport("pbx", p.Transport, p.SRTP, p.TLS)
	one(c, "pbx.number_format", p.NumberFormat, FormatE164, FormatPlain, FormatDoubleZero, FormatNational)
	c.codecs("pbx.codecs", p.Codecs)
	c.outsidePrefix(p.OutsidePrefix)
	c.pbxAuthentication(p)
	c.ranges("pbx.sources", p.Sources)
	if !c.required("pbx.address", p.Address.IsValid(), "write the PBX's address and port, such as 192.0.2.20:5060") {
		return
	}
	if c.pbxAddress(p) && !c.onlyOwnAddress(p) {
		c.insideOnly("pbx.sources", p.Sources)
	}
}

// pbxAddress checks that the PBX can be where the policy says: in the office, and not the box or its router.
func (c *checker) pbxAddress(p PBX) bool {
	const path = "pbx.address"
	a, n := p.Address.Addr(), c.p.Network
	in := n.Inside.Address.Addr()
	switch {
	case notOneHost(a) != "":
		c.fault(path, "write the address of one host", "%s %s", a, notOneHost(a))
	case p.Address.Port() == 0:
		c.fault(path, "add the port, such as :5060", "has no port")
	case !a.IsLoopback() && (a == in || a == n.Outside.Address.Addr()):
		c.fault(path, "write the PBX's address", "%s is the box's own address", a)
	case n.Gateway.IsValid() && a == n.Gateway:
		c.fault(path, "the gateway never counts as inside; give the PBX another address", "%s is the gateway", a)
	case in.IsValid() && in.Is4() != a.Is4():
		c.fault(path, "write both as IPv4 or both as IPv6", "%s and the inside address are not of one kind", a)
	case len(n.Inside.Prefixes) > 0 && !within(n.Inside.Prefixes, hostRange(a)):
		c.fault(path, "add its network to network.inside.prefixes, or correct it", "%s is not inside the office", a)
	default:
		return true
	}
	return false
}

// onlyOwnAddress tells whether the sources are the default, so that a fault of the address is not told twice.
func (c *checker) onlyOwnAddress(p PBX) bool {
	return len(p.Sources) == 1 && single(p.Sources[0], p.Address.Addr())
}

func (c *checker) pbxAuthentication(p PBX) {
	if !one(c, "pbx.authentication", p.Authentication, AuthAddress, AuthDigest) {
		return
	}
	if p.Authentication == AuthDigest {
		c.user("pbx.user", p.User)
		if c.required("pbx.secret", p.Secret != "", "digest needs a secret of at least 16 characters") {
			c.secret("pbx.secret", p.Secret, "choose a longer, random one for PBX and box", p.User)
		}
		return
	}
	const hint = "write authentication: digest, or remove it"
	if p.User != "" {
		c.fault("pbx.user", hint, "has no effect with authentication: address")
	}
	if p.Secret != "" {
		c.fault("pbx.secret", hint, "has no effect with authentication: address")
	}
}

func (c *checker) outsidePrefix(s string) {
	if len(s) > 4 || slices.ContainsFunc([]rune(s), func(r rune) bool { return r < '0' || r > '9' }) {
		c.fault("pbx.outside_prefix", "write up to four digits, such as 0", "%s is not a prefix that a phone dials", quoted(s))
	}
}
