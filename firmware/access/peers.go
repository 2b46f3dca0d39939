package access

import (
	"net/netip"
	"slices"

	"github.com/emiago/sipgo/sip"

	"tollgate/firmware/field"
	"tollgate/firmware/numbering"
	"tollgate/firmware/policy"
)

// Source is where a SIP message came from.
type Source struct {
	Side      policy.Side
	Transport policy.Transport
	Addr      netip.AddrPort
	Dialled   string // name of the peer when the box itself opened this connection, else ""
}

// peers is what the policy in force says about who may speak. It does not change: Set and SetResolved make a new one.
type peers struct {
	gateway  netip.Addr
	stations []station
	plan     *numbering.Plan // nil when the country has none
	outside  string          // what the PBX dials for an outside line
	account  *account        // nil when the PBX is known by its address alone
}

// station is one configured peer.
type station struct {
	peer      policy.Peer
	transport policy.Transport
	sources   []netip.Prefix // from the policy
	resolved  []netip.Addr   // from names in the policy
	registers bool           // the PBX: calls find it where it registered
	phones    *telephones    // it stands for all phones; nil: it is one peer
	line      line           // zero for the PBX
}

// line is what tells a trunk from another one at the same address. It holds no secrets.
type line struct {
	domain  string
	format  policy.NumberFormat
	users   []string
	numbers []string // E.164
}

func newPeers(p *policy.Policy, besides []policy.Secret) *peers {
	out := &peers{gateway: plain(p.Network.Gateway), outside: p.PBX.OutsidePrefix, account: newAccount(p.PBX, besides)}
	if plan, err := numbering.For(p.Site.Country); err == nil {
		out.plan = plan
	}
	out.stations = append(out.stations, station{
		peer:      policy.Peer{Side: policy.SideInside, Name: policy.PeerPBX},
		transport: p.PBX.Transport,
		sources:   pbxSources(p.PBX),
		registers: p.PBX.ReachedBy.Registers() && out.account != nil,
	})
	if phones, ok := newPhones(p.Phones); ok { // behind the PBX: an address that is the PBX's is no phone's
		out.stations = append(out.stations, phones)
	}
	for _, trunk := range p.Carriers() {
		out.stations = append(out.stations, station{
			peer:      policy.Peer{Side: policy.SideOutside, Name: trunk.Name},
			transport: trunk.Transport,
			sources:   append(slices.Clone(trunk.SignallingSources), literals(trunk)...),
			line:      newLine(trunk),
		})
	}
	return out
}

func newLine(trunk policy.Trunk) line {
	l := line{domain: trunk.Domain, format: trunk.NumberFormat}
	for _, account := range trunk.Accounts {
		l.users = append(l.users, account.User)
		l.numbers = append(l.numbers, account.Numbers...)
	}
	return l
}

func pbxSources(pbx policy.PBX) []netip.Prefix {
	if len(pbx.Sources) > 0 {
		return slices.Clone(pbx.Sources)
	}
	if !pbx.Address.IsValid() {
		return nil
	}
	addr := plain(pbx.Address.Addr())
	return []netip.Prefix{netip.PrefixFrom(addr, addr.BitLen())}
}

// literals returns the addresses among a trunk's registrar and outbound proxy, which need no resolving.
func literals(trunk policy.Trunk) []netip.Prefix {
	var out []netip.Prefix
	for _, host := range append([]string{trunk.Registrar}, trunk.OutboundProxy...) {
		addr, err := netip.ParseAddr(host)
		if addrPort, portErr := netip.ParseAddrPort(host); portErr == nil {
			addr, err = addrPort.Addr(), nil
		}
		if err == nil {
			addr = plain(addr)
			out = append(out, netip.PrefixFrom(addr, addr.BitLen()))
		}
	}
	return out
}

// withResolved returns a copy in which the trunk has these resolved addresses.
func (p *peers) withResolved(trunk string, addrs []netip.Addr) *peers {
	out := *p
	out.stations = slices.Clone(p.stations)
	for i := range out.stations {
		if st := &out.stations[i]; st.peer.Side == policy.SideOutside && st.peer.Name == trunk {
			st.resolved = make([]netip.Addr, 0, len(addrs))
			for _, addr := range addrs {
				st.resolved = append(st.resolved, plain(addr))
			}
		}
	}
	return &out
}

// few is room for the peers of one source, which is one as a rule.
type few [4]*station

// at returns the peers that the source may be, in the policy's order. room is where they are written if they fit: it is asked
// of every datagram, those of a flood too.
func (p *peers) at(s Source, room *few) []*station {
	addr := plain(s.Addr.Addr())
	if s.Side == policy.SideInside && addr == p.gateway && addr.IsValid() {
		return nil
	}
	out := room[:0]
	for i := range p.stations {
		if st := &p.stations[i]; st.peer.Side == s.Side && st.is(s, addr) {
			out = append(out, st)
		}
	}
	return out
}

// is tells whether the source is this peer's. A connection the box opened to one peer is never another's.
func (st *station) is(s Source, addr netip.Addr) bool {
	if s.Dialled != "" {
		return s.Dialled == st.peer.Name || st.phones != nil && s.Dialled == policy.PhonePeer(addr).Name
	}
	return slices.Contains(st.resolved, addr) ||
		slices.ContainsFunc(st.sources, func(prefix netip.Prefix) bool { return prefix.Contains(addr) })
}

// secure tells whether a transport is as secure as the peer's own. UDP and TCP stand for each other: a long request may
// come over TCP from a peer that otherwise uses UDP (RFC 3261 §18.1.1).
func (st station) secure(t policy.Transport) bool {
	return st.transport != policy.TLSTransport || t == policy.TLSTransport
}

// seeksHelp tells whether a request calls an emergency number, read as the call will be. One that wants to take the place of
// another call is none.
func (p *peers) seeksHelp(req *sip.Request) bool {
	return len(field.All(req, "Replaces")) == 0 && p.emergency(req, p.outside)
}

// plain undoes the ways in which one address can look like two: IPv4 within IPv6, and zones.
func plain(addr netip.Addr) netip.Addr { return addr.Unmap().WithZone("") }
