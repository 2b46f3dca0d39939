package certs

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net/netip"
	"sync"
	"time"
)

// leaf is one server certificate of the box and its renewal.
type leaf struct {
	authority *Authority
	id        identity

	mu      sync.Mutex // guards everything below
	current pair
}

// Server returns a configuration for listeners that present a certificate of the box's own authority for these host
// names and addresses. The certificate is kept; when fewer than 30 days are left it is replaced, at this call or at a
// handshake of a listener that runs already.
func (a *Authority) Server(names []string, addrs []netip.Addr) (*tls.Config, error) {
	id, err := newIdentity(names, addrs)
	if err != nil {
		return nil, fmt.Errorf("server certificate: %w", err)
	}
	l := a.leaf(id)
	if err := l.open(); err != nil {
		return nil, fmt.Errorf("server certificate of %s: %w", id.commonName(), err)
	}
	c := modern(a.now)
	c.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return l.present() }
	return c, nil
}

// leaf returns the one leaf of an identity, so that all its listeners follow the same renewal.
func (a *Authority) leaf(id identity) *leaf {
	a.mu.Lock()
	defer a.mu.Unlock()
	l := a.leaves[id.recordKey()]
	if l == nil {
		l = &leaf{authority: a, id: id}
		a.leaves[id.recordKey()] = l
	}
	return l
}

// open makes the current certificate good: from memory, from the keeper, or by issuing a new one. A kept leaf that
// cannot be read is replaced: unlike the authority nobody was told to trust it.
func (l *leaf) open() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.good(l.current) {
		return nil
	}
	kept, _, err := l.authority.load(l.id.recordKey())
	if err == nil && l.good(kept) {
		l.current = kept
		return nil
	}
	return l.renew()
}

// present returns the certificate for one handshake, a new one when it is time. A new one that cannot be kept (disk
// full) serves until the next restart.
func (l *leaf) present() (*tls.Certificate, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.good(l.current) {
		if err := l.renew(); err != nil && !l.good(l.current) {
			return nil, err
		}
	}
	return &tls.Certificate{
		Certificate: [][]byte{l.current.cert.Raw},
		PrivateKey:  l.current.key,
		Leaf:        l.current.cert,
	}, nil
}

// good tells whether p was issued by this authority and need not be renewed. A certificate from the future is not
// good: it was issued while the clock was wrong.
func (l *leaf) good(p pair) bool {
	if p.cert == nil {
		return false
	}
	now := l.authority.issueTime()
	return !now.Before(p.cert.NotBefore) && p.cert.NotAfter.Sub(now) >= renewBefore &&
		p.cert.CheckSignatureFrom(l.authority.cert) == nil
}

// renew issues and keeps a new certificate, with a new key. It is in force even when keeping it fails.
func (l *leaf) renew() error {
	a := l.authority
	serial, err := a.serial()
	if err != nil {
		return err
	}
	now := a.issueTime()
	p, err := a.sign(&x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: l.id.commonName()},
		DNSNames:     l.id.names,
		IPAddresses:  l.id.ips(),
		NotBefore:    now.Add(-backdate),
		NotAfter:     now.Add(leafLife),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, &pair{key: a.key, cert: a.cert})
	if err != nil {
		return err
	}
	l.current = p
	return a.save(l.id.recordKey(), p)
}

// issueTime is now, but never before the authority itself is valid: a board without a battery starts with an old clock.
func (a *Authority) issueTime() time.Time {
	now := a.now()
	if first := a.cert.NotBefore.Add(backdate); now.Before(first) {
		return first
	}
	return now
}

// modern is what every configuration of the box begins with. The suites count for TLS 1.2 only (RFC 9325 §4.2); those
// of TLS 1.3 are all good.
func modern(now func() time.Time) *tls.Config {
	return &tls.Config{
		Time:       now,
		MinVersion: tls.VersionTLS12,
		CipherSuites: []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		},
	}
}
