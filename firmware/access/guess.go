package access

import (
	"strings"
)

// Proof is an answer to a challenge that passes through the box.
type Proof struct {
	Nonce string
	User  string
	c     credentials
}

// ReadProof reads the value of an Authorization or Proxy-Authorization header. What lacks qop, as RFC 2069 had it, is read
// too: it is somebody else's who judges it.
func ReadProof(value string) (Proof, bool) {
	c, err := parseCredentials(value)
	if err != nil && (c.nonce == "" || c.uri == "" || c.response == "" || c.user == "") {
		return Proof{}, false
	}
	return Proof{Nonce: c.nonce, User: c.user, c: c}, true
}

// usual are the passwords that guessing programs try first. They are tried as they stand.
func usual() []string {
	return []string{
		"0000", "1111", "1234", "12345", "123456", "1234567", "12345678", "123456789", "1234567890", "4321", "54321", "654321", "111111", "000000", "123123",
		"password", "Password", "passw0rd", "Password1", "admin", "administrator", "secret", "changeme", "default", "test", "guest", "user", "phone", "telephone",
		"sip", "voip", "pbx", "asterisk", "freepbx", "letmein", "qwerty", "qwerty123", "azerty", "welcome", "motdepasse", "abc123", "abcd1234", "1q2w3e4r", "iloveyou",
	}
}

// Guess tries the usual passwords, and those made of names that go with the user, against a proof. It says which kind it was,
// and never the password; "" when it was none of them. It takes some hundred hashes.
func (p Proof) Guess(method string, names ...string) string {
	for _, name := range append([]string{p.User}, names...) {
		if name == "" {
			continue
		}
		for kind, list := range map[string][]string{
			"a name that everybody knows":             {name, strings.ToLower(name), strings.ToUpper(name)},
			"a name that everybody knows, with a bit": {name + name, name + "1", name + "123", name + "1234", name + "!", "sip" + name, "pass" + name, reversed(name)},
		} {
			if p.fits(method, list) {
				return kind
			}
		}
	}
	if p.fits(method, usual()) {
		return "one of the passwords that are tried first"
	}
	return ""
}

func (p Proof) fits(method string, passwords []string) bool {
	alg, ok := algorithm(p.c.algorithm)
	if !ok {
		return false
	}
	request := hash(alg, method, p.c.uri)
	for _, password := range passwords {
		parts := []string{hash(alg, p.User, p.c.realm, password), p.Nonce}
		if p.c.qop != "" {
			parts = append(parts, p.c.nc, p.c.cnonce, p.c.qop)
		}
		if hash(alg, append(parts, request)...) == strings.ToLower(p.c.response) {
			return true
		}
	}
	return false
}

func reversed(s string) string {
	runes := []rune(s)
	for i, j := 0, len(runes)-1; i < j; i, j = i+1, j-1 {
		runes[i], runes[j] = runes[j], runes[i]
	}
	return string(runes)
}
