package netfilter

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"unicode"
)

// Check returns every fault that keeps the Config from being set, joined (errors.Join), or nil.
// Overlapping prefixes are no fault, and neither is a source that can never arrive on its side.
func (c Config) Check() error {
	var faults []error
	faults = append(faults, c.checkPorts()...)
	faults = append(faults, c.checkInside()...)
	faults = append(faults, checkMedia(c.Media)...)
	faults = append(faults, c.checkPassage()...)
	for i, s := range c.Services {
		faults = append(faults, c.checkService(i, s)...)
	}
	faults = append(faults, checkPrefixes("page: source", c.Page.Sources)...)
	return errors.Join(faults...)
}

func (c Config) checkPorts() []error {
	var faults []error
	for _, side := range []Side{Inside, Outside} {
		p := c.port(side)
		if side == Outside && p.Interface == "" {
			if len(p.Addresses) > 0 {
				faults = append(faults, errors.New("outside: addresses without an interface"))
			}
			continue
		}
		if err := checkInterface(p.Interface); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", side, err))
		}
		if len(p.Addresses) == 0 {
			faults = append(faults, fmt.Errorf("%s: no address of the box on this side", side))
		}
		for _, a := range p.Addresses {
			if !usable(a) {
				faults = append(faults, fmt.Errorf("%s: address %v is not one a box can have", side, a))
			}
		}
	}
	if len(c.Outside.Prefixes) > 0 {
		faults = append(faults, errors.New("outside: prefixes belong to the inside only; what is not inside is outside"))
	}
	return faults
}

// checkInterface knows the kernel's rules for names (dev_valid_name) and refuses what would spoil the listing.
func checkInterface(name string) error {
	switch {
	case name == "":
		return errors.New("no interface")
	case len(name) > 15:
		return fmt.Errorf("interface %q: a name has at most 15 bytes", name)
	case name == "." || name == "..":
		return fmt.Errorf("interface %q: not a name", name)
	case strings.ContainsFunc(name, func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r) || strings.ContainsRune(`/:"*`, r)
	}):
		return fmt.Errorf("interface %q: a name has no blank, slash, colon, quote or asterisk", name)
	}
	return nil
}

func (c Config) checkInside() []error {
	faults := checkPrefixes("inside: prefix", c.Inside.Prefixes)
	for _, p := range c.Inside.Prefixes {
		if p.IsValid() && p.Bits() == 0 {
			faults = append(faults, fmt.Errorf("inside: prefix %v holds every address; nothing would be outside", p))
		}
	}
	if c.OnePort() && len(c.Inside.Prefixes) == 0 {
		faults = append(faults, errors.New("inside: one port serves both sides, so prefixes must say what is inside"))
	}
	if c.Gateway.IsValid() && !usable(c.Gateway) {
		faults = append(faults, fmt.Errorf("gateway %v is not an address a router can have", c.Gateway))
	}
	return faults
}

func (c Config) checkPassage() []error {
	var faults []error
	switch {
	case c.Passage != NoPassage && c.Passage != Forward && c.Passage != Masquerade:
		faults = append(faults, fmt.Errorf("passage %q is neither %q nor %q", c.Passage, Forward, Masquerade))
	case c.Passage != NoPassage && (c.OnePort() || c.Outside.Interface == ""):
		faults = append(faults, errors.New("passage: it takes two ports"))
	}
	return faults
}

func checkMedia(r PortRange) []error {
	if (r == PortRange{}) || (r.Low > 0 && r.Low <= r.High) {
		return nil
	}
	return []error{fmt.Errorf("media ports %d-%d are not a range", r.Low, r.High)}
}

func (c Config) checkService(i int, s Service) []error {
	var faults []error
	fault := func(format string, args ...any) {
		who := fmt.Sprintf("service %q", s.Name)
		if s.Name == "" {
			who = fmt.Sprintf("service %d", i+1)
		}
		faults = append(faults, fmt.Errorf("%s: %w", who, fmt.Errorf(format, args...)))
	}
	if strings.TrimSpace(s.Name) == "" {
		fault("no name")
	}
	switch {
	case s.Side != Inside && s.Side != Outside:
		fault("side %q is neither %q nor %q", s.Side, Inside, Outside)
	case s.Side == Outside && c.Outside.Interface == "":
		fault("it is outside, but the outside has no interface")
	}
	if s.Protocol != UDP && s.Protocol != TCP {
		fault("protocol %q is neither %q nor %q", s.Protocol, UDP, TCP)
	}
	switch {
	case s.Port == 0:
		fault("no port")
	case s.Protocol == UDP && c.Media.contains(s.Port):
		fault("port %d lies in the media ports %d-%d", s.Port, c.Media.Low, c.Media.High)
	case s.Protocol == TCP && s.Side == Inside && s.Port == c.Page.Port:
		fault("port %d is the page's", s.Port)
	}
	for _, err := range checkPrefixes("source", s.Sources) {
		fault("%w", err)
	}
	return faults
}

func checkPrefixes(what string, prefixes []netip.Prefix) []error {
	var faults []error
	for _, p := range prefixes {
		switch {
		case !p.IsValid():
			faults = append(faults, fmt.Errorf("%s %v is not a prefix", what, p))
		case p.Addr().Is4In6() && p.Bits() < 96:
			faults = append(faults, fmt.Errorf("%s %v mixes IPv4 and IPv6", what, p))
		case plain(p).Addr().IsMulticast():
			faults = append(faults, fmt.Errorf("%s %v is multicast, which nothing is sent from", what, p))
		}
	}
	return faults
}

// usable tells whether a host can have the address as its own.
func usable(a netip.Addr) bool {
	a = plainAddr(a)
	return a.IsValid() && !a.IsUnspecified() && !a.IsMulticast() && a != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}
