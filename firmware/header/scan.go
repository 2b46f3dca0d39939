package header

import (
	"strings"
	"unicode/utf8"
)

// Bounds of what is looked at.
const (
	maxValue  = 8192 // bytes of one field
	maxParams = 16
)

// entry is one value of a list: "name" <uri>;param=value, or word;param=value.
type entry struct {
	word   string // the URI, or what else stands before the parameters
	uri    bool   // word stood between angle brackets
	params []param
}

// param is one parameter: its name in lower case, its value without quotes.
type param struct{ name, value string }

// get returns the value of a parameter.
func (e entry) get(name string) (string, bool) {
	for _, p := range e.params {
		if p.name == name {
			return p.value, true
		}
	}
	return "", false
}

// entries reads comma-separated values (RFC 3261 §7.3.1), at most this many. Those that cannot be read are left out.
func entries(values []string, most int) []entry {
	var list []entry
	for _, v := range values {
		if len(v) > maxValue || !clean(v) {
			continue
		}
		parts, ok := split(v, ',')
		if !ok {
			continue
		}
		for _, part := range parts {
			if len(list) == most {
				return list
			}
			if e, ok := readEntry(part); ok {
				list = append(list, e)
			}
		}
	}
	return list
}

// clean tells whether s is UTF-8 without control characters.
func clean(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) < 0
}

// split parts s outside quotes and angle brackets and trims the parts; false when a quote or a bracket is not closed.
func split(s string, sep byte) ([]string, bool) {
	var parts []string
	start, quoted, angled := 0, false, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"' && !angled:
			quoted = !quoted
		case quoted:
		case c == '<' && !angled:
			angled = true
		case c == '>':
			angled = false
		case c == sep && !angled:
			parts = append(parts, strings.Trim(s[start:i], " \t"))
			start = i + 1
		}
	}
	return append(parts, strings.Trim(s[start:], " \t")), !quoted && !angled
}

func readEntry(s string) (entry, bool) {
	parts, ok := split(s, ';')
	if !ok || s == "" || len(parts) > maxParams+1 {
		return entry{}, false
	}
	e := entry{word: parts[0]}
	if open := bracket(parts[0]); open >= 0 {
		if !strings.HasSuffix(parts[0], ">") {
			return entry{}, false
		}
		e.word, e.uri = strings.Trim(parts[0][open+1:len(parts[0])-1], " \t"), true
	}
	for _, p := range parts[1:] {
		read, ok := readParam(p)
		if !ok {
			return entry{}, false
		}
		e.params = append(e.params, read)
	}
	return e, true
}

// bracket is the place of the angle bracket behind a display name, or -1.
func bracket(s string) int {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == '<' && !quoted:
			return i
		}
	}
	return -1
}

// readParam reads name, name=token or name="quoted string".
func readParam(s string) (param, bool) {
	name, value, _ := strings.Cut(s, "=")
	p := param{strings.ToLower(strings.Trim(name, " \t")), strings.Trim(value, " \t")}
	if !word(p.name, 64) {
		return param{}, false
	}
	if strings.HasPrefix(p.value, `"`) {
		if len(p.value) < 2 || !strings.HasSuffix(p.value, `"`) {
			return param{}, false
		}
		p.value = unquote(p.value[1 : len(p.value)-1])
	}
	return p, true
}

// unquote undoes the backslashes of a quoted string (RFC 3261 §25.1).
func unquote(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// word tells whether s is made of letters, digits, dashes and underscores: neither a host with a dot in it nor an address.
func word(s string, most int) bool {
	return s != "" && len(s) <= most && strings.IndexFunc(s, func(r rune) bool { return !wordRune(r) }) < 0
}

func wordRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_'
}

// number reads a whole number in plain digits, at most this much.
func number(s string, most int) (int, bool) {
	n := 0
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		if n = n*10 + int(s[i]-'0'); n > most {
			return 0, false
		}
	}
	return n, s != ""
}

// user is whom a URI means: the user part of a sip or sips URI with its parameters, or a tel URI whole (RFC 3966).
func user(uri string) (string, bool) {
	scheme, rest, ok := strings.Cut(uri, ":")
	if !ok {
		return "", false
	}
	switch strings.ToLower(scheme) {
	case "tel":
		return uri, rest != ""
	case "sip", "sips":
		u, _, named := strings.Cut(rest, "@")
		return u, named && u != ""
	}
	return "", false
}

// uriParam is a parameter of a URI, in its user part or behind its host; "" when it has none.
func uriParam(uri, name string) string {
	uri, _, _ = strings.Cut(uri, "?")
	for _, p := range strings.Split(uri, ";")[1:] {
		n, v, _ := strings.Cut(p, "=")
		v, _, _ = strings.Cut(v, "@")
		if strings.EqualFold(n, name) {
			return v
		}
	}
	return ""
}
