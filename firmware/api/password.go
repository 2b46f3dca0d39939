package api

import (
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// What a new password must be. The length is what counts (NIST SP 800-63B); the rest stops "aaaaaaaaaaaaaaaa".
const (
	minPassword       = 16
	maxPassword       = 256
	minDifferentSigns = 5
)

const (
	hashLength = 32
	saltLength = 16
)

// cost is what one hash takes. The salt and the cost stand beside each hash, so that it may change.
type cost struct{ time, memory uint32 } // passes, KiB

// boardCost follows RFC 9106 §4 with half the memory of its second choice: the board has 1 GB for everything.
func boardCost() cost { return cost{time: 3, memory: 32 << 10} }

// firstCost is enough for a first password: whoever has its hash would have to try 2^78 of them even so. It is made while the
// box starts, which waits for it.
func firstCost() cost { return cost{time: 1, memory: 1 << 10} }

// firstAlphabet has no signs that look alike (no 0 o, 1 l i) and none that need a shift key.
const firstAlphabet = "abcdefghjkmnpqrstuvwxyz23456789"

// newFirstPassword returns four groups of four signs, 79 bits.
func newFirstPassword(random io.Reader) (string, error) {
	var b strings.Builder
	for n := 0; n < 16; {
		var one [1]byte
		if _, err := io.ReadFull(random, one[:]); err != nil {
			return "", fmt.Errorf("making a first password: %w", err)
		}
		// Only whole multiples of the alphabet, so that every sign is equally likely.
		if int(one[0]) >= 256/len(firstAlphabet)*len(firstAlphabet) {
			continue
		}
		if n > 0 && n%4 == 0 {
			b.WriteByte('-')
		}
		b.WriteByte(firstAlphabet[int(one[0])%len(firstAlphabet)])
		n++
	}
	return b.String(), nil
}

// weakness says why password is not good enough, or returns nil.
func weakness(password string) *Problem {
	n := utf8.RuneCountInString(password)
	different := map[rune]bool{}
	for _, r := range password {
		different[r] = true
	}
	switch {
	case n < minPassword:
		return newProblem(PasswordTooShort, fmt.Sprintf("The new password has %d characters, at least %d are needed.", n, minPassword), "Four or five words in a row make a good one.")
	case n > maxPassword:
		return newProblem(PasswordTooLong, fmt.Sprintf("The new password has %d characters, at most %d are taken.", n, maxPassword), "Choose a shorter one.")
	case len(different) < minDifferentSigns:
		return newProblem(PasswordTooSimple, fmt.Sprintf("The new password is made of %d different characters, at least %d are needed.", len(different), minDifferentSigns), "Four or five words in a row make a good one.")
	}
	return nil
}

// hashPassword returns the argon2id hash in the PHC string format: $argon2id$v=19$m=..,t=..,p=..$salt$hash.
func hashPassword(password string, c cost, random io.Reader) (string, error) {
	salt := make([]byte, saltLength)
	if _, err := io.ReadFull(random, salt); err != nil {
		return "", fmt.Errorf("hashing a password: %w", err)
	}
	sum := argon2.IDKey([]byte(password), salt, c.time, c.memory, 1, hashLength)
	enc := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=1$%s$%s", argon2.Version, c.memory, c.time,
		enc.EncodeToString(salt), enc.EncodeToString(sum)), nil
}

// matchesHash tells in constant time whether password has this hash. The error says that the hash is not one of ours; it
// does not repeat it.
func matchesHash(hash, password string) (bool, error) {
	h, err := parseHash(hash)
	if err != nil {
		return false, err
	}
	got := argon2.IDKey([]byte(password), h.salt, h.time, h.memory, h.threads, uint32(len(h.sum)))
	return subtle.ConstantTimeCompare(got, h.sum) == 1, nil
}

// phc is a PHC string taken apart.
type phc struct {
	time, memory uint32
	threads      uint8
	salt, sum    []byte
}

// parseHash bounds the parameters: a damaged record must not take the board's memory.
func parseHash(hash string) (phc, error) {
	bad := errors.New("reading a password hash: it is not argon2id as Tollgate writes it")
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return phc{}, bad
	}
	var h phc
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.memory, &h.time, &h.threads); err != nil {
		return phc{}, bad
	}
	var err1, err2 error
	h.salt, err1 = base64.RawStdEncoding.DecodeString(parts[4])
	h.sum, err2 = base64.RawStdEncoding.DecodeString(parts[5])
	ok := err1 == nil && err2 == nil && len(h.salt) >= 8 && len(h.sum) >= 16 && len(h.sum) <= 64 &&
		h.time >= 1 && h.time <= 10 && h.threads >= 1 && h.threads <= 4 && h.memory >= 8*uint32(h.threads) && h.memory <= 64<<10
	if !ok {
		return phc{}, bad
	}
	return h, nil
}
