package policy

import (
	"cmp"
	"net/netip"
	"reflect"
	"slices"

	"tollgate/firmware/calendar"
)

// Version is the version of the document's shape that this package reads.
const Version = 1

// blank returns a policy that holds the fixed defaults and nothing else. They are set before a document is read, so
// that a zero written by hand stays a zero and is told as a fault.
func blank() *Policy {
	p := &Policy{}
	setStatic(reflect.ValueOf(p).Elem())
	return p
}

// setStatic sets the fixed defaults of v and of the structs within it.
func setStatic(v reflect.Value) {
	if v.Kind() != reflect.Struct {
		return
	}
	switch x := v.Addr().Interface().(type) {
	case *Site:
		x.Language = "en"
	case *Network:
		x.MediaPorts, x.NAT, x.SIPDSCP, x.Passage = PortRange{20000, 20999}, NATNone, DSCPCS3, PassageNone
	case *PBX:
		x.ReachedBy, x.Transport, x.Authentication, x.SRTP = ReachAddress, UDP, AuthAddress, SRTPOff
		x.Codecs, x.NumberFormat = []string{"PCMA", "PCMU"}, FormatE164
		x.MediaLatching, x.DTMF = LatchDynamicStrict, DTMFPass
	case *Trunk:
		x.UnownedNumbers, x.MediaLatching, x.DTMF = UnownedReplace, LatchDynamicStrict, DTMFPass
		x.Transport = TLSTransport
		x.Codecs, x.NumberFormat = []string{"PCMA", "PCMU"}, FormatE164
	case *Bans:
		*x = defaultBans()
	case *Fraud:
		*x = defaultFraud()
	case *Rotation:
		x.Days, x.GraceDays = 90, 7
	case *Admission:
		x.Classes = OpenClasses()
	case *CallRule:
		x.Direction = CallsOut
	case *Pacing:
		x.ShortSeconds, x.LeastCalls = 6, 20
	case *Stick:
		x.Take = StickAsk
	case *Updates:
		x.EveryMinutes = wholeDay
	case *Limits:
		x.Calls, x.SilenceTimeout, x.HoldTimeout = 30, 60, 3600
	case *Admin:
		x.Port = 443
	}
	for i := range v.NumField() {
		if v.Type().Field(i).IsExported() {
			setStatic(v.Field(i))
		}
	}
}

// derive visits every field whose default follows from another field, with that default. Fields come after those that
// they follow from.
func (p *Policy) derive(visit func(field, value reflect.Value)) {
	set := func(field, value any) { visit(reflect.ValueOf(field).Elem(), reflect.ValueOf(value)) }
	if calendar.Known(p.Site.Country) {
		set(&p.Site.Holidays, []string{calendar.Public})
	}
	n := &p.Network
	if n.Inside.Address.IsValid() {
		set(&n.Inside.Prefixes, []netip.Prefix{n.Inside.Address.Masked()})
	}
	if n.Inside.DHCPServer.Used() && n.Inside.Address.IsValid() {
		set(&n.Inside.DHCPServer.SIPServers, Hosts{n.Inside.Address.Addr().String()})
	}
	set(&n.PublicAddress, n.Outside.Address.Addr())
	if p.PBX.Used() {
		set(&p.PBX.KeysInClear, KeysInClearRefused)
	}
	if a := p.PBX.Address.Addr(); a.IsValid() {
		set(&p.PBX.Sources, []netip.Prefix{netip.PrefixFrom(a, a.BitLen())})
		if p.PBX.Transport == TLSTransport {
			set(&p.PBX.TLS.ServerName, a.String())
			p.PBX.TLS.derive(set)
		}
	}
	p.Phones.derive(n.Inside.Prefixes, set)
	for i := range p.Trunks {
		p.Trunks[i].derive(set)
	}
	set(&p.Admin.Sources, slices.Clone(n.Inside.Prefixes))
}

func (t *Trunk) derive(visit func(field, value any)) {
	set := t.deriveProfile(visit)
	set(&t.KeysInClear, KeysInClearRefused)
	set(&t.OutboundProxy, Hosts{cmp.Or(t.Registrar, t.Domain)})
	if t.Transport == TLSTransport {
		set(&t.TLS.Trust, TrustSystem)
		if len(t.OutboundProxy) < 2 { // each of several is verified by its own name
			set(&t.TLS.ServerName, t.Domain)
		}
		t.TLS.derive(set)
	}
	if t.Transport == UDP {
		set(&t.UDPOversize, OversizeTCP)
	}
	if t.Registrar != "" {
		set(&t.Registration, RegisterEach)
		set(&t.Health, HealthOff)
	} else {
		set(&t.Health, HealthOptions)
	}
	set(&t.Hold, HoldPass)
	set(&t.SessionTimer, TimerAsk)
	t.Stir.derive(set)
	for i := range t.Accounts {
		set(&t.Accounts[i].AuthUser, t.Accounts[i].User)
	}
}

// Where name servers (RFC 1035 §4.2) and STUN servers (RFC 8489 §8.2) are asked.
const (
	dnsPort  = 53
	timePort = 123
	stunPort = 3478
)

// fillPort gives the servers without a port the usual one.
func fillPort(servers []netip.AddrPort, port uint16) {
	for i, a := range servers {
		if a.Addr().IsValid() && a.Port() == 0 {
			servers[i] = netip.AddrPortFrom(a.Addr(), port)
		}
	}
}

// fill sets every field that is empty to the default that follows from the others.
func (p *Policy) fill() {
	fillPort(p.Network.DNSServers, dnsPort)
	fillPort(p.Network.TimeServers, timePort)
	fillPort(p.Network.STUNServers, stunPort)
	if a := p.PBX.Address; a.Addr().IsValid() && a.Port() == 0 {
		p.PBX.Address = netip.AddrPortFrom(a.Addr(), p.PBX.Transport.DefaultPort())
	}
	p.Phones.fill()
	p.PBX.leaveOut(p.Phones)
	p.PBX.TLS.tidy()
	p.Admin.tidy()
	if p.PBX.Authentication == AuthDigest && len(p.PBX.DigestAlgorithms) == 0 {
		p.PBX.DigestAlgorithms = DigestAlgorithms()
	}
	p.PBX.Keying, p.PBX.Suites = p.PBX.encryption().filled()
	for i := range p.Trunks {
		p.Trunks[i].fill()
	}
	p.derive(func(field, value reflect.Value) {
		if unset(field) {
			field.Set(value)
		}
	})
}

// fill sets what follows from the transport but is written out like a fixed default: whether calls are encrypted must
// not hang on what a later release takes for granted.
func (t *Trunk) fill() {
	t.TLS.tidy()
	t.Stir.tidy()
	switch {
	case t.SRTP != "":
	case t.Transport == TLSTransport:
		t.SRTP = SRTPRequired
	default:
		t.SRTP = SRTPOff
	}
	t.Keying, t.Suites = t.encryption("").filled()
}

// unfilled returns a copy of a filled policy without the values that would follow from the others anyway. Fixed
// defaults stay, so that a later release with other defaults does not change a policy that was written before it.
func (p *Policy) unfilled() *Policy {
	q := p.clone()
	var empty []reflect.Value
	q.derive(func(field, value reflect.Value) {
		if reflect.DeepEqual(field.Interface(), value.Interface()) {
			empty = append(empty, field)
		}
	})
	for _, field := range empty {
		field.SetZero()
	}
	return q
}

func unset(v reflect.Value) bool {
	return v.IsZero() || v.Kind() == reflect.Slice && v.Len() == 0
}

// clone returns a copy that shares nothing that derive or FillSecrets would write to.
func (p *Policy) clone() *Policy {
	q := *p
	q.Trunks = slices.Clone(p.Trunks)
	for i := range q.Trunks {
		q.Trunks[i].Accounts = slices.Clone(q.Trunks[i].Accounts)
	}
	return &q
}
