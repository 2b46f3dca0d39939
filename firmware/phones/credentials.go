package phones

import (
	"strings"

	"tollgate/firmware/ua"
)

// digestUser is the user that a phone proves to be (RFC 7616 §3.4); "" when it proves nothing.
func digestUser(in *ua.Incoming) string {
	for _, h := range ua.Proofs(in) {
		i := strings.Index(strings.ToLower(h.Value()), "username=")
		if i < 0 {
			continue
		}
		rest := h.Value()[i+len("username="):]
		if quoted, ok := strings.CutPrefix(rest, `"`); ok {
			user, _, _ := strings.Cut(quoted, `"`)
			return user
		}
		user, _, _ := strings.Cut(rest, ",")
		return strings.TrimSpace(user)
	}
	return ""
}
