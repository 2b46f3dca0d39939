package media

import (
	"errors"
	"fmt"
	"net/netip"

	"tollgate/firmware/policy"
)

// Config is where the relay takes media.
type Config struct {
	Inside, Outside SideConfig
	Ports           PortRange // UDP, both sides
}

// SideConfig is the box's address on one side. Both sides may have the same one.
type SideConfig struct {
	Address netip.Addr // bound; IPv4 or IPv6
	// Advertised is the address for descriptions where it is another, behind a router; zero: Address.
	Advertised netip.Addr
	// KeepOpen says that routers may stand before the peers of this side: the box sends first and keeps their ways open.
	KeepOpen bool
}

// PortRange is a closed range of ports. A leg takes an even port for RTP and the odd one after it for RTCP
// (RFC 3550 §11).
type PortRange struct{ Low, High uint16 }

// String writes the range as policies do.
func (r PortRange) String() string { return fmt.Sprintf("%d-%d", r.Low, r.High) }

func (c Config) side(s policy.Side) SideConfig {
	if s == policy.SideInside {
		return c.Inside
	}
	return c.Outside
}

func (c Config) check() error {
	for _, s := range []policy.Side{policy.SideInside, policy.SideOutside} {
		a := c.side(s).Address
		if !a.IsValid() || a.IsUnspecified() || a.IsMulticast() {
			return fmt.Errorf("the %s side has no address of its own: %v", s, a)
		}
	}
	if c.Ports.Low == 0 || c.Ports.pairs() == 0 {
		return fmt.Errorf("ports %d-%d hold no pair of an even and an odd port", c.Ports.Low, c.Ports.High)
	}
	return nil
}

// owns tells whether an address is a media port of our own: relaying there would relay to ourselves for ever.
func (c Config) owns(a netip.AddrPort) bool {
	if a.Port() < c.Ports.Low || a.Port() > c.Ports.High {
		return false
	}
	switch a.Addr() {
	case c.Inside.Address, c.Inside.Advertised, c.Outside.Address, c.Outside.Advertised:
		return true
	}
	return false
}

// advertise returns a bound address as descriptions name it.
func (s SideConfig) advertise(port uint16) netip.AddrPort {
	if s.Advertised.IsValid() {
		return netip.AddrPortFrom(s.Advertised, port)
	}
	return netip.AddrPortFrom(s.Address, port)
}

// first returns the first even port.
func (r PortRange) first() int { return int(r.Low) + int(r.Low)%2 }

// pairs returns how many pairs of an even port and the odd one after it there are.
func (r PortRange) pairs() int { return max(0, (int(r.High)-r.first()+1)/2) }

// tryBind finds out whether an address is on this machine.
func tryBind(a netip.Addr) error {
	s, err := bind(netip.AddrPortFrom(a, 0))
	if err != nil {
		return err
	}
	return errors.Join(s.Close())
}
