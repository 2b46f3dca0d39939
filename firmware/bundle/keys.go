package bundle

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// ParseKeys reads public keys, one a line in base64; empty lines and those that begin with # count nothing. name and may are
// those of each.
func ParseKeys(text, name string, may Grant) ([]Key, error) {
	var keys []Key
	for n, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		key, err := base64.StdEncoding.Strict().DecodeString(line)
		if err != nil || len(key) != ed25519.PublicKeySize {
			return nil, fmt.Errorf("line %d of the keys is no Ed25519 key in base64", n+1)
		}
		keys = append(keys, Key{Name: name, Key: key, May: may})
	}
	return keys, nil
}

// privateType is the PEM block of a private key: PKCS #8 (RFC 5958).
const privateType = "PRIVATE KEY"

// ParsePrivateKey reads the key that signs bundles, as WritePrivateKey writes it.
func ParsePrivateKey(text []byte) (ed25519.PrivateKey, error) {
	const remedy = "tollgate signer FILE makes one"
	block, _ := pem.Decode(text)
	if block == nil || block.Type != privateType {
		return nil, errors.New("holds no private key: " + remedy)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("holds no private key: %w", err)
	}
	private, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil, errors.New("holds a key of another kind than Ed25519: " + remedy)
	}
	return private, nil
}

// WritePrivateKey writes a key that signs bundles as PEM.
func WritePrivateKey(key ed25519.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("write the key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: privateType, Bytes: der}), nil
}
