package access

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// A block list is text, one source a line: an address, or a network with its prefix length. What follows # is a remark, as is
// a line that begins with it; blank lines are passed over.
//
//	# scanners seen in March
//	203.0.113.7
//	198.51.100.0/24     # a provider that does not answer
//	2001:db8:bad::/48

// Bounds of a block list.
const (
	MostBlocked     = 250_000 // sources
	mostListFaults  = 20      // told at once
	longestListLine = 200     // bytes
)

// ReadBlockList reads a block list. The error joins what is wrong, each with its line; the first twenty are told.
func ReadBlockList(text string) ([]netip.Prefix, error) {
	var list []netip.Prefix
	var faults []error
	n := 0
	for line := range strings.Lines(text) {
		n++
		source, err := readBlocked(line)
		switch {
		case err != nil && len(faults) == mostListFaults:
			return nil, errors.Join(append(faults, errors.New("and more; these first"))...)
		case err != nil:
			faults = append(faults, fmt.Errorf("line %d: %w", n, err))
		case source.IsValid():
			list = append(list, source)
		}
		if len(list) > MostBlocked {
			return nil, fmt.Errorf("line %d: more than %d sources; block networks instead of their addresses", n, MostBlocked)
		}
	}
	return list, errors.Join(faults...)
}

// readBlocked reads one line; an invalid prefix without error is a line that names nothing.
func readBlocked(line string) (netip.Prefix, error) {
	line, _, _ = strings.Cut(line, "#")
	line = strings.TrimSpace(line)
	if line == "" {
		return netip.Prefix{}, nil
	}
	if len(line) > longestListLine {
		return netip.Prefix{}, errors.New("too long for an address; write one a line")
	}
	source, err := netip.ParsePrefix(line)
	if a, e := netip.ParseAddr(line); e == nil && a.Zone() == "" {
		source, err = netip.PrefixFrom(a, a.BitLen()), nil
	}
	a := source.Addr()
	switch {
	case err != nil:
		return netip.Prefix{}, fmt.Errorf("%q is neither an address such as 203.0.113.7 nor a network such as 203.0.113.0/24", line)
	case a.Is4In6():
		return netip.Prefix{}, fmt.Errorf("%s mixes IPv4 and IPv6; write it as IPv4", line)
	case source.Masked() != source:
		return netip.Prefix{}, fmt.Errorf("%s has bits beyond its length; write %s", line, source.Masked())
	case a.IsLoopback(), a.IsMulticast(), a.IsUnspecified():
		return netip.Prefix{}, fmt.Errorf("%s is no address that packets come from", line)
	case source.Bits() < widest(a):
		return netip.Prefix{}, fmt.Errorf("%s is too wide: /%d is the widest", line, widest(a))
	}
	return source, nil
}
