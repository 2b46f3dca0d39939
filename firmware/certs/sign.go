package certs

import (
	"crypto"
	"crypto/sha256"
	"fmt"
)

// Sign returns the authority's signature over a text: ECDSA over its SHA-256, in DER, the same for the same text (RFC 6979). Whoever has
// the certificate that CA returns can check it with openssl dgst -verify.
func (a *Authority) Sign(text []byte) ([]byte, error) {
	sum := sha256.Sum256(text)
	signature, err := a.key.Sign(nil, sum[:], crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("sign with the box's key: %w", err)
	}
	return signature, nil
}
