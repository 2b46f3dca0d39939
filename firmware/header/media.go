package header

import (
	"slices"
	"strings"
)

// earlyMedia writes P-Early-Media (RFC 5009 §8) afresh: who may speak before the answer.
func earlyMedia(values []string) []string {
	known := []string{"sendrecv", "sendonly", "recvonly", "inactive", "gated", "supported"}
	var said []string
	for _, e := range entries(values, len(known)) {
		if w := strings.ToLower(e.word); !e.uri && slices.Contains(known, w) && !slices.Contains(said, w) {
			said = append(said, w)
		}
	}
	if len(said) == 0 {
		return nil
	}
	return []string{strings.Join(said, ", ")}
}

// Bounds of User-to-User.
const (
	maxUserData  = 512 // hexadecimal digits; ISUP carries 262 (RFC 7434)
	maxUserItems = 4
)

// userToUser writes User-to-User (RFC 7433 §4) afresh: data of the two ends, in hexadecimal digits and nothing else.
func userToUser(values []string) []string {
	var out []string
	for _, e := range entries(values, maxUserItems) {
		if e.uri || !hexadecimal(e.word, maxUserData) {
			continue
		}
		if encoding, ok := e.get("encoding"); ok && !strings.EqualFold(encoding, "hex") {
			continue
		}
		v := e.word
		for _, name := range []string{"purpose", "content", "encoding"} {
			if value, ok := e.get(name); ok && word(value, 40) {
				v += ";" + name + "=" + value
			}
		}
		out = append(out, v)
	}
	return out
}

// hexadecimal tells whether s is whole bytes.
func hexadecimal(s string, most int) bool {
	return s != "" && len(s) <= most && len(s)%2 == 0 && strings.Trim(s, "0123456789abcdefABCDEF") == ""
}
