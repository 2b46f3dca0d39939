package header

import (
	"slices"
	"strings"
)

// Assertion is who calls, as P-Asserted-Identity or P-Preferred-Identity says it (RFC 3325 §9).
type Assertion struct {
	User    string // a user part, or a tel URI
	Verstat string // what the carrier's check of the number's signature gave (3GPP TS 24.229 §7.2A.20); "": it does not say
}

// maxAssertions is one as a sip URI and one as a tel URI (RFC 3325 §9.1).
const maxAssertions = 2

// Assertions reads the fields of that name.
func Assertions(m Message, name string) []Assertion { return assertions(Values(m, name)) }

func assertions(values []string) []Assertion {
	var list []Assertion
	for _, e := range entries(values, maxAssertions) {
		if u, ok := user(e.word); ok {
			list = append(list, Assertion{User: u, Verstat: verstat(e)})
		}
	}
	return list
}

// verstats are the words of 3GPP TS 24.229 §7.2A.20.3 and those of ATIS-1000074.
func verstats() []string {
	return []string{"TN-Validation-Passed", "TN-Validation-Passed-A", "TN-Validation-Passed-B", "TN-Validation-Passed-C",
		"TN-Validation-Failed", "TN-Validation-Failed-A", "TN-Validation-Failed-B", "TN-Validation-Failed-C", "No-TN-Validation"}
}

// verstat finds the word in the URI or, where carriers put it too, behind it.
func verstat(e entry) string {
	v := uriParam(e.word, "verstat")
	if v == "" {
		v, _ = e.get("verstat")
	}
	at := slices.IndexFunc(verstats(), func(known string) bool { return strings.EqualFold(v, known) })
	if at < 0 {
		return ""
	}
	return verstats()[at]
}

// Bounds of Identity.
const (
	maxIdentities = 6 // one of the call, one for each diversion (RFC 8946)
	maxToken      = 6000
)

// Identities reads the Identity fields of a message and writes them afresh (RFC 8224 §4): a whole PASSporT, where its
// certificate is, and by which rules it was made. The short form is left out, since it means nothing without the Date
// and the numbers as the signer wrote them.
func Identities(m Message) []string {
	var out []string
	for _, e := range entries(Values(m, "Identity"), maxIdentities) {
		where, _ := e.get("info")
		where = strings.TrimSuffix(strings.TrimPrefix(where, "<"), ">")
		if e.uri || !passport(e.word) || !certificateURL(where) {
			continue
		}
		v := e.word + ";info=<" + where + ">"
		for _, name := range []string{"alg", "ppt"} {
			if value, ok := e.get(name); ok && word(value, 40) {
				v += ";" + name + "=" + value
			}
		}
		out = append(out, v)
	}
	return out
}

// passport tells whether s is three parts in base64url (RFC 8225 §3, RFC 7515 §7.1).
func passport(s string) bool {
	parts := strings.Split(s, ".")
	return len(s) <= maxToken && len(parts) == 3 && word(parts[0], maxToken) && word(parts[1], maxToken) && word(parts[2], maxToken)
}

// certificateURL tells whether s is an https URL in plain characters.
func certificateURL(s string) bool {
	rest, ok := strings.CutPrefix(s, "https://")
	return ok && rest != "" && len(s) <= 512 && strings.IndexFunc(rest, func(r rune) bool {
		return !wordRune(r) && !strings.ContainsRune("./:%~=&?+", r)
	}) < 0
}
