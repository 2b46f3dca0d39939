package apply

import (
	"crypto/tls"
	"net/netip"

	"tollgate/firmware/edge"
	"tollgate/firmware/policy"
	"tollgate/firmware/trunk"
	"tollgate/firmware/ua"
)

// OwnAddresses are the box's addresses on both sides, as its certificate names them.
func OwnAddresses(p *policy.Policy) []netip.Addr {
	own := []netip.Addr{p.Network.Inside.Address.Addr()}
	for _, a := range []netip.Addr{p.Network.Outside.Address.Addr(), advertised(p)} {
		if a != own[len(own)-1] {
			own = append(own, a)
		}
	}
	return own
}

// Local is how the box calls itself towards one side.
func Local(p *policy.Policy, side policy.Side, t policy.Transport) ua.Local {
	host := p.Network.Inside.Address.Addr()
	if side == policy.SideOutside {
		host = advertised(p)
	}
	return ua.Local{Host: host.String(), Port: int(port(t)), Transport: string(t)}
}

// Near is what trunks are told of the network outside.
func Near(p *policy.Policy) trunk.Network {
	return trunk.Network{Outside: p.Network.Outside.Address.Prefix, Learn: p.Network.NAT == policy.NATLearn}
}

func port(t policy.Transport) uint16 {
	if t == policy.TLSTransport {
		return SIPSPort
	}
	return SIPPort
}

// Listeners are where the box takes SIP: every transport on both sides; the packet filter lets in only who has one.
// server is how the box shows itself to those who connect by TLS, by side.
func Listeners(p *policy.Policy, server map[policy.Side]*tls.Config) edge.Config {
	c := edge.Config{SideOf: SideOf(p), DSCP: p.Network.SIPDSCP.Value(), Calls: p.Limits.Calls}
	sides := map[policy.Side]netip.Addr{
		policy.SideInside: p.Network.Inside.Address.Addr(), policy.SideOutside: p.Network.Outside.Address.Addr(),
	}
	for _, side := range []policy.Side{policy.SideInside, policy.SideOutside} {
		for _, t := range []policy.Transport{policy.UDP, policy.TCP, policy.TLSTransport} {
			l := edge.Listener{Side: side, Transport: t, Addr: netip.AddrPortFrom(sides[side], port(t))}
			if t == policy.TLSTransport {
				l.TLS = server[side]
			}
			c.Listeners = append(c.Listeners, l)
		}
	}
	return c
}

// SideOf tells the side of a source where both sides share one port: inside are the inside prefixes without the gateway.
func SideOf(p *policy.Policy) func(netip.Addr) policy.Side {
	prefixes, gateway := p.Network.Inside.Prefixes, p.Network.Gateway
	return func(a netip.Addr) policy.Side {
		a = a.Unmap()
		if a == gateway {
			return policy.SideOutside
		}
		for _, prefix := range prefixes {
			if prefix.Contains(a) {
				return policy.SideInside
			}
		}
		return policy.SideOutside
	}
}
