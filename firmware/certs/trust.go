package certs

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// maxTrust bounds the trust anchors of one peer, in bytes of PEM.
const maxTrust = 1 << 20

// pemBegin is how every block begins.
const pemBegin = "-----BEGIN"

// publicRoots parses the embedded roots of Mozilla's programme, with the constraints it puts on some of them.
func publicRoots() (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	for root := range bundle.Roots() {
		cert, err := x509.ParseCertificate(root.Certificate)
		if err != nil {
			return nil, fmt.Errorf("embedded public root: %w", err)
		}
		if root.Constraint == nil {
			pool.AddCert(cert)
		} else {
			pool.AddCertWithConstraint(cert, root.Constraint)
		}
	}
	return pool, nil
}

// parseTrust reads the PEM certificates of a policy, strictly: whatever is not a certificate is a fault that says which
// block it is, because an anchor left out silently is a call that fails at night. Comments between blocks are allowed,
// as openssl and CA bundles write them.
func parseTrust(text []byte) (*x509.CertPool, error) {
	if len(text) > maxTrust {
		return nil, fmt.Errorf("%d bytes of PEM are more than the %d allowed", len(text), maxTrust)
	}
	pool, n := x509.NewCertPool(), 0
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			break
		}
		n++
		// Decode skips what it cannot read and goes on to the next block.
		if bytes.Count(text[:len(text)-len(rest)], []byte(pemBegin)) > 1 {
			return nil, damaged(n)
		}
		cert, err := parseAnchor(block)
		if err != nil {
			return nil, fmt.Errorf("PEM block %d: %w", n, err)
		}
		pool.AddCert(cert)
		text = rest
	}
	if err := checkRest(text, n); err != nil {
		return nil, err
	}
	return pool, nil
}

func parseAnchor(block *pem.Block) (*x509.Certificate, error) {
	if strings.Contains(block.Type, "PRIVATE KEY") {
		return nil, errors.New("this is a private key; trust takes certificates only, and this key should be replaced now that it was copied here")
	}
	if block.Type != pemCertificate {
		return nil, fmt.Errorf("this is a %s, not a CERTIFICATE", block.Type)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("the certificate cannot be read: %w", err)
	}
	return cert, nil
}

// checkRest looks at what follows the last whole block.
func checkRest(rest []byte, blocks int) error {
	switch {
	case bytes.Contains(rest, []byte(pemBegin)):
		return damaged(blocks + 1)
	case blocks == 0:
		return errors.New("there is no PEM certificate in it; write \"system\" for the public authorities, or paste text that begins with -----BEGIN CERTIFICATE-----")
	}
	return nil
}

func damaged(block int) error {
	return fmt.Errorf("PEM block %d is cut off or damaged: its END line is missing, or a line of it is not base64", block)
}
