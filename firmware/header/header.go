// Package header reads the header fields that cross the border and writes them afresh: nothing of what came is copied
// but words, digits and codes that it knows the meaning of, within bounds, so that no address, host or name of one side
// can ride through to the other.
//
//	Carry      what passes by itself: Alert-Info, Call-Info, Reason, P-Early-Media, User-to-User
//	Diversions, Histories, Assertions, Identities, Privacies   read here, judged by who knows the numbers
//	Rewrite    the header rules of a policy
//
// It leaves to others whose numbers may be shown to whom (call) and which rules there are (policy). It does no I/O.
package header

import (
	"strings"

	"github.com/emiago/sipgo/sip"
)

// Message is a request or a response.
type Message interface{ Headers() []sip.Header }

// Place is a kind of message, as far as it decides what may stand in it.
type Place uint8

// The places.
const (
	Invite  Place = iota // an INVITE, within a dialog too
	Ringing              // a provisional response to an INVITE
	Answer               // a 2xx to an INVITE
	Failure              // a final response to an INVITE that is no 2xx
	Bye
	Cancel
)

// field is one header field that passes, and how it is written afresh.
type field struct {
	name  string
	fresh func([]string) []string
}

// passing are the fields that pass in a place, by what the RFCs allow there.
func passing(p Place) []field {
	alert, call := field{"Alert-Info", alertInfo}, field{"Call-Info", callInfo}
	early, user := field{"P-Early-Media", earlyMedia}, field{"User-to-User", userToUser}
	switch p {
	case Invite:
		return []field{alert, call, early, user}
	case Ringing: // RFC 6432 for Reason in responses
		return []field{alert, call, early, user, {"Reason", releases}}
	case Answer:
		return []field{call, user}
	case Failure:
		return []field{user, {"Reason", releases}}
	case Bye:
		return []field{user, {"Reason", reasons}}
	case Cancel:
		return []field{{"Reason", reasons}}
	}
	return nil
}

// Carry returns what passes of a message, written afresh. What cannot be read, or says nothing without what it must not
// say, is left out.
func Carry(m Message, p Place) []sip.Header {
	var out []sip.Header
	for _, f := range passing(p) {
		for _, v := range f.fresh(Values(m, f.name)) {
			out = append(out, sip.NewHeader(f.name, v))
		}
	}
	return out
}

// named tells whether a field has this name, in any case, or its short form. Identity is the only field read here that has
// one (RFC 8224 §4).
func named(h sip.Header, name string) bool {
	n := h.Name()
	return len(n) == len(name) && strings.EqualFold(n, name) || strings.EqualFold(n, "y") && strings.EqualFold(name, "Identity")
}

// Values are the values of the fields of that name, in any case.
func Values(m Message, name string) []string {
	var values []string
	for _, h := range m.Headers() {
		if named(h, name) {
			values = append(values, h.Value())
		}
	}
	return values
}
