package edge

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"

	"tollgate/firmware/policy"
)

// Config is what listens where. Two listeners may have the same transport and address when they belong to different
// sides (one network port for both): then one socket serves them, and SideOf decides by source address.
type Config struct {
	Listeners []Listener
	SideOf    func(netip.Addr) policy.Side
	Calls     int   // that the box carries at once, for the pace of those who call; 0: not known
	DSCP      uint8 // that what is sent is marked with, of 6 bits (RFC 2474); 0: the usual
}

// Listener is one address and transport of one side. TLS is for transport tls: at least version 1.2, with a certificate.
type Listener struct {
	Side      policy.Side
	Transport policy.Transport
	Addr      netip.AddrPort
	TLS       *tls.Config
}

// socketKey names a socket as configured. Port 0 lets the system choose, in tests.
type socketKey struct {
	transport policy.Transport
	addr      netip.AddrPort
}

func (k socketKey) String() string { return string(k.transport) + " " + k.addr.String() }

// sharing says which sides a socket serves, and with which certificate.
type sharing struct {
	sides  map[policy.Side]*tls.Config
	sideOf func(netip.Addr) policy.Side // with two sides
}

// side is the side that a source is on.
func (s *sharing) side(a netip.Addr) (policy.Side, *tls.Config) {
	if len(s.sides) > 1 {
		side := s.sideOf(a)
		return side, s.sides[side]
	}
	for side, config := range s.sides {
		return side, config
	}
	return "", nil
}

// serves tells whether the socket belongs to a side.
func (s *sharing) serves(side policy.Side) bool {
	_, ok := s.sides[side]
	return ok
}

// sockets groups the listeners by socket and checks them.
func (c Config) sockets() (map[socketKey]*sharing, error) {
	m := map[socketKey]*sharing{}
	for _, l := range c.Listeners {
		key := socketKey{l.Transport, unmapped(l.Addr)}
		if err := l.check(); err != nil {
			return nil, fmt.Errorf("listener %s %s: %w", l.Side, key, err)
		}
		sh := m[key]
		if sh == nil {
			sh = &sharing{sides: map[policy.Side]*tls.Config{}, sideOf: c.SideOf}
			m[key] = sh
		}
		if sh.serves(l.Side) {
			return nil, fmt.Errorf("listener %s %s is there twice", l.Side, key)
		}
		sh.sides[l.Side] = l.TLS
		if len(sh.sides) > 1 && c.SideOf == nil {
			return nil, fmt.Errorf("listener %s serves both sides, and nothing says which source is on which", key)
		}
	}
	return m, nil
}

func (l Listener) check() error {
	switch {
	case l.Side != policy.SideInside && l.Side != policy.SideOutside:
		return fmt.Errorf("unknown side %q", l.Side)
	case l.Transport != policy.UDP && l.Transport != policy.TCP && l.Transport != policy.TLSTransport:
		return fmt.Errorf("unknown transport %q", l.Transport)
	case !l.Addr.IsValid():
		return errors.New("no address")
	case l.Transport != policy.TLSTransport:
		return nil
	}
	return checkTLS(l.TLS)
}

// checkTLS refuses what RFC 8996 retired.
func checkTLS(c *tls.Config) error {
	if c == nil {
		return errors.New("no TLS configuration")
	}
	if c.MinVersion < tls.VersionTLS12 {
		return errors.New("TLS older than 1.2 is allowed by its configuration")
	}
	return nil
}
