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
// because it knows no SIP URIs and always takes wildcards. An authority with constraints on names vouches for no SIP URI at all:
// crypto/x509 cannot match one against them and refuses it.
func verifyDomain(c *tls.Config, domain string, wildcards bool, now func() time.Time) {
	c.InsecureSkipVerify = true
	c.VerifyConnection = domainVerifier(c.RootCAs, []string{domain}, wildcards, now)
}

// domainVerifier accepts peers whose certificate is one of these domains', signed by one of roots for one of these uses;
// none: for servers.
func domainVerifier(roots *x509.CertPool, domains []string, wildcards bool, now func() time.Time, usages ...x509.ExtKeyUsage) func(tls.ConnectionState) error {
	return func(s tls.ConnectionState) error {
		if len(s.PeerCertificates) == 0 {
			return errors.New("the peer showed no certificate")
		}
		leaf := s.PeerCertificates[0]
		o := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool(), CurrentTime: now(), KeyUsages: usages}
		if slices.ContainsFunc(leaf.UnknownExtKeyUsage, sipDomainUsage().Equal) {
			o.KeyUsages = []x509.ExtKeyUsage{x509.ExtKeyUsageAny}
		}
		for _, cert := range s.PeerCertificates[1:] {
			o.Intermediates.AddCert(cert)
		}
		if _, err := leaf.Verify(o); err != nil {
			return err
		}
		return checkDomain(leaf, domains, wildcards)
	}
}

// checkDomain tells whether the certificate is one of these domains'.
func checkDomain(leaf *x509.Certificate, wanted []string, wildcards bool) error {
	domains := sipDomains(leaf)
	for _, domain := range wanted {
		same := func(d string) bool { return strings.EqualFold(d, domain) || wildcards && covers(d, domain) }
		ip := net.ParseIP(domain)
		if ip == nil && slices.ContainsFunc(domains, same) || ip != nil && slices.ContainsFunc(leaf.IPAddresses, ip.Equal) {
			return nil
		}
	}
	if len(domains) == 0 {
		return fmt.Errorf("the certificate names no SIP domain, and %s is wanted", strings.Join(wanted, " or "))
	}
	return fmt.Errorf("the certificate is for %s, not for %s", strings.Join(domains[:min(len(domains), 5)], ", "), strings.Join(wanted, " or "))
}

// covers tells whether a wildcard name stands for domain: for one label, the first (RFC 9525 §6.3).
func covers(wildcard, domain string) bool {
	parent, ok := strings.CutPrefix(wildcard, "*.")
	_, rest, more := strings.Cut(domain, ".")
	return ok && more && strings.Contains(parent, ".") && strings.EqualFold(parent, rest)
}

// sipDomains lists the SIP domains of a certificate (RFC 5922 §7.1): the SIP URIs without a user among its alternative
// names, or the DNS names when there is none. The common name does not count.
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
