package policy

import (
	"crypto/md5" // RFC 7616 still has it, and most systems know nothing else
	"crypto/sha256"
	"encoding/hex"
)

// DigestRealm is the same on every box and for ever: secrets are kept as hashes over it.
const DigestRealm = "tollgate"

// hashed is a secret as the store has it: H(user:realm:secret) (RFC 7616 §3.4.2) by SHA-256 and by MD5.
var hashed = patternOf(`^digest:([0-9a-f]{64}):([0-9a-f]{32})$`)

// HashSecret is what of a secret is enough to check who knows it. Of one that is hashed or masked it is the same.
func HashSecret(user string, s Secret) Secret {
	if _, _, is := s.Hashes(); is || s == "" || s == SecretMask {
		return s
	}
	text := []byte(user + ":" + DigestRealm + ":" + s.Reveal())
	strong, old := sha256.Sum256(text), md5.Sum(text)
	return Secret("digest:" + hex.EncodeToString(strong[:]) + ":" + hex.EncodeToString(old[:]))
}

// Hashes returns the hashes of a secret that is kept so, by SHA-256 and by MD5; false for one in the clear.
func (s Secret) Hashes() (sha256, md5 string, is bool) {
	m := hashed().FindStringSubmatch(s.Reveal())
	if m == nil {
		return "", "", false
	}
	return m[1], m[2], true
}

// HashSecrets puts hashes in the place of the secrets that the box itself need not know: that of the PBX. It comes after
// Check, which judges them in the clear.
func (p *Policy) HashSecrets() { p.PBX.Secret = HashSecret(p.PBX.User, p.PBX.Secret) }
