package stir

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"
)

// Signer signs calls with one key. It is safe for concurrent use and never prints its key.
type Signer struct {
	key  *ecdsa.PrivateKey
	leaf *x509.Certificate
	url  string
}

// NewSigner makes the signer whose certificate others find at url. certificate is PEM, its own certificate first; key is PEM
// of PKCS #8. The key must be that of the certificate and of P-256, and the certificate must be one for numbers
// (RFC 8226 §9), or everybody would refuse what it signs.
func NewSigner(certificate, key, url string) (*Signer, error) {
	if err := CheckURL(url); err != nil {
		return nil, err
	}
	chain, err := ParseChain([]byte(certificate))
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode([]byte(key))
	if block == nil {
		return nil, errors.New("the key is not PEM")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("the key cannot be read") // the library's error could repeat some of it
	}
	private, ok := parsed.(*ecdsa.PrivateKey)
	switch {
	case !ok || private.Curve != elliptic.P256():
		return nil, errors.New("the key is not of the curve P-256, and ES256 is the only algorithm")
	case !private.PublicKey.Equal(chain[0].PublicKey):
		return nil, errors.New("the key does not belong to the first certificate")
	}
	if _, err := authorityOf(chain[0]); err != nil {
		return nil, err
	}
	return &Signer{key: private, leaf: chain[0], url: url}, nil
}

// Sign returns the value of the Identity field for p (RFC 8224 §4, §6.1). random is a source of random bytes. A certificate
// that is not valid at p.Issued, or does not speak for the number, signs nothing.
func (s *Signer) Sign(p Passport, random io.Reader) (string, error) {
	if err := s.maySign(p); err != nil {
		return "", err
	}
	header, payload, err := p.encode(s.url)
	if err != nil {
		return "", fmt.Errorf("write the PASSporT: %w", err)
	}
	signed := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(payload)
	sum := sha256.Sum256([]byte(signed))
	r, t, err := ecdsa.Sign(random, s.key, sum[:])
	if err != nil {
		return "", fmt.Errorf("sign the PASSporT: %w", err)
	}
	both := make([]byte, signature)
	r.FillBytes(both[:signature/2])
	t.FillBytes(both[signature/2:])
	return signed + "." + base64.RawURLEncoding.EncodeToString(both) + ";info=<" + s.url + ">;alg=" + algorithm + ";ppt=" + p.kind(), nil
}

// maySign tells why a PASSporT is not signed.
func (s *Signer) maySign(p Passport) error {
	speaks := p.Orig
	if p.Div != "" {
		speaks = p.Div
	}
	who, err := authorityOf(s.leaf)
	switch {
	case err != nil:
		return err
	case Canonical(p.Orig) != p.Orig || len(p.Dest) == 0:
		return errors.New("who calls whom is no pair of telephone numbers")
	case p.Issued.Before(s.leaf.NotBefore) || p.Issued.After(s.leaf.NotAfter):
		return fmt.Errorf("the certificate is valid from %s to %s", s.leaf.NotBefore.Format(time.DateOnly), s.leaf.NotAfter.Format(time.DateOnly))
	case !who.Covers(speaks):
		return fmt.Errorf("the certificate does not speak for +%s", speaks)
	}
	return nil
}

// Expires is when the certificate ends.
func (s *Signer) Expires() time.Time { return s.leaf.NotAfter }

// Format prints where the certificate is whatever the verb, so that no key reaches a log.
func (s *Signer) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "signer of %s", s.url) }

// LogValue makes slog print the same.
func (s *Signer) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(s)) }
