package certs

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"
)

// sipDomainUsage is id-kp-sipDomain (RFC 5924 §3.1): a certificate for SIP and for nothing else.
func sipDomainUsage() asn1.ObjectIdentifier {
	return asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 20}
}

// verifyDomain makes c accept a peer as a SIP domain (RFC 5922 §7) instead of as a host name. The chain is verified as
// ever, in VerifyConnection, which crypto/tls calls for each handshake; only its own check of the name is left out,
// because it knows no SIP URIs and takes wildcards. An authority with constraints on names vouches for no SIP URI at all:
// crypto/x509 cannot match one against them and refuses it.
func verifyDomain(c *tls.Config, domain string, now func() time.Time) {
	roots := c.RootCAs
	c.InsecureSkipVerify = true
	c.VerifyConnection = func(s tls.ConnectionState) error {
		if len(s.PeerCertificates) == 0 {
			return errors.New("the peer showed no certificate")
		}
		leaf := s.PeerCertificates[0]
		o := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool(), CurrentTime: now()}
		if slices.ContainsFunc(leaf.UnknownExtKeyUsage, sipDomainUsage().Equal) {
			o.KeyUsages = []x509.ExtKeyUsage{x509.ExtKeyUsageAny}
		}
		for _, cert := range s.PeerCertificates[1:] {
			o.Intermediates.AddCert(cert)
		}
		if _, err := leaf.Verify(o); err != nil {
			return err
		}
		return checkDomain(leaf, domain)
	}
}

// checkDomain tells whether the certificate is one of domain.
func checkDomain(leaf *x509.Certificate, domain string) error {
	domains := sipDomains(leaf)
	switch {
	case slices.ContainsFunc(domains, func(d string) bool { return strings.EqualFold(d, domain) }):
		return nil
	case len(domains) == 0:
		return fmt.Errorf("the certificate names no SIP domain, and %s is wanted", domain)
	}
	return fmt.Errorf("the certificate is for %s, not for %s", strings.Join(domains[:min(len(domains), 5)], ", "), domain)
}

// sipDomains lists the SIP domains of a certificate (RFC 5922 §7.1): the SIP URIs without a user among its alternative
// names, or the DNS names when there is none. The common name does not count, and a wildcard is a name like any other.
func sipDomains(cert *x509.Certificate) []string {
	var domains []string
	for _, u := range cert.URIs {
		host, _, _ := strings.Cut(u.Opaque, ";")
		if !strings.EqualFold(u.Scheme, "sip") || host == "" || strings.Contains(u.Opaque, "@") {
			continue
		}
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		domains = append(domains, strings.TrimSuffix(host, "."))
	}
	if len(domains) > 0 {
		return domains
	}
	return cert.DNSNames
}
