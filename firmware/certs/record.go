package certs

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// Where the records lie in the Keeper.
const (
	recordKind   = "certs"
	authorityKey = "authority"
)

// PEM block types (RFC 7468 §5, §10).
const (
	pemCertificate = "CERTIFICATE"
	pemPrivateKey  = "PRIVATE KEY"
)

// pair is a private key and its certificate. Both go into one record, so that a power cut leaves either both or none.
type pair struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func (a *Authority) load(key string) (pair, bool, error) {
	record, found, err := a.keeper.Get(recordKind, key)
	if err != nil || !found {
		return pair{}, false, err
	}
	p, err := parsePair(record)
	if err != nil {
		return pair{}, true, fmt.Errorf("record %s/%s: %w", recordKind, key, err)
	}
	return p, true, nil
}

func (a *Authority) save(key string, p pair) error {
	record, err := p.encode()
	if err != nil {
		return err
	}
	if err := a.keeper.Put(recordKind, key, record); err != nil {
		return fmt.Errorf("keep record %s/%s: %w", recordKind, key, err)
	}
	return nil
}

func (p pair) encode() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(p.key)
	if err != nil {
		return nil, errors.New("encode the private key")
	}
	var b bytes.Buffer
	for _, block := range []*pem.Block{
		{Type: pemPrivateKey, Bytes: der},
		{Type: pemCertificate, Bytes: p.cert.Raw},
	} {
		if err := pem.Encode(&b, block); err != nil {
			return nil, fmt.Errorf("encode the %s: %w", block.Type, err)
		}
	}
	return b.Bytes(), nil
}

// parsePair reads what encode wrote. Its errors never quote the record.
func parsePair(record []byte) (pair, error) {
	var p pair
	for block, rest := pem.Decode(record); block != nil; block, rest = pem.Decode(rest) {
		var err error
		switch block.Type {
		case pemPrivateKey:
			p.key, err = parseKey(block.Bytes)
		case pemCertificate:
			p.cert, err = x509.ParseCertificate(block.Bytes)
		default:
			err = fmt.Errorf("unexpected PEM block %q", block.Type)
		}
		if err != nil {
			return pair{}, err
		}
	}
	return p, p.check()
}

func parseKey(der []byte) (*ecdsa.PrivateKey, error) {
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, errors.New("the private key cannot be read")
	}
	ec, ok := key.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("the private key is a %T, not an ECDSA key", key)
	}
	return ec, nil
}

func (p pair) check() error {
	switch {
	case p.key == nil:
		return errors.New("there is no private key in it")
	case p.cert == nil:
		return errors.New("there is no certificate in it")
	case !p.key.PublicKey.Equal(p.cert.PublicKey):
		return errors.New("the private key does not belong to the certificate")
	}
	return nil
}
