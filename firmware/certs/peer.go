package certs

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"

	"tollgate/firmware/policy"
)

// ForPeer returns base as it is for one peer that connects to the box: with the certificate that t gives the box towards
// it, and, where t requires it, with a certificate of the peer's own (mutual TLS), which must be one of domains' and
// issued by an authority that t.Trust names.
func (a *Authority) ForPeer(base *tls.Config, t policy.TLS, domains []string) (*tls.Config, error) {
	own, err := identityOf(t)
	if err != nil {
		return nil, fmt.Errorf("tls: the box's certificate: %w", err)
	}
	c := base.Clone()
	if own != nil {
		c.GetCertificate, c.Certificates = nil, []tls.Certificate{*own}
	}
	if t.ClientAuthentication != policy.ClientAuthRequired {
		return c, nil
	}
	roots, err := a.roots(t.Trust)
	if err != nil {
		return nil, fmt.Errorf("tls: trust: %w", err)
	}
	c.ClientAuth = tls.RequireAnyClientCert // verified below
	c.SessionTicketsDisabled = true         // each connection proves it anew
	// A SIP server that connects is the domain that it is when it is connected to, with the same certificate, and public
	// authorities issue none for clients any more: either use will do (RFC 5922 §7.4).
	c.VerifyConnection = domainVerifier(roots, domains, t.Wildcards == policy.WildcardsAccepted, a.now,
		x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth)
	return c, nil
}

// identityOf is the certificate that the box shows to a peer; none when t has none.
func identityOf(t policy.TLS) (*tls.Certificate, error) {
	if t.Certificate == "" {
		return nil, nil
	}
	own, err := tls.X509KeyPair([]byte(t.Certificate), []byte(t.Key.Reveal()))
	if err != nil {
		return nil, errors.New("certificate and key do not belong together, or cannot be read") // not err: it may quote
	}
	return &own, nil
}

// ForPage is a configuration for the page with the certificate that a policy gives it, and the host names that stand in it.
func (a *Authority) ForPage(p policy.Admin) (c *tls.Config, names []string, err error) {
	own, err := identityOf(policy.TLS{Certificate: p.Certificate, Key: p.Key})
	if err != nil {
		return nil, nil, fmt.Errorf("the page's certificate: %w", err)
	}
	c = modern(a.now)
	c.Certificates = []tls.Certificate{*own}
	return c, own.Leaf.DNSNames, nil
}
