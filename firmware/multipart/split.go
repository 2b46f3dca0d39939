package multipart

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// split cuts a body at its boundary (RFC 2046 §5.1.1). What stands before the first boundary and behind the last is left out.
func split(body []byte, boundary string) ([][]byte, error) {
	if !sound(boundary) {
		return nil, errors.New("the type of the body has no boundary, or one that cannot be")
	}
	dash := []byte("--" + boundary)
	var parts [][]byte
	begin := -1 // of the part that is open
	for from := 0; ; {
		i := bytes.Index(body[from:], dash)
		if i < 0 {
			return nil, errors.New("the body does not end with its boundary")
		}
		at := from + i
		from = at + len(dash)
		switch newLine, sure := lineAt(body, at); {
		case !sure:
			return nil, errors.New("a boundary in the body follows half an end of line")
		case !newLine:
			continue // in the middle of a line
		}
		next, last, ok := endOfLine(body, from)
		switch {
		case !ok || begin < 0 && last:
			return nil, errors.New("a line in the body begins like its boundary and is none")
		case begin >= 0:
			parts = append(parts, body[begin:max(begin, at-2)])
		}
		if last {
			return parts, nil
		}
		if len(parts) == maxParts {
			return nil, fmt.Errorf("the body has more than %d parts", maxParts)
		}
		begin, from = next, next-2 // an empty part: its end of line is that of the next boundary
	}
}

// lineAt tells whether a line begins at i; sure is false when it does for those only who take half a CRLF for one.
func lineAt(b []byte, i int) (newLine, sure bool) {
	switch {
	case i == 0:
		return true, true
	case b[i-1] == '\n':
		crlf := i > 1 && b[i-2] == '\r'
		return crlf, crlf
	}
	return false, b[i-1] != '\r'
}

// endOfLine reads what follows a boundary: nothing but blanks, behind "--" when it is the last, which may end the body.
func endOfLine(b []byte, from int) (next int, last, ok bool) {
	rest, last := bytes.CutPrefix(b[from:], []byte("--"))
	rest = bytes.TrimLeft(rest, " \t")
	next = len(b) - len(rest) + 2
	return next, last, bytes.HasPrefix(rest, []byte("\r\n")) || last && len(rest) == 0
}

// sound tells whether a boundary is one: 1 to 70 of certain characters, the last no blank.
func sound(boundary string) bool {
	if boundary == "" || len(boundary) > 70 || strings.HasSuffix(boundary, " ") {
		return false
	}
	for _, c := range []byte(boundary) {
		letter := '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && strings.IndexByte("'()+_,-./:=? ", c) < 0 {
			return false
		}
	}
	return true
}
