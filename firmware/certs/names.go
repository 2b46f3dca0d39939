package certs

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// identity is what a server certificate vouches for: host names and addresses, sorted, each once.
type identity struct {
	names []string
	addrs []netip.Addr
}

func newIdentity(names []string, addrs []netip.Addr) (identity, error) {
	var id identity
	for _, n := range names {
		n = strings.ToLower(strings.TrimSuffix(n, "."))
		if n == "" || strings.ContainsAny(n, " \t\r\n/:@") {
			return identity{}, fmt.Errorf("%q is not a host name", n)
		}
		id.names = append(id.names, n)
	}
	for _, a := range addrs {
		if !a.IsValid() {
			return identity{}, errors.New("an address is missing")
		}
		id.addrs = append(id.addrs, a.Unmap().WithZone(""))
	}
	slices.Sort(id.names)
	slices.SortFunc(id.addrs, netip.Addr.Compare)
	id.names, id.addrs = slices.Compact(id.names), slices.Compact(id.addrs)
	if len(id.names)+len(id.addrs) == 0 {
		return identity{}, errors.New("neither a name nor an address to vouch for")
	}
	return id, nil
}

// maxCommonName is ub-common-name of RFC 5280 appendix A.1.
const maxCommonName = 64

// commonName is for people only: verifiers read the alternative names (RFC 9525 §2).
func (id identity) commonName() string {
	switch {
	case len(id.names) == 0:
		return id.addrs[0].String()
	case len(id.names[0]) > maxCommonName:
		return "Tollgate"
	}
	return id.names[0]
}

func (id identity) ips() []net.IP {
	ips := make([]net.IP, len(id.addrs))
	for i, a := range id.addrs {
		ips[i] = a.AsSlice()
	}
	return ips
}

// recordKey is the same for the same identity, so that a restart finds the certificate again.
func (id identity) recordKey() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %v", id.names, id.addrs))
	return "server " + hex.EncodeToString(sum[:8])
}
