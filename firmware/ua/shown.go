package ua

import "github.com/emiago/sipgo/sip"

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
