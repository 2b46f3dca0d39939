package ua

import (
	"strings"

	"github.com/emiago/sipgo/sip"
)

// UserOf is what a URI dials: the user part, the number of a tel URI (RFC 3966), or all of a URN such as urn:service:sos.
func UserOf(u sip.Uri) string {
	switch u.Scheme {
	case "tel":
		return u.Raw()
	case "urn":
		return "urn:" + u.Raw()
	}
	return u.User
}

// Printable keeps what can be shown and sent on: at most 64 characters, none of them control characters.
func Printable(s string) string {
	var b strings.Builder
	n := 0
	for _, r := range s {
		if r < ' ' || r == 0x7f || r == '\uFFFD' {
			continue
		}
		if n++; n > 64 {
			break
		}
		b.WriteRune(r)
	}
	return b.String()
}
