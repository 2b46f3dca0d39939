package sdp

import "strings"

// line is one "k=value" of a description.
type line struct {
	number int // from 1
	kind   byte
	value  string
}

// split cuts a description into lines. It takes CRLF and bare LF, a last line without either, and empty lines
// (RFC 8866 §5 asks parsers to accept LF). Control characters never pass: they could end a line of ours.
func split(b []byte) ([]line, error) {
	if len(b) > maxBytes {
		return nil, malformed(0, "the description is longer than %d bytes", maxBytes)
	}
	text := string(b) // once; the values are parts of it
	lines := make([]line, 0, min(strings.Count(text, "\n")+1, maxLines))
	number := 0
	for raw := range strings.SplitSeq(text, "\n") {
		if number++; number > maxLines {
			return nil, malformed(0, "the description has more than %d lines", maxLines)
		}
		l, err := readLine(number, strings.TrimSuffix(raw, "\r"))
		if err != nil {
			return nil, err
		}
		if l.kind != 0 {
			lines = append(lines, l)
		}
	}
	if len(lines) == 0 {
		return nil, malformed(0, "the description is empty")
	}
	if v := lines[0]; v.kind != 'v' || strings.TrimSpace(v.value) != "0" {
		return nil, malformed(v.number, "a description starts with v=0 (RFC 8866 §5.1)")
	}
	return lines, nil
}

// readLine reads one line; an empty one has kind 0.
func readLine(number int, s string) (line, error) {
	if strings.TrimSpace(s) == "" {
		return line{}, nil
	}
	if i := strings.IndexFunc(s, isControl); i >= 0 {
		return line{}, malformed(number, "there is a control character at column %d", i+1)
	}
	if len(s) < 2 || s[0] < 'a' || s[0] > 'z' || s[1] != '=' {
		return line{}, malformed(number, "%s is not of the form x=value", quote(s))
	}
	return line{number: number, kind: s[0], value: strings.TrimRight(s[2:], " \t")}, nil
}

func isControl(r rune) bool { return r < 0x20 && r != '\t' || r == 0x7f }

// isToken tells whether s is a token of RFC 8866 §9 and short enough to be repeated.
func isToken(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for _, c := range []byte(s) {
		if !isTokenByte(c) {
			return false
		}
	}
	return true
}

func isTokenByte(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return strings.IndexByte("!#$%&'*+-.^_`{|}~", c) >= 0
}
