package access

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// maxCredentials bounds an Authorization value, in bytes.
const maxCredentials = 4096

// credentials are those of one Authorization header with the scheme Digest (RFC 7616 §3.4). The values are as sent,
// without quotes.
type credentials struct {
	user, realm, nonce, uri, response, algorithm, cnonce, qop, nc string
	count                                                         uint32 // nc as a number
}

var errNotDigest = errors.New("the scheme is not Digest")

// parseCredentials reads the value of an Authorization header. It takes quoted and bare values alike, since senders
// differ; a parameter given twice is refused, because two readers could choose differently.
func parseCredentials(s string) (credentials, error) {
	var c credentials
	if len(s) > maxCredentials {
		return c, fmt.Errorf("the credentials are longer than %d bytes", maxCredentials)
	}
	scheme, rest, _ := strings.Cut(strings.Trim(s, " \t"), " ")
	if !strings.EqualFold(scheme, "Digest") {
		return c, errNotDigest
	}
	seen := map[string]bool{}
	for rest = strings.TrimLeft(rest, " \t"); rest != ""; {
		name, value, tail, err := parameter(rest)
		if err != nil {
			return c, err
		}
		if seen[name] {
			return c, fmt.Errorf("the parameter %s comes twice", name)
		}
		seen[name] = true
		if field := c.field(name); field != nil {
			*field = value
		}
		rest = tail
	}
	return c, c.check()
}

// field returns where a parameter is kept, nil for those that are not.
func (c *credentials) field(name string) *string {
	switch name {
	case "username":
		return &c.user
	case "realm":
		return &c.realm
	case "nonce":
		return &c.nonce
	case "uri":
		return &c.uri
	case "response":
		return &c.response
	case "algorithm":
		return &c.algorithm
	case "cnonce":
		return &c.cnonce
	case "qop":
		return &c.qop
	case "nc":
		return &c.nc
	}
	return nil
}

// check refuses credentials that lack something. Without qop there is no counter, and so no protection against replay:
// RFC 7616 §3.4 makes it mandatory, RFC 3261 §22.4 does so for whoever was offered it.
func (c *credentials) check() error {
	if c.nonce == "" || c.uri == "" || c.response == "" || c.cnonce == "" {
		return errors.New("nonce, uri, response or cnonce is missing")
	}
	if !strings.EqualFold(c.qop, "auth") {
		return errors.New("qop is not auth")
	}
	n, err := strconv.ParseUint(c.nc, 16, 32)
	if err != nil || len(c.nc) != 8 {
		return errors.New("nc is not eight hexadecimal digits")
	}
	c.count = uint32(n)
	return nil
}

// parameter cuts name=value off s, and the comma behind it.
func parameter(s string) (name, value, rest string, err error) {
	name, rest, ok := strings.Cut(s, "=")
	name = strings.ToLower(strings.Trim(name, " \t"))
	if !ok || name == "" || strings.ContainsAny(name, " \t\",") {
		return "", "", "", errors.New("a parameter has no name or no value")
	}
	rest = strings.TrimLeft(rest, " \t")
	if strings.HasPrefix(rest, `"`) {
		value, rest, err = quoted(rest[1:])
		if err != nil {
			return "", "", "", err
		}
	} else {
		end := strings.IndexAny(rest, ", \t")
		if end < 0 {
			end = len(rest)
		}
		value, rest = rest[:end], rest[end:]
	}
	rest = strings.TrimLeft(rest, " \t")
	if rest == "" {
		return name, value, "", nil
	}
	tail, ok := strings.CutPrefix(rest, ",")
	tail = strings.TrimLeft(tail, " \t")
	if !ok || tail == "" {
		return "", "", "", errors.New("a comma is missing or has nothing behind it")
	}
	return name, value, tail, nil
}

// quoted reads a quoted string (RFC 3261 §25.1) whose opening quote is gone.
func quoted(s string) (value, rest string, err error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), s[i+1:], nil
		case s[i] == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		default:
			b.WriteByte(s[i])
		}
	}
	return "", "", errors.New("a quoted value has no end")
}
