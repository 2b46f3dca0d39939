package numbering

import (
	"errors"
	"fmt"
	"strings"
)

// maxSpelling bounds what is looked at, in bytes: 15 digits with every separator and parameter stay far below it.
const maxSpelling = 256

// ReadError says why something is not a number.
type ReadError struct {
	Dialled string // as it came
	Problem string // a clause for the administrator: "it contains letters: ..."
}

// Error returns both; what was dialled is quoted in ASCII and cut when it is long.
func (e *ReadError) Error() string {
	d := e.Dialled
	if len(d) > 64 {
		d = d[:64] + "..."
	}
	return fmt.Sprintf("%+q is not a number to call: %s", d, e.Problem)
}

// spelling is what remains of a dialled string once its notation is gone.
type spelling struct {
	digits  string
	plus    bool   // it began with "+": a global number of RFC 3966 §5.1.4
	context string // digits of a global phone-context (RFC 3966 §5.1.5), "" when none or a domain
}

// bare tells whether it is digits and nothing else.
func (s spelling) bare() bool { return !s.plus && s.context == "" }

// spell reads the notation of a dialled string, with or without its scheme, and says what is wrong with it.
func spell(s string) (spelling, error) {
	var out spelling
	if len(s) > maxSpelling {
		return out, fmt.Errorf("it is longer than %d bytes", maxSpelling)
	}
	user, params := cutURI(s)
	user, err := unescape(user)
	if err != nil {
		return out, err
	}
	out.digits, out.plus, err = digitsOf(user)
	if err != nil {
		return out, err
	}
	out.context, err = phoneContext(params)
	return out, err
}

// cutURI takes the scheme and the host off and parts the user from its parameters.
func cutURI(s string) (user, params string) {
	if scheme, rest, ok := strings.Cut(s, ":"); ok {
		switch strings.ToLower(scheme) {
		case "tel":
			s = rest
		case "sip", "sips":
			s, _, _ = strings.Cut(rest, "@")
		}
	}
	user, params, _ = strings.Cut(s, ";")
	return user, params
}

// unescape undoes percent-encoding (RFC 3986 §2.1) once: what is encoded twice stays encoded and is refused.
func unescape(s string) (string, error) {
	if !strings.Contains(s, "%") {
		return s, nil
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b.WriteByte(s[i])
			continue
		}
		if i+2 >= len(s) || !isHex(s[i+1]) || !isHex(s[i+2]) {
			return "", errors.New("a % in it is not followed by two hexadecimal digits")
		}
		b.WriteByte(fromHex(s[i+1])<<4 | fromHex(s[i+2]))
		i += 2
	}
	return b.String(), nil
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func fromHex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c&0x0f + 9 // letters of either case
}

// digitsOf drops the visual separators (those of RFC 3966 §3, blanks and slashes) and refuses everything else.
func digitsOf(s string) (digits string, plus bool, err error) {
	s, plus = strings.CutPrefix(strings.Trim(s, " "), "+")
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case '0' <= c && c <= '9':
			b = append(b, c)
		case strings.IndexByte(" -.()/", c) >= 0:
		default:
			return "", false, strange(c)
		}
	}
	if len(b) == 0 {
		return "", false, errors.New("it has no digits")
	}
	return string(b), plus, nil
}

// strange says why c has no place in a number.
func strange(c byte) error {
	switch {
	case c >= 0x80:
		// Digits of other scripts look like numbers to a person and to many programs, so they would pass a rule
		// on prefixes and still be dialled further on.
		return errors.New("it contains characters other than ASCII ones; only 0-9 are digits")
	case c == '*' || c == '#':
		return errors.New("it is a service code: codes with * or # are the PBX's own affair")
	case 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z':
		return errors.New("it contains letters: a name, or tones of a menu")
	case c == '+':
		return errors.New("it has a + that is not at its beginning")
	}
	return fmt.Errorf("it contains %+q", rune(c))
}

// phoneContext finds the digits of a global phone-context. A domain is no help in reading digits: they count as dialled.
func phoneContext(params string) (string, error) {
	found := ""
	seen := false
	for params != "" {
		var p string
		p, params, _ = strings.Cut(params, ";")
		name, value, _ := strings.Cut(p, "=")
		if !strings.EqualFold(strings.Trim(name, " "), "phone-context") {
			continue
		}
		if seen {
			return "", errors.New("it has two phone-contexts")
		}
		seen = true
		value, err := unescape(strings.Trim(value, " "))
		if err != nil {
			return "", err
		}
		if !strings.HasPrefix(value, "+") {
			continue
		}
		if found, _, err = digitsOf(value); err != nil {
			return "", fmt.Errorf("its phone-context cannot be read: %w", err)
		}
	}
	return found, nil
}
