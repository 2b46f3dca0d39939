// Package credential makes passwords and says which are too weak.
//
// A password for SIP is tried by machines: whoever sees one answer to a challenge tries millions a second against it
// (RFC 7616 §5.8). So what the box makes is random and long, and what others have made is refused when it is short, holds a
// name that goes with it, or is of a pattern that guessing programs begin with.
//
// It leaves to others where passwords are kept (policy, store) and how they are used (access, ua).
package credential

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

const (
	// Length is how many characters a password of the box has: some 137 bits.
	Length = 24
	// Least is the shortest password accepted, in characters.
	Least = 16
	// leastBits is what a guessing program must not fall short of, by our estimate: beyond it lie a thousand years of
	// guessing at the server, and days for whoever has seen an answer.
	leastBits = 40
	// judged is how much of a password is estimated; the estimate takes long for longer ones, and they have enough by then.
	judged = 64
	// leastName is the shortest name that is looked for inside a password.
	leastName = 3
)

// alphabet has no characters that look like others or mean something in a URI, a shell or YAML.
const alphabet = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

// New makes a password from random bytes. The error is that of reading them.
func New(random io.Reader) (string, error) {
	out := make([]byte, 0, Length)
	var b [2 * Length]byte
	for len(out) < Length {
		if _, err := io.ReadFull(random, b[:]); err != nil {
			return "", fmt.Errorf("making a password: %w", err)
		}
		for _, c := range b {
			// What lies beyond the last whole round would make some characters likelier than others.
			if int(c) < 256/len(alphabet)*len(alphabet) && len(out) < Length {
				out = append(out, alphabet[int(c)%len(alphabet)])
			}
		}
	}
	return string(out), nil
}

// Weak says why a password is too weak, without repeating any of it; "" when it is not. names go with it: users, realm,
// domain, telephone numbers.
func Weak(password string, names ...string) string {
	n := utf8.RuneCountInString(password)
	if n < Least {
		return fmt.Sprintf("has %d characters where %d are the least", n, Least)
	}
	if name := holds(password, names); name != "" {
		return "holds " + name
	}
	if bits := estimate(password); bits < leastBits {
		return fmt.Sprintf("is of a pattern that is soon guessed: as good as %d random bits, where %d are the least", int(bits), leastBits)
	}
	return ""
}

// holds says which kind of name a password holds.
func holds(password string, names []string) string {
	lower := strings.ToLower(password)
	for _, name := range names {
		name = strings.ToLower(strings.TrimPrefix(name, "+"))
		switch {
		case utf8.RuneCountInString(name) < leastName || !strings.Contains(lower, name):
		case strings.Trim(name, "0123456789") == "":
			return "a telephone number or user number that goes with it"
		default:
			return "the user, realm or domain that goes with it"
		}
	}
	return ""
}
