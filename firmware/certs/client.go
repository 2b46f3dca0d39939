package certs

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"tollgate/firmware/policy"
)

// trustSystem is the value of policy.TLS.Trust that means the public authorities.
const trustSystem = "system"

// Client returns a configuration for connections to one peer, which must present a certificate for t.ServerName, or for
// serverName when that is empty, issued by an authority that t.Trust names: "system" for the public ones (embedded: the
// image has no CA files), PEM certificates for these and no others, empty for the box's own. A name is verified as a SIP
// domain (RFC 5922 §7: SIP URIs count, wildcards only where t says so), so it is the one from before SRV; an IP address as
// such. Who asks for a certificate is shown that of t, if it has one.
func (a *Authority) Client(t policy.TLS, serverName string) (*tls.Config, error) {
	if t.ServerName != "" {
		serverName = t.ServerName
	}
	serverName = strings.TrimSuffix(serverName, ".")
	if serverName == "" {
		return nil, errors.New("tls: no server name to verify the peer's certificate against")
	}
	// Go takes an IPv6 address as such only without brackets and zone.
	addr, notAddr := netip.ParseAddr(strings.Trim(serverName, "[]"))
	if notAddr == nil {
		serverName = addr.Unmap().WithZone("").String()
	}
	roots, err := a.roots(t.Trust)
	if err != nil {
		return nil, fmt.Errorf("tls: trust for %s: %w", serverName, err)
	}
	c := modern(a.now)
	c.RootCAs, c.ServerName = roots, serverName
	if notAddr != nil {
		verifyDomain(c, serverName, t.Wildcards == policy.WildcardsAccepted, a.now)
	}
	own, err := identityOf(t)
	if err != nil {
		return nil, fmt.Errorf("tls: the certificate for %s: %w", serverName, err)
	}
	if own != nil { // whichever authorities the peer names: the carrier was told of this one certificate
		c.Certificates = []tls.Certificate{*own}
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return own, nil }
	}
	return c, nil
}

// PublicRoots are the embedded public authorities. Who adds to them adds to a clone.
func (a *Authority) PublicRoots() (*x509.CertPool, error) { return a.public() }

func (a *Authority) roots(trust string) (*x509.CertPool, error) {
	switch strings.TrimSpace(trust) {
	case trustSystem:
		return a.public()
	case "":
		pool := x509.NewCertPool()
		pool.AddCert(a.cert)
		return pool, nil
	}
	return parseTrust([]byte(trust))
}
