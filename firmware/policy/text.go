package policy

import (
	"bytes"
	"fmt"
	"unicode"
	"unicode/utf8"
)

// MaxDocument is the largest document Parse reads, in bytes.
const MaxDocument = 1 << 20

// readText checks the bytes before anything interprets them: size, encoding, no control characters. It removes a byte
// order mark and turns the line ends of Windows into line feeds, so that certificates and lines mean the same everywhere.
func readText(doc []byte) (string, Faults) {
	if len(doc) > MaxDocument {
		return "", Faults{{Problem: fmt.Sprintf("the document has %d bytes where %d are the most", len(doc), MaxDocument)}}
	}
	doc = bytes.TrimPrefix(doc, []byte("\uFEFF"))
	doc = bytes.ReplaceAll(doc, []byte("\r\n"), []byte("\n"))
	line, column := 1, 1
	for rest := doc; len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		if problem := strangeRune(r, size); problem != "" {
			return "", Faults{{Line: line, Column: column, Problem: problem, Hint: "save the document as plain UTF-8 text"}}
		}
		rest = rest[size:]
		column++
		if r == '\n' {
			line, column = line+1, 1
		}
	}
	return string(doc), nil
}

// strangeRune says why a character has no place in a document, or nothing. U+2028 and its kind count as line ends for
// some programs and not for others, so that two readers would see two documents.
func strangeRune(r rune, size int) string {
	switch {
	case r == utf8.RuneError && size == 1:
		return "the text is not UTF-8"
	case r == '\n', r == '\t':
		return ""
	case unicode.IsControl(r), r == '\u2028', r == '\u2029', r == '\uFEFF':
		return fmt.Sprintf("the control character %U stands here", r)
	}
	return ""
}
