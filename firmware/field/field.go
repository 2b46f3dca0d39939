// Package field finds the header fields of a message by their name, without making anything on the way: the message's own
// look-up writes the name of every field it passes in small letters first, a dozen times a message.
//
// It leaves to others what the fields say.
package field

import (
	"strings"

	"github.com/emiago/sipgo/sip"
)

// Message is a request or a response.
type Message interface {
	Headers() []sip.Header
}

// All returns the fields of a name, in their order; names are alike whatever their case (RFC 3261 §7.3.1). Nil when there
// is none.
func All(m Message, name string) []sip.Header {
	var found []sip.Header
	for _, h := range m.Headers() {
		if Is(h, name) {
			found = append(found, h)
		}
	}
	return found
}

// Is tells whether a field has a name.
func Is(h sip.Header, name string) bool {
	n := h.Name()
	return len(n) == len(name) && strings.EqualFold(n, name)
}
