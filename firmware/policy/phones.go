package policy

import (
	"net/netip"
	"reflect"
	"slices"
	"strings"
)

// Phones are telephones of the office that register through the box with a PBX elsewhere.
type Phones struct {
	Domain    string    `yaml:"domain"`    // SIP domain of the remote PBX: host of the phones' addresses
	Proxy     string    `yaml:"proxy"`     // host[:port] where requests go; default: Domain
	Transport Transport `yaml:"transport"` // towards the remote PBX; default tls
	TLS       TLS       `yaml:"tls"`       // with transport: tls
	SRTP      SRTPMode  `yaml:"srtp"`      // towards the remote PBX; default required with tls, else off
	// KeysInClear, Keying and Suites are as those of a PBX, towards the remote PBX.
	KeysInClear ClearKeys `yaml:"keys_in_clear"`
	Keying      []Keying  `yaml:"keying"`
	Suites      []Suite   `yaml:"suites"`
	Codecs      []string  `yaml:"codecs"` // of phones and remote PBX; default PCMA, PCMU
	// SignallingSources are where the remote PBX's SIP comes from, besides the addresses that Proxy resolves to.
	SignallingSources []netip.Prefix `yaml:"signalling_sources"`
	// MediaSources are further senders of the remote PBX's media, besides the address in its SDP.
	MediaSources []netip.Prefix `yaml:"media_sources"`
	// MediaLatching is as Trunk.MediaLatching, for the phones and their PBX alike.
	MediaLatching Latching `yaml:"media_latching"`

	Sources         []netip.Prefix `yaml:"sources"`          // where phones are; default: Network.Inside.Prefixes
	PhoneTransports []Transport    `yaml:"phone_transports"` // of phones; default all
	PhoneSRTP       SRTPMode       `yaml:"phone_srtp"`       // of phones that use tls; default off
	PhoneKeying     []Keying       `yaml:"phone_keying"`     // as Keying, towards phones
	PhoneSuites     []Suite        `yaml:"phone_suites"`     // as Suites, towards phones
	OutsidePrefix   string         `yaml:"outside_prefix"`   // as PBX.OutsidePrefix, where the box itself reads what was dialled
	Survival        Survival       `yaml:"survival"`         // default phones
	// Inbound is the user whose phone rings for calls of carriers when there is no local PBX or it cannot be reached.
	Inbound string `yaml:"inbound"`
	Most    int    `yaml:"most"` // phones registered at once; default 500
}

// Survival is what phones may do while their PBX cannot be reached.
type Survival string

// The ways: nothing but emergency calls; calling one another too; calling others by the routes as well.
const (
	SurvivalOff    Survival = "off"
	SurvivalPhones Survival = "phones"
	SurvivalRoutes Survival = "routes"
)

// PeerRemotePBX is the name of the phones' PBX among peers. No trunk can have it, because a name holds no blank.
const PeerRemotePBX = "remote pbx"

// phonePeer begins the names of phones among peers.
const phonePeer = "phone "

// PhonePeer is the phone, or the phones behind one router, at an address.
func PhonePeer(a netip.Addr) Peer {
	return Peer{Side: SideInside, Name: phonePeer + a.Unmap().WithZone("").String()}
}

// Phone tells whether the peer is a phone that registers through the box.
func (p Peer) Phone() bool { return p.Side == SideInside && strings.HasPrefix(p.Name, phonePeer) }

// Used tells whether the policy has the section.
func (p Phones) Used() bool { return !reflect.ValueOf(p).IsZero() }

// Used tells whether the policy has the section.
func (p PBX) Used() bool { return !reflect.ValueOf(p).IsZero() }

// Carriers returns the trunks and, behind them, the phones' PBX: a trunk without accounts, whose names are resolved and
// whose servers are tried like any carrier's.
func (p *Policy) Carriers() []Trunk {
	if !p.Phones.Used() {
		return p.Trunks
	}
	return append(slices.Clone(p.Trunks), p.Phones.upstream())
}

// upstream is the phones' PBX as a trunk, with the defaults of one where the section says nothing.
func (p Phones) upstream() Trunk {
	var t Trunk
	setStatic(reflect.ValueOf(&t).Elem())
	t.Name, t.Domain, t.OutboundProxy, t.Transport, t.TLS = PeerRemotePBX, p.Domain, Hosts{p.Proxy}, p.Transport, p.TLS
	t.KeysInClear, t.Keying, t.Suites = p.KeysInClear, p.Keying, p.Suites
	t.SRTP, t.Codecs, t.SignallingSources, t.MediaSources = p.SRTP, p.Codecs, p.SignallingSources, p.MediaSources
	t.MediaLatching = p.MediaLatching
	t.Health = HealthOff // package phones asks it
	t.fill()
	t.derive(func(field, value any) {
		if f := reflect.ValueOf(field).Elem(); unset(f) {
			f.Set(reflect.ValueOf(value))
		}
	})
	return t
}

// fill sets the fixed defaults. They are not set before the document is read, since a section that is not there has none.
func (p *Phones) fill() {
	if !p.Used() {
		return
	}
	if p.Transport == "" {
		p.Transport = TLSTransport
	}
	if p.SRTP == "" {
		p.SRTP = map[bool]SRTPMode{true: SRTPRequired, false: SRTPOff}[p.Transport == TLSTransport]
	}
	if len(p.Codecs) == 0 {
		p.Codecs = []string{"PCMA", "PCMU"}
	}
	if len(p.PhoneTransports) == 0 {
		p.PhoneTransports = []Transport{UDP, TCP, TLSTransport}
	}
	if p.MediaLatching == "" {
		p.MediaLatching = LatchDynamicStrict
	}
	if p.PhoneSRTP == "" {
		p.PhoneSRTP = SRTPOff
	}
	if p.Survival == "" {
		p.Survival = SurvivalPhones
	}
	p.Keying, p.Suites = p.encryption().filled()
	p.PhoneKeying, p.PhoneSuites = p.phoneEncryption().filled()
	p.TLS.tidy()
}

// usualMost is how many phones may be registered where nothing is said.
const usualMost = 500

// begin sets the fixed defaults of a section that is there, before it is read.
func (p *Phones) begin() { p.Most = usualMost }

func (p *Phones) encryption() encryption {
	return encryption{"phones.", p.Transport, p.SRTP, p.KeysInClear, p.Keying, p.Suites}
}

// phoneEncryption is how the audio of phones is encrypted, where they use tls.
func (p *Phones) phoneEncryption() encryption {
	return encryption{"phones.phone_", TLSTransport, p.PhoneSRTP, "", p.PhoneKeying, p.PhoneSuites}
}

func (p *Phones) derive(inside []netip.Prefix, set func(field, value any)) {
	if !p.Used() {
		return
	}
	set(&p.Proxy, p.Domain)
	set(&p.KeysInClear, KeysInClearRefused)
	set(&p.Sources, slices.Clone(inside))
	if p.Transport == TLSTransport {
		set(&p.TLS.Trust, TrustSystem)
		set(&p.TLS.ServerName, p.Domain)
		p.TLS.derive(set)
	}
}

// leaveOut takes the fixed defaults of a PBX back that the document does not have: with phones there may be none.
func (p *PBX) leaveOut(phones Phones) {
	none := PBX{}
	setStatic(reflect.ValueOf(&none).Elem())
	if phones.Used() && reflect.DeepEqual(*p, none) {
		*p = PBX{}
	}
}

// maxPhones is far above what a branch office has, and what the box's connections allow.
const maxPhones = 2000

func (c *checker) phones() {
	p := c.p.Phones
	if !p.Used() {
		return
	}
	if c.required("phones.domain", p.Domain != "", "write the SIP domain of the remote PBX, such as cloud.example") {
		c.host("phones.domain", p.Domain, false)
	}
	if p.Proxy != p.Domain {
		c.host("phones.proxy", p.Proxy, true)
	}
	c.transport("phones", p.Transport, p.TLS)
	c.encryption(p.encryption())
	c.codecs("phones.codecs", p.Codecs)
	for key, list := range map[string][]netip.Prefix{"phones.signalling_sources": p.SignallingSources, "phones.media_sources": p.MediaSources} {
		c.ranges(key, list)
		c.outsideOnly(key, list)
	}
	if a, ok := hostAddr(p.Proxy); ok {
		key := "phones.proxy"
		if p.Proxy == p.Domain {
			key = "phones.domain"
		}
		c.nextHopAddress(key, a)
	}
	c.latching("phones", p.MediaLatching)
	c.phonesInside(p)
	c.phonesConduct(p)
}

// phonesInside checks how phones are spoken with.
func (c *checker) phonesInside(p Phones) {
	if !slices.Equal(p.Sources, c.p.Network.Inside.Prefixes) { // else the faults are told there
		c.ranges("phones.sources", p.Sources)
		c.insideOnly("phones.sources", p.Sources)
	}
	const path = "phones.phone_transports"
	c.atMost(path, len(p.PhoneTransports), 3)
	for i, t := range p.PhoneTransports {
		if one(c, index(path, i), t, UDP, TCP, TLSTransport) && slices.Contains(p.PhoneTransports[:i], t) {
			c.fault(index(path, i), "keep one of the two", "%s is listed twice", t)
		}
	}
	if !one(c, "phones.phone_srtp", p.PhoneSRTP, SRTPOff, SRTPOptional, SRTPRequired) {
		return
	}
	c.encryption(p.phoneEncryption())
	onlyTLS := !slices.ContainsFunc(p.PhoneTransports, func(t Transport) bool { return t != TLSTransport })
	switch {
	case p.PhoneSRTP == SRTPOptional && !slices.Contains(p.PhoneTransports, TLSTransport):
		c.fault("phones.phone_srtp", "add tls to phone_transports, or write off", "optional has no effect without tls, because the keys travel in the signalling")
	case p.PhoneSRTP == SRTPRequired && !onlyTLS:
		c.fault("phones.phone_srtp", "write phone_transports: [tls], or optional", "required needs tls alone, because the keys travel in the signalling")
	}
}

// phonesConduct checks what phones may do.
func (c *checker) phonesConduct(p Phones) {
	one(c, "phones.survival", p.Survival, SurvivalOff, SurvivalPhones, SurvivalRoutes)
	if p.Survival == SurvivalRoutes && len(c.p.Routes) == 0 {
		c.fault("phones.survival", "add routes, or write phones", "routes has no effect without routes")
	}
	c.dialledPrefix("phones.outside_prefix", p.OutsidePrefix)
	if p.Inbound != "" {
		c.user("phones.inbound", p.Inbound)
		if len(c.p.Trunks) == 0 {
			c.fault("phones.inbound", "remove it, or describe a carrier under trunks", "has no effect without trunks")
		}
	}
	switch {
	case p.Most < 1:
		c.fault("phones.most", "write how many phones may be registered at once", "%d is below one", p.Most)
	case p.Most > maxPhones:
		c.fault("phones.most", "", "%d is above %d, which is the most", p.Most, maxPhones)
	}
}
