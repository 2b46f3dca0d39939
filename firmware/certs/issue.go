package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	"time"
)

// Lifetimes. A leaf lives 397 days because browsers refuse server certificates that live 398 or more.
const (
	authorityYears = 10
	leafLife       = 397 * 24 * time.Hour
	renewBefore    = 30 * 24 * time.Hour
	// backdate lets a client whose clock is a little behind accept a certificate at once.
	backdate = time.Hour
)

// create makes the authority and keeps it. Its path length is 0: it signs leaves and nothing else.
func (a *Authority) create() (pair, error) {
	serial, err := a.serial()
	if err != nil {
		return pair{}, err
	}
	start := a.now().Add(-backdate)
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{Organization: []string{"Tollgate"}, CommonName: fmt.Sprintf("Tollgate box %x", serial.Bytes()[:4])},
		NotBefore:             start,
		NotAfter:              start.AddDate(authorityYears, 0, 0),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}
	p, err := a.sign(template, nil)
	if err != nil {
		return pair{}, err
	}
	return p, a.save(authorityKey, p)
}

// sign makes a key and a certificate for it from the template, signed by issuer, or by itself when issuer is nil.
func (a *Authority) sign(template *x509.Certificate, issuer *pair) (pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), a.random)
	if err != nil {
		return pair{}, fmt.Errorf("make a key: %w", err)
	}
	if issuer == nil {
		issuer = &pair{key: key, cert: template}
	}
	der, err := x509.CreateCertificate(a.random, template, issuer.cert, &key.PublicKey, issuer.key)
	if err != nil {
		return pair{}, fmt.Errorf("sign the certificate: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return pair{}, fmt.Errorf("read back the certificate: %w", err)
	}
	return pair{key: key, cert: cert}, nil
}

// serial returns 127 random bits with the highest set: positive, and within the 20 octets of RFC 5280 §4.1.2.2.
func (a *Authority) serial() (*big.Int, error) {
	b := make([]byte, 16)
	if _, err := io.ReadFull(a.random, b); err != nil {
		return nil, fmt.Errorf("draw a serial number: %w", err)
	}
	b[0] = b[0]&0x7f | 0x40
	return new(big.Int).SetBytes(b), nil
}
