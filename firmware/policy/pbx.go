package policy

import (
	"slices"

	"tollgate/firmware/numbering"
)

func (c *checker) pbx() {
	p := c.p.PBX
	if c.p.Phones.Used() && !p.Used() {
		return
	}
	c.transport("pbx", p.Transport, p.TLS)
	c.encryption(p.encryption())
	c.offersICE(p.encryption(), p.OfferICE)
	one(c, "pbx.number_format", p.NumberFormat, FormatE164, FormatPlain, FormatDoubleZero, FormatNational)
	c.codecs("pbx.codecs", p.Codecs)
	c.ptime("pbx.ptime", p.Ptime)
	c.clearT38("pbx", p.SRTP, p.ClearT38)
	one(c, "pbx.dtmf", p.DTMF, DTMFPass, DTMFRFC4733, DTMFInfo)
	c.latching("pbx", p.MediaLatching)
	c.dialledPrefix("pbx.outside_prefix", p.OutsidePrefix)
	c.pbxAuthentication(p)
	c.overflow(p.Overflow)
	c.headerRules("pbx", p.Headers)
	c.trustedPBX(p)
	c.ranges("pbx.sources", p.Sources)
	if one(c, "pbx.reached_by", p.ReachedBy, ReachAddress, ReachRegistration, ReachContact) && p.ReachedBy.Registers() {
		c.registeringPBX(p)
		return
	}
	if !c.required("pbx.address", p.Address.IsValid(), "write the PBX's address and port, such as 192.0.2.20:5060") {
		return
	}
	if c.pbxAddress(p) && !c.onlyOwnAddress(p) {
		c.insideOnly("pbx.sources", p.Sources)
	}
}

// registeringPBX checks a PBX that is found by its registration: whoever registers takes its calls, so that an address
// alone is no proof, and nobody may try it from everywhere.
func (c *checker) registeringPBX(p PBX) {
	const hint = "remove it, or write reached_by: address"
	if p.Address.IsValid() {
		c.fault("pbx.address", hint, "has no effect with reached_by: %s", p.ReachedBy)
	}
	if p.TLS != (TLS{}) && p.Transport == TLSTransport {
		c.fault("pbx.tls", hint, "has no effect with reached_by: %s, because it is the PBX that connects", p.ReachedBy)
	}
	if p.Authentication == AuthAddress {
		c.fault("pbx.authentication", "write authentication: digest, with user and secret", "reached_by: %s needs digest, or anybody at its address could take its calls", p.ReachedBy)
	}
	if c.required("pbx.sources", len(p.Sources) > 0, "write where the PBX may register from, such as 192.0.2.20") {
		c.insideOnly("pbx.sources", p.Sources)
	}
}

// trustedPBX checks that there is somebody whose word the PBX could be told.
func (c *checker) trustedPBX(p PBX) {
	if p.Trusted && !slices.ContainsFunc(c.p.Trunks, func(t Trunk) bool { return t.Trusted }) {
		c.fault("pbx.trusted", "write trusted: true for the trunk whose word counts, or remove it", "has no effect, because no trunk is trusted")
	}
}

// overflow checks the number that inbound calls go to while the PBX is away. Callers choose when that happens and the
// office pays, so that it must not cost a surcharge; and a number of our own would come straight back.
func (c *checker) overflow(number string) {
	const path = "pbx.overflow"
	if number == "" {
		return
	}
	if !e164.matches(number) {
		c.fault(path, numberHint(number), "%s is not a number in international form", quoted(number))
		return
	}
	for i, t := range c.p.Trunks {
		for j, a := range t.Accounts {
			if slices.Contains(a.Numbers, number) {
				c.fault(path, "write a number outside the office", "%s is a number of %s, so that the calls would come back", number, index(index("trunks", i)+".accounts", j))
				return
			}
		}
	}
	plan, err := numbering.For(c.p.Site.Country)
	if err != nil {
		return // told as a fault of site.country
	}
	if n, err := plan.Read(number, ""); err != nil {
		c.fault(path, "correct the number", "%s is not a number that can be called: %s", number, err)
	} else if !Overflowable(n) {
		c.fault(path, "write a number at the normal rate", "%s is a number of class %s, to which no call overflows", number, n.Class)
	} else {
		c.overflowPasses(plan, n)
	}
}

// Overflowable tells whether calls may be sent out to n because the PBX is away: not to emergency services, and not to
// numbers with a surcharge or of satellites and the like.
func Overflowable(n numbering.Number) bool {
	switch n.Class {
	case numbering.Emergency, numbering.Premium, numbering.Shared, numbering.Special, numbering.Unknown:
		return false
	}
	return true
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
			c.secret("pbx.secret", p.Secret, "choose a longer, random one for PBX and box, as `tollgate secret` makes", p.WeakSecret, p.names()...)
		}
		c.digestAlgorithms(p.DigestAlgorithms)
		return
	}
	const hint = "write authentication: digest, or remove it"
	if p.User != "" {
		c.fault("pbx.user", hint, "has no effect with authentication: address")
	}
	if p.Secret != "" {
		c.fault("pbx.secret", hint, "has no effect with authentication: address")
	}
	if p.WeakSecret.Made() {
		c.fault("pbx.weak_secret", hint, "has no effect with authentication: address")
	}
	if len(p.DigestAlgorithms) > 0 {
		c.fault("pbx.digest_algorithms", hint, "has no effect with authentication: address")
	}
}

func (c *checker) digestAlgorithms(list []string) {
	const path = "pbx.digest_algorithms"
	if !c.atMost(path, len(list), 16) {
		return
	}
	for i, name := range list {
		if one(c, index(path, i), name, DigestAlgorithms()...) && slices.Contains(list[:i], name) {
			c.fault(index(path, i), "keep one of the two", "%s is listed twice", name)
		}
	}
}

func (c *checker) dialledPrefix(path, s string) {
	if len(s) > 4 || slices.ContainsFunc([]rune(s), func(r rune) bool { return r < '0' || r > '9' }) {
		c.fault(path, "write up to four digits, such as 0", "%s is not a prefix that a phone dials", quoted(s))
	}
}
