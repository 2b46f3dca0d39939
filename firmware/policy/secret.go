package policy

import (
	"strings"
	"unicode/utf8"
)

// leastSecret is the shortest secret accepted, in characters. Digest lets whoever sees one answer try passwords as fast
// as a machine can hash (RFC 7616 §5.8), and short ones fall in hours.
const leastSecret = 16

// user checks the user part of an address or the name that digest gives.
func (c *checker) user(path, s string) {
	if !c.required(path, s != "", "write the user name") {
		return
	}
	if !printable(s, 64) || strings.ContainsAny(s, "\"\\<>@ ,;") {
		c.fault(path, `use up to 64 characters, without blanks and without @ , ; < > " \`, "is not a user name")
	}
}

// authUser checks the name that digest gives, where carriers use whole addresses too.
func (c *checker) authUser(path, s string) {
	if !printable(s, 128) || strings.ContainsAny(s, "\"\\") {
		c.fault(path, `use up to 128 printable characters, without " and \`, "is not a user name")
	}
}

// secret checks a secret against the names it goes with. The mask stands for a secret that was checked when it came in.
// No fault tells anything of its value but its length.
func (c *checker) secret(path string, s Secret, hint string, users ...string) {
	value := s.Reveal()
	if value == SecretMask {
		return
	}
	n := utf8.RuneCountInString(value)
	switch {
	case !printable(value, 256):
		c.fault(path, "write it on one line, without a blank before or behind it", "holds what no password can, or more than 256 characters")
	case equalFold(value, users):
		c.fault(path, hint, "is the same as the user")
	case n < leastSecret:
		c.fault(path, hint, "has %d characters where %d are the least", n, leastSecret)
	case strings.Count(value, value[:1]) == len(value):
		c.fault(path, hint, "is one character repeated")
	}
}

func equalFold(value string, users []string) bool {
	for _, u := range users {
		if strings.EqualFold(value, u) {
			return true
		}
	}
	return false
}
