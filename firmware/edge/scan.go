package edge

import "bytes"

// Caps on one message, in bytes and fields. Real messages stay far below: a long INVITE has 3,000 bytes and 40 fields.
const (
	maxMessage   = 65535 // what one datagram can hold, and the parser takes
	maxStartLine = 2048
	maxField     = 8192 // folded lines included
	maxFields    = 128
)

// scanHeader looks for the empty line that ends the header section, reading b from offset from. It returns the offset
// behind that line, or 0 and the offset at which to go on once there is more. Lines end with CRLF and nothing else, and
// there is no other control character but the tab: stricter than RFC 3261 §25.1, which allows them escaped in quoted
// strings (RFC 4475 §3.1.1.2), because a character that one parser takes for the end of a line and the next does not
// smuggles a header through.
func scanHeader(b []byte, from int) (end, next int, f fault) {
	line := lineStart(b, from)
	for i := from; i < len(b); i++ {
		switch c := b[i]; {
		case c == '\r':
			if i+1 == len(b) {
				return 0, i, fault{}
			}
			if b[i+1] != '\n' {
				return 0, i, fault{code: faultBareCR}
			}
			if i == line {
				return i + 2, i + 2, fault{}
			}
			i++
			line = i + 1
		case c == '\n':
			return 0, i, fault{code: faultBareLF}
		case c < ' ' && c != '\t', c == 0x7f:
			return 0, i, fault{code: faultControl}
		}
	}
	return 0, len(b), fault{}
}

// lineStart returns from if a line begins there, else -1: no line that begins before from can be empty.
func lineStart(b []byte, from int) int {
	if from == 0 || from >= 2 && b[from-2] == '\r' && b[from-1] == '\n' {
		return from
	}
	return -1
}

// nextField cuts the first line off a header section that scanHeader has found good, together with the lines folded
// into it (RFC 3261 §7.3.1). An empty field is the end.
func nextField(h []byte) (field, rest []byte) {
	for i := 0; ; {
		j := bytes.IndexByte(h[i:], '\r')
		if j < 0 {
			return nil, nil
		}
		if i += j; i == 0 || i+2 >= len(h) || !blank(h[i+2]) {
			return h[:i], h[min(i+2, len(h)):]
		}
		i++
	}
}

// cutName splits a field at its colon (RFC 3261 §7.3.1: blanks may stand before it). ok is false when there is no name
// made of token characters.
func cutName(field []byte) (name, value []byte, ok bool) {
	i := 0
	for i < len(field) && tokenChar(field[i]) {
		i++
	}
	name = field[:i]
	for i < len(field) && blank(field[i]) {
		i++
	}
	if len(name) == 0 || i == len(field) || field[i] != ':' {
		return nil, nil, false
	}
	return name, trimSpace(field[i+1:]), true
}

// trimSpace removes LWS, folds included, at both ends.
func trimSpace(b []byte) []byte {
	for len(b) > 0 && space(b[0]) {
		b = b[1:]
	}
	for len(b) > 0 && space(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

func blank(c byte) bool { return c == ' ' || c == '\t' }

// space is a blank or part of a fold.
func space(c byte) bool { return blank(c) || c == '\r' || c == '\n' }

func digit(c byte) bool { return '0' <= c && c <= '9' }

func lower(c byte) bool { return 'a' <= c && c <= 'z' }

// tokenChar is the token of RFC 3261 §25.1.
func tokenChar(c byte) bool {
	switch c {
	case '-', '.', '!', '%', '*', '_', '+', '`', '\'', '~':
		return true
	}
	return digit(c) || lower(c) || 'A' <= c && c <= 'Z'
}

func token(b []byte) bool {
	for _, c := range b {
		if !tokenChar(c) {
			return false
		}
	}
	return len(b) > 0
}

// equalFold compares b with s, which is in lower case, ignoring the case of ASCII letters.
func equalFold(b []byte, s string) bool {
	if len(b) != len(s) {
		return false
	}
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != s[i] {
			return false
		}
	}
	return true
}

// number reads decimal digits and nothing else. ok is false when there are none, when there is anything else, or when
// the value is above most.
func number(b []byte, most int) (n int, ok bool) {
	for _, c := range b {
		if !digit(c) {
			return 0, false
		}
		if n = n*10 + int(c-'0'); n > most {
			return 0, false
		}
	}
	return n, len(b) > 0
}
