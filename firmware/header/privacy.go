package header

import "strings"

// Privacy is what a caller wants hidden (RFC 3323 §4.2, RFC 3325 §9.3, RFC 7044 §10.1).
type Privacy struct {
	Caller  bool // id, user or full: who calls
	History bool // history, header or full: by whom the call has come
	None    bool // expressly nothing
}

// ReadPrivacy reads the Privacy of a message.
func ReadPrivacy(m Message) Privacy {
	var p Privacy
	for _, v := range Values(m, "Privacy") {
		for _, w := range strings.FieldsFunc(strings.ToLower(v), func(r rune) bool { return r == ';' || r == ',' || r == ' ' || r == '\t' }) {
			p.Caller = p.Caller || w == "id" || w == "user" || w == "full"
			p.History = p.History || w == "history" || w == "header" || w == "full"
			p.None = p.None || w == "none"
		}
	}
	return p
}
