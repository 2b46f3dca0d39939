package policy

import (
	"net/netip"
	"slices"
	"strings"

	"tollgate/firmware/numbering"
)

// Bounds of lists, far above what a branch office has.
const (
	maxTrunks   = 64
	maxAccounts = 1000
	maxNumbers  = 10_000
)

func (c *checker) trunks() {
	list := c.p.Trunks
	if len(list) == 0 && c.p.Phones.Used() {
		return
	}
	if !c.required("trunks", len(list) > 0, "describe at least one carrier") || !c.atMost("trunks", len(list), maxTrunks) {
		return
	}
	trunkNames := names{c, map[string]string{PeerPBX: "the PBX"}}
	for i, t := range list {
		path := index("trunks", i)
		trunkNames.add(path+".name", t.Name)
		c.trunk(path, t)
	}
}

func (c *checker) trunk(path string, t Trunk) {
	if c.required(path+".domain", t.Domain != "", "write the carrier's SIP domain, such as carrier.example") {
		c.host(path+".domain", t.Domain, false)
	}
	c.host(path+".registrar", t.Registrar, true)
	c.proxies(path, t)
	c.transport(path, t.Transport, t.TLS)
	c.encryption(t.encryption(path))
	c.offersICE(t.encryption(path), t.OfferICE)
	one(c, path+".number_format", t.NumberFormat, FormatE164, FormatPlain, FormatDoubleZero, FormatNational)
	c.codecs(path+".codecs", t.Codecs)
	c.commonCodec(path+".codecs", t.Codecs)
	c.ptime(path+".ptime", t.Ptime)
	c.clearT38(path, t.SRTP, t.ClearT38)
	one(c, path+".dtmf", t.DTMF, DTMFPass, DTMFRFC4733, DTMFInfo)
	if t.Caps.Calls < 0 {
		c.fault(path+".caps.calls", "write 0 for no limit of the trunk's own", "%d is below zero", t.Caps.Calls)
	}
	c.between(path+".caps.per_second", t.Caps.PerSecond, 0, maxPerSecond)
	one(c, path+".unowned_numbers", t.UnownedNumbers, UnownedReplace, UnownedRefuse)
	c.stir(path+".stir", t.Stir)
	c.headerRules(path, t.Headers)
	c.conduct(path, t)
	c.profile(path, t)
	c.host(path+".own_name", t.OwnName, false)
	if _, address := hostAddr(t.OwnName); address {
		c.fault(path+".own_name", "write a host name, or remove it", "%s is an address", t.OwnName)
	}
	c.latching(path, t.MediaLatching)
	c.trunkSources(path, t)
	c.accounts(path, t)
}

// conduct checks how the box deals with the carrier.
func (c *checker) conduct(path string, t Trunk) {
	one(c, path+".health", t.Health, HealthOptions, HealthOff)
	one(c, path+".hold", t.Hold, HoldPass, HoldInactive)
	one(c, path+".session_timer", t.SessionTimer, TimerAsk, TimerAnswer)
	switch {
	case t.Registrar != "":
		one(c, path+".registration", t.Registration, RegisterEach, RegisterBulk)
	case t.Registration != "":
		c.fault(path+".registration", "write where the box registers, as registrar, or remove it", "has no effect on a trunk that does not register")
	}
	switch {
	case t.Transport == UDP:
		one(c, path+".udp_oversize", t.UDPOversize, OversizeTCP, OversizeFragment)
	case t.UDPOversize != "":
		c.fault(path+".udp_oversize", "remove it", "has no effect without transport: udp")
	}
}

// commonCodec checks that a call can take place at all: of all codecs only PCMA and PCMU are converted into one another.
func (c *checker) commonCodec(path string, list []string) {
	ofPBX := c.p.PBX.Codecs
	unknown := func(name string) bool { return !slices.Contains(codecNames, name) }
	if len(list) == 0 || len(ofPBX) == 0 || slices.ContainsFunc(list, unknown) || slices.ContainsFunc(ofPBX, unknown) {
		return
	}
	g711 := []string{"PCMA", "PCMU"}
	shared := func(name string) bool {
		return slices.Contains(ofPBX, name) || slices.Contains(g711, name) && slices.ContainsFunc(ofPBX, func(o string) bool { return slices.Contains(g711, o) })
	}
	if !slices.ContainsFunc(list, shared) {
		c.fault(path, "add "+orList(ofPBX), "none of these is among the PBX's codecs, and only PCMA and PCMU are converted into one another")
	}
}

func (c *checker) trunkSources(path string, t Trunk) {
	signalling, media := path+".signalling_sources", path+".media_sources"
	c.ranges(signalling, t.SignallingSources)
	c.outsideOnly(signalling, t.SignallingSources)
	c.ranges(media, t.MediaSources)
	c.outsideOnly(media, t.MediaSources)
	for _, h := range nextHops(t) {
		if a, ok := hostAddr(h.host); ok {
			c.nextHopAddress(path+"."+h.key, a)
		}
	}
}

// nextHopAddress checks a next hop that is given as an address rather than by name.
func (c *checker) nextHopAddress(path string, a netip.Addr) {
	n := c.p.Network
	switch {
	case notOneHost(a) != "":
		c.fault(path, "write the carrier's address", "%s %s", a, notOneHost(a))
	case !a.IsLoopback() && (a == n.Inside.Address.Addr() || a == n.Outside.Address.Addr()):
		c.fault(path, "write the carrier's address", "%s is the box's own address", a)
	case n.Outside.Address.IsValid() && n.Outside.Address.Addr().Is4() != a.Is4():
		c.fault(path, "write both as IPv4 or both as IPv6", "%s and the outside address are not of one kind", a)
	case a != n.Gateway && within(n.Inside.Prefixes, hostRange(a)):
		c.fault(path, "write the carrier's address", "%s is inside the office", a)
	}
}

// maxProxies bounds the outbound proxies of a trunk: beyond a handful no caller waits for the last.
const maxProxies = 8

// proxies checks the outbound proxies, unless they only follow from registrar or domain.
func (c *checker) proxies(path string, t Trunk) {
	path += ".outbound_proxy"
	if t.ownProxies() == nil || !c.atMost(path, len(t.OutboundProxy), maxProxies) {
		return
	}
	for i, host := range t.OutboundProxy {
		at := path
		if len(t.OutboundProxy) > 1 {
			at = index(path, i)
		}
		if c.host(at, host, true); slices.Contains(t.OutboundProxy[:i], host) {
			c.fault(at, "keep one of the two", "%s is listed twice", host)
		}
	}
}

// ownProxies are the outbound proxies when they say more than registrar and domain do.
func (t Trunk) ownProxies() Hosts {
	if len(t.OutboundProxy) == 1 && (t.OutboundProxy[0] == t.Registrar || t.OutboundProxy[0] == t.Domain) {
		return nil
	}
	return t.OutboundProxy
}

// hop is a host that a trunk's requests go to, and the key that says so.
type hop struct{ key, host string }

// nextHops lists where a trunk's requests go.
func nextHops(t Trunk) []hop {
	var hops []hop
	for i, host := range t.ownProxies() {
		key := "outbound_proxy"
		if len(t.OutboundProxy) > 1 {
			key = index(key, i)
		}
		hops = append(hops, hop{key, host})
	}
	switch {
	case hops != nil:
		return hops
	case t.Registrar != "":
		return []hop{{"registrar", t.Registrar}}
	}
	return []hop{{"domain", t.Domain}}
}

// hostAddr returns the address of a host[:port] that is written as one.
func hostAddr(s string) (netip.Addr, bool) {
	name, _, err := SplitHost(s)
	if err != nil {
		return netip.Addr{}, false
	}
	a, err := netip.ParseAddr(name)
	return a, err == nil
}

// hostRange returns the range that holds a alone.
func hostRange(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }

func (c *checker) accounts(path string, t Trunk) {
	path += ".accounts"
	if !c.required(path, len(t.Accounts) > 0, "add an account with the numbers that the carrier gave you") ||
		!c.atMost(path, len(t.Accounts), maxAccounts) {
		return
	}
	users, owners := map[string]string{}, map[string]string{}
	for i, a := range t.Accounts {
		at := index(path, i)
		c.account(at, a, t)
		if first, twice := users[a.User]; twice && a.User != "" {
			c.fault(at+".user", "put its numbers into one account", "is the same as at %s", first)
		} else {
			users[a.User] = at
		}
		c.numbers(at, a.Numbers, owners)
	}
}

func (c *checker) account(path string, a Account, t Trunk) {
	c.user(path+".user", a.User)
	if a.AuthUser != a.User {
		c.authUser(path+".auth_user", a.AuthUser)
	}
	switch {
	case a.Secret != "":
		c.secret(path+".secret", a.Secret, "ask the carrier for a longer, random one; where it has none, write weak_secret", a.WeakSecret, t.names(a)...)
	case a.WeakSecret.Made():
		c.fault(path+".weak_secret", "remove it", "has no effect without a secret")
	case t.Registrar != "":
		c.fault(path+".secret", "write the password that the carrier gave you", "is missing, and the trunk registers")
	case a.AuthUser != a.User:
		c.fault(path+".auth_user", "add the secret, or remove it", "has no effect without a secret")
	}
}

// e164 is a whole number as ITU-T E.164 §6.1 writes it.
var e164 = patternOf(`^\+[1-9][0-9]{6,14}$`)

// numbers checks the numbers of one account and notes their owner: a call to a number owned twice could go to neither.
func (c *checker) numbers(path string, list []string, owners map[string]string) {
	at := path + ".numbers"
	if !c.required(at, len(list) > 0, "list the numbers of this account, such as +33123456789") || !c.atMost(at, len(list), maxNumbers) {
		return
	}
	plan, _ := numbering.For(c.p.Site.Country) // nil: the country has its fault
	for i, n := range list {
		switch owner, owned := owners[n]; {
		case !e164.matches(n):
			c.fault(index(at, i), numberHint(n), "%s is not a number in international form", quoted(n))
		case owner == path:
			c.fault(index(at, i), "keep one of the two", "%s is listed twice", n)
		case owned:
			c.fault(index(at, i), "keep it in one account", "%s belongs to %s already", n, owner)
		default:
			owners[n] = path
			c.readable(index(at, i), n, plan)
		}
	}
}

// readable refuses a number that the country's plan reads as something else: no call would ever be to or from it.
func (c *checker) readable(path, number string, plan *numbering.Plan) {
	if plan == nil {
		return
	}
	switch n, err := plan.Read(number, ""); {
	case err != nil:
		c.fault(path, "write the number as the carrier has given it, with its country code", "%s is no number in the numbering plan of %s", number, plan.Name())
	case n.E164 == "":
		c.fault(path, "write a whole number, such as +33123456789", "%s is the short number %s in the numbering plan of %s", number, n, plan.Name())
	case n.E164 != number:
		c.fault(path, "write "+n.E164, "%s is read as %s by the numbering plan of %s, so that no call would be its own", number, n.E164, plan.Name())
	}
}

// grouping removes what people put between the digits of a number.
var grouping = strings.NewReplacer(" ", "", ".", "", "/", "", "(", "", ")", "", "-", "")

func numberHint(n string) string {
	digits := grouping.Replace(n)
	if rest, ok := strings.CutPrefix(digits, "00"); ok {
		digits = "+" + rest
	}
	if e164.matches(digits) {
		return "write " + digits
	}
	return "write + and the country code first, such as +33123456789"
}
