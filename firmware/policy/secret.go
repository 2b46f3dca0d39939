package policy

import (
	"strings"

	"tollgate/firmware/credential"
)

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
// No fault tells anything of its value but its length. Only who has made an exception may go on with a weak one.
func (c *checker) secret(path string, s Secret, hint string, e Exception, names ...string) {
	c.exception(strings.TrimSuffix(path, ".secret")+".weak_secret", e)
	value := s.Reveal()
	if _, _, is := s.Hashes(); is || value == SecretMask { // was judged when it came in
		return
	}
	if !printable(value, 256) {
		c.fault(path, "write it on one line, without a blank before or behind it", "holds what no password can, or more than 256 characters")
		return
	}
	if e.Made() || !c.judge {
		return
	}
	if why := credential.Weak(value, names...); why != "" {
		c.fault(path, hint, "%s", why)
	}
}
