package policy

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// SplitHost cuts the host[:port] of a registrar or proxy in two. The host is a name (RFC 1123 §2.1) or an IP address
// without brackets; the port is 0 when none is given. An IPv6 address with a port stands in brackets.
func SplitHost(s string) (host string, port uint16, err error) {
	if a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]")); err == nil && a.Zone() == "" {
		return a.String(), 0, nil
	}
	if ap, err := netip.ParseAddrPort(s); err == nil && ap.Addr().Zone() == "" {
		if ap.Port() == 0 {
			return "", 0, errors.New("0 is not a port")
		}
		return ap.Addr().String(), ap.Port(), nil
	}
	host, digits, hasPort := strings.Cut(s, ":")
	if !hostName(host) {
		return "", 0, errors.New("this is neither a host name nor an IP address")
	}
	if !hasPort {
		return host, 0, nil
	}
	n, err := strconv.ParseUint(digits, 10, 16)
	if err != nil || n == 0 {
		return "", 0, errors.New("what follows the colon is not a port")
	}
	return host, uint16(n), nil
}

// hostName tells whether s is a host name by RFC 1123 §2.1. Its last label must not be a number: such a name is a
// mistyped IP address.
func hostName(s string) bool {
	if len(s) > 253 {
		return false
	}
	labels := strings.Split(s, ".")
	for _, label := range labels {
		if !hostLabel(label) {
			return false
		}
	}
	return strings.Trim(labels[len(labels)-1], "0123456789") != ""
}

func hostLabel(s string) bool {
	if s == "" || len(s) > 63 || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for _, r := range s {
		if r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
			return false
		}
	}
	return true
}

// host checks a host[:port], or a host alone where no port may stand. An empty one is no fault here.
func (c *checker) host(path, s string, portAllowed bool) {
	if s == "" {
		return
	}
	_, port, err := SplitHost(s)
	switch {
	case strings.HasPrefix(s, "sip:") || strings.HasPrefix(s, "sips:"):
		c.fault(path, "leave out sip: and write the host alone", "%s is an address of SIP where a host is expected", quoted(s))
	case err != nil:
		c.fault(path, "write a name like sip.carrier.example or an IP address", "%s is not a host: %s", quoted(s), err)
	case port != 0 && !portAllowed:
		c.fault(path, fmt.Sprintf("leave out :%d", port), "%s has a port where a host alone is expected", quoted(s))
	}
}
