package bundle

import (
	"crypto/ed25519"
	"encoding/base64"
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
