// Package certs holds the box's certificates: its own certification authority, the server certificate issued by it, and
// the trust anchors that peers are verified with.
//
// The authority is made once, on the first Open, and kept. Server returns a tls.Config for the page and for SIP over
// TLS whose certificate is kept too and renews itself while the listener runs. Client returns a tls.Config for one peer;
// it always verifies, and there is no way to switch that off. ForPeer turns Server's into the one for a peer that connects:
// with the certificate by which it knows the box, and the wish for its own (mutual TLS). TLS is 1.2 or 1.3 everywhere, with forward secrecy and
// authenticated encryption only.
//
//	Keeper "certs"/"authority" ── key + certificate ──► Authority ──► Server: leaf, 397 days, new one 30 days before the end
//	                                                        │
//	                                                        └───────► Client: system roots | PEM of the policy | own authority
//
// It leaves to others where records are kept (store, through Keeper), which names the box answers to and who the peers
// are (apply), opening connections (edge, api), and the certificates of STIR (stir, fetch).
package certs

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// Keeper keeps small records. What certs gives it contains private keys.
type Keeper interface {
	Put(kind, key string, value []byte) error
	Get(kind, key string) ([]byte, bool, error)
}

// Authority is the box's own certification authority. It is safe for concurrent use and never prints its key.
type Authority struct {
	keeper Keeper
	now    func() time.Time
	random io.Reader
	key    *ecdsa.PrivateKey
	cert   *x509.Certificate
	public func() (*x509.CertPool, error) // the embedded public roots, parsed on first use

	mu     sync.Mutex       // guards everything below
	leaves map[string]*leaf // by leafKey
}

// Open returns the authority kept in k, or makes one and keeps it. A kept authority that cannot be read is an error and
// is never replaced silently, because browsers and PBXs were told to trust it; one that has expired is replaced.
func Open(k Keeper, now func() time.Time, random io.Reader) (*Authority, error) {
	a := &Authority{keeper: k, now: now, random: random, leaves: map[string]*leaf{}}
	a.public = sync.OnceValues(publicRoots)
	pair, found, err := a.load(authorityKey)
	if err != nil {
		return nil, fmt.Errorf("read the box's certification authority: %w", err)
	}
	if !found || now().After(pair.cert.NotAfter) {
		if pair, err = a.create(); err != nil {
			return nil, fmt.Errorf("make the box's certification authority: %w", err)
		}
	}
	a.key, a.cert = pair.key, pair.cert
	return a, nil
}

// CA returns the authority's certificate in PEM, for the administrator to import, and its SHA-256 fingerprint as
// browsers show it: upper-case hexadecimal pairs with colons.
func (a *Authority) CA() ([]byte, string) {
	block := &pem.Block{Type: pemCertificate, Bytes: a.cert.Raw}
	return pem.EncodeToMemory(block), fingerprint(a.cert)
}

// Format prints the fingerprint whatever the verb, so that no key reaches a log.
func (a *Authority) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "certification authority %s", fingerprint(a.cert))
}

// LogValue makes slog print the fingerprint.
func (a *Authority) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(a)) }

func fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	pairs := make([]string, len(sum))
	for i, b := range sum {
		pairs[i] = hex.EncodeToString([]byte{b})
	}
	return strings.ToUpper(strings.Join(pairs, ":"))
}
