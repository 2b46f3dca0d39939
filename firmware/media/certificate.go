package media

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// Fingerprint is the SHA-256 of a certificate in DER, which a description vouches for (RFC 8122 §5).
type Fingerprint [sha256.Size]byte

// identity is what the box shows in DTLS handshakes.
type identity struct {
	certificate tls.Certificate
	fingerprint Fingerprint
}

// newIdentity makes a key and a certificate that names nobody: the fingerprint in the signalling is what counts
// (RFC 5763 §5). It lives as long as the process, and longer than any; its dates are wide, because peers exist that look at
// them and the box's clock may be wrong.
func newIdentity() (identity, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return identity{}, fmt.Errorf("media: making a key for handshakes: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return identity{}, fmt.Errorf("media: drawing a serial number: %w", err)
	}
	t := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "WebRTC"}, // as most do
		NotBefore: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2049, 12, 31, 0, 0, 0, 0, time.UTC),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return identity{}, fmt.Errorf("media: making a certificate for handshakes: %w", err)
	}
	return identity{tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, sha256.Sum256(der)}, nil
}

// IdentityRecord is what the box shows in handshakes, with its key: a peer that was told its fingerprint goes on with it in
// another process.
type IdentityRecord struct {
	Certificate []byte // DER
	Key         []byte // PKCS #8
}

// Identity describes what the box shows in handshakes.
func (r *Relay) Identity() (IdentityRecord, error) {
	key, err := x509.MarshalPKCS8PrivateKey(r.identity.certificate.PrivateKey)
	if err != nil {
		return IdentityRecord{}, fmt.Errorf("media: writing the key for handshakes: %w", err)
	}
	return IdentityRecord{Certificate: r.identity.certificate.Certificate[0], Key: key}, nil
}

// Resume shows what an earlier process has shown. It comes before the first Open.
func (r *Relay) Resume(rec IdentityRecord) error {
	key, err := x509.ParsePKCS8PrivateKey(rec.Key)
	if err != nil {
		return fmt.Errorf("media: reading the key for handshakes: %w", err)
	}
	own, ok := key.(*ecdsa.PrivateKey)
	c, err := x509.ParseCertificate(rec.Certificate)
	if err != nil {
		return fmt.Errorf("media: reading the certificate for handshakes: %w", err)
	}
	if !ok || !own.PublicKey.Equal(c.PublicKey) {
		return errors.New("media: the certificate for handshakes is of another key")
	}
	r.identity = identity{tls.Certificate{Certificate: [][]byte{rec.Certificate}, PrivateKey: key}, sha256.Sum256(rec.Certificate)}
	return nil
}
