package stir

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"
)

// maxChain bounds the certificates that come with one signature.
const maxChain = 8

// ParseChain reads certificates in PEM, or a single one in DER, the signer's own first.
func ParseChain(text []byte) ([]*x509.Certificate, error) {
	if list, err := x509.ParseCertificates(text); err == nil && len(list) == 1 {
		return list, nil
	}
	var list []*x509.Certificate
	for rest := bytes.TrimSpace(text); len(rest) > 0; rest = bytes.TrimSpace(rest) {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil || block.Type != "CERTIFICATE" {
			break
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate %d cannot be read", len(list)+1)
		}
		if list = append(list, cert); len(list) > maxChain {
			return nil, errors.New("there are too many certificates")
		}
	}
	if len(list) == 0 {
		return nil, errors.New("there is no certificate")
	}
	return list, nil
}

// checkChain tells why a certificate proves nothing at now (RFC 8226 §5, §9). Certificates say nothing of what they are for
// but by their TNAuthList, so any use that they name will do.
func checkChain(chain []*x509.Certificate, anchors *x509.CertPool, now time.Time) *fault {
	if len(chain) == 0 {
		return faultf(StatusInfo, "there is no certificate where it should be")
	}
	leaf, between := understood(chain[0]), x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(understood(c))
	}
	key, ok := leaf.PublicKey.(*ecdsa.PublicKey)
	switch {
	case !ok || key.Curve != elliptic.P256():
		return faultf(StatusUnsupported, "its certificate has no key of P-256")
	case now.After(leaf.NotAfter) || now.Before(leaf.NotBefore):
		return faultf(StatusUnsupported, "its certificate is valid from %s to %s", leaf.NotBefore.Format(time.DateOnly), leaf.NotAfter.Format(time.DateOnly))
	}
	if anchors == nil {
		anchors = x509.NewCertPool() // and not those of the system
	}
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: anchors, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}); err != nil {
		return faultf(StatusUnsupported, "its certificate is not of an authority that is trusted here")
	}
	return nil
}

// understood returns a certificate whose TNAuthList counts as understood, which the library cannot know.
func understood(c *x509.Certificate) *x509.Certificate {
	if len(c.UnhandledCriticalExtensions) == 0 {
		return c
	}
	copied := *c
	copied.UnhandledCriticalExtensions = slices.DeleteFunc(slices.Clone(c.UnhandledCriticalExtensions), oidTNAuthList().Equal)
	return &copied
}

// authorityOf reads for which numbers a certificate speaks.
func authorityOf(c *x509.Certificate) (TNAuthList, error) {
	for _, e := range c.Extensions {
		if e.Id.Equal(oidTNAuthList()) {
			return ParseTNAuthList(e.Value)
		}
	}
	return TNAuthList{}, errors.New("the certificate does not say for which numbers it speaks (TNAuthList)")
}

// oidTNAuthList is id-pe-TNAuthList (RFC 8226 §9).
func oidTNAuthList() asn1.ObjectIdentifier {
	return asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 26}
}

// verify checks the signature itself: r and s of ES256, as RFC 7518 §3.4 writes them.
func (t *token) verify(leaf *x509.Certificate) bool {
	key, ok := leaf.PublicKey.(*ecdsa.PublicKey)
	if !ok {
		return false
	}
	sum := sha256.Sum256([]byte(t.signed))
	r, s := new(big.Int).SetBytes(t.sign[:signature/2]), new(big.Int).SetBytes(t.sign[signature/2:])
	return ecdsa.Verify(key, sum[:], r, s)
}
