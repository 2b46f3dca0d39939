package main

import (
	"cmp"
	"crypto/tls"
	"net"
	"net/netip"
	"slices"
	"strings"

	"tollgate/firmware/access"
	"tollgate/firmware/certs"
	"tollgate/firmware/policy"
)

// greeting is how the box shows itself to peers that connect by TLS, and what it wants of them: by where they come from,
// since a carrier may know the box by a certificate that another must not see.
type greeting struct {
	access *access.Gate
	base   *tls.Config
	peers  map[policy.Peer]welcome
}

// welcome is the greeting of one peer.
type welcome struct {
	config *tls.Config
	proves bool // the peer must show a certificate
}

func newGreeting(a *certs.Authority, gate *access.Gate, base *tls.Config, p *policy.Policy) (greeting, error) {
	g := greeting{access: gate, base: base, peers: map[policy.Peer]welcome{}}
	add := func(peer policy.Peer, t policy.TLS, domains ...string) error {
		conf, err := a.ForPeer(base, t, domains)
		if err == nil {
			g.peers[peer] = welcome{conf, t.ClientAuthentication == policy.ClientAuthRequired}
		}
		return err
	}
	if p.PBX.Transport == policy.TLSTransport {
		pbx := policy.Peer{Side: policy.SideInside, Name: policy.PeerPBX}
		if err := add(pbx, p.PBX.TLS, cmp.Or(p.PBX.TLS.ServerName, p.PBX.Address.Addr().String())); err != nil {
			return g, err
		}
	}
	for _, t := range p.Carriers() {
		if t.Transport != policy.TLSTransport {
			continue
		}
		if err := add(policy.Peer{Side: policy.SideOutside, Name: t.Name}, t.TLS, domainsOf(t)...); err != nil {
			return g, err
		}
	}
	return g, nil
}

// domainsOf are the names that a carrier's certificate may be for.
func domainsOf(t policy.Trunk) []string {
	if t.TLS.ServerName != "" {
		return []string{t.TLS.ServerName}
	}
	names := []string{t.Domain}
	for _, host := range t.OutboundProxy {
		if name, _, err := policy.SplitHost(host); err == nil {
			names = append(names, name)
		}
	}
	return names
}

// configs are the greetings of both sides.
func (g greeting) configs() map[policy.Side]*tls.Config {
	out := map[policy.Side]*tls.Config{}
	for _, side := range []policy.Side{policy.SideInside, policy.SideOutside} {
		c := g.base.Clone()
		c.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) { return g.of(side, hello), nil }
		out[side] = c
	}
	return out
}

// of is the greeting of one who connects. Where several trunks share an address, those that must prove themselves come
// first, since nobody may pass for one by asking for another; then the one whose name is asked for.
func (g greeting) of(side policy.Side, hello *tls.ClientHelloInfo) *tls.Config {
	tcp, ok := hello.Conn.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return nil
	}
	from := access.Source{Side: side, Transport: policy.TLSTransport, Addr: netip.AddrPortFrom(tcp.AddrPort().Addr().Unmap(), tcp.AddrPort().Port())}
	var list []welcome
	for _, peer := range g.access.Peers(from) {
		if w, known := g.peers[peer]; known {
			list = append(list, w)
		}
	}
	if len(list) == 0 {
		return nil // base
	}
	best := slices.MaxFunc(list, func(a, b welcome) int {
		return cmp.Or(order(a.proves, b.proves), order(a.named(hello.ServerName), b.named(hello.ServerName)))
	})
	return best.config
}

// named tells whether the box's certificate for this peer is for name.
func (w welcome) named(name string) bool {
	return len(w.config.Certificates) > 0 && w.config.Certificates[0].Leaf != nil && name != "" &&
		slices.ContainsFunc(w.config.Certificates[0].Leaf.DNSNames, func(n string) bool { return strings.EqualFold(n, name) })
}

func order(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}
