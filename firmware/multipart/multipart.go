// Package multipart takes the session description out of a SIP body with several parts (RFC 5621, RFC 2046 §5.1), as
// emergency calls have that bring a location (RFC 6442), and calls from telephone networks that bring ISUP (RFC 3204).
//
//	mixed, related, ...  the one part that is application/sdp for the session
//	alternative          the last such part
//	other parts          left out; one that says handling=required is an error
//
// Reading is bounded and strict: what one reader could take for a boundary and another for text is refused, so that the box
// acts on what everybody else would. It is pure. It leaves to others what the description says (sdp) and what a call with a
// part that must be understood comes to (call).
package multipart

import (
	"bytes"
	"errors"
	"fmt"
	"mime"
	"strings"
)

// Bounds of what is read. Real bodies have two or three parts with as many fields each.
const (
	maxParts  = 8
	maxFields = 16
	maxHeader = 2048 // bytes, of one part
)

// ErrRequired says that a part has to be understood (RFC 3261 §20.11) and is not. The description comes all the same.
var ErrRequired = errors.New("a part of the body must be understood")

// Is tells whether a Content-Type is that of several parts.
func Is(contentType string) bool {
	const prefix = "multipart/"
	contentType = strings.TrimLeft(contentType, " \t")
	return len(contentType) > len(prefix) && strings.EqualFold(contentType[:len(prefix)], prefix)
}

// Description returns the session description in a body of several parts, as a slice of it; nil when there is none.
func Description(contentType string, body []byte) ([]byte, error) {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return nil, fmt.Errorf("the type of the body cannot be read: %w", err)
	}
	raw, err := split(body, params["boundary"])
	if err != nil {
		return nil, err
	}
	parts := make([]part, len(raw))
	for i, b := range raw {
		if parts[i], err = read(b); err != nil {
			return nil, err
		}
	}
	return choose(parts, kind == "multipart/alternative")
}

// choose finds the description among the parts, and who has to be understood besides.
func choose(parts []part, alternative bool) (found []byte, err error) {
	required := ""
	for _, p := range parts {
		switch {
		case !p.description():
			if p.required && required == "" {
				required = p.kind
			}
		case p.encoded:
			return nil, errors.New("the session description is encoded")
		case found != nil && !alternative:
			return nil, errors.New("the body has two session descriptions")
		default:
			found = p.body
		}
	}
	if required != "" && (!alternative || found == nil) {
		return found, fmt.Errorf("%w: %.64q", ErrRequired, required)
	}
	return found, nil
}

// part is one part of a body.
type part struct {
	kind        string // media type, in lower case; "" when it cannot be read
	disposition string // in lower case; "" when it is not said
	required    bool   // it says handling=required
	encoded     bool   // it is not as it stands
	body        []byte
}

// description tells whether the part describes the session, and not something else such as early media (RFC 3959).
func (p part) description() bool {
	return p.kind == "application/sdp" && (p.disposition == "" || p.disposition == "session")
}

// read parses the header of a part (RFC 2046 §5.1: fields, if any, and an empty line).
func read(b []byte) (part, error) {
	p := part{kind: "text/plain"}
	header, body := cutHeader(b)
	if len(header) > maxHeader {
		return p, fmt.Errorf("the header of a part of the body has more than %d bytes", maxHeader)
	}
	p.body = body
	seen := map[string]bool{}
	for _, field := range fieldsOf(header) {
		name, value, ok := strings.Cut(field, ":")
		name = strings.ToLower(strings.TrimRight(name, " \t"))
		if !ok || name == "" || strings.ContainsAny(name, " \t\r\n") || seen[name] || len(seen) == maxFields {
			return p, errors.New("the header of a part of the body cannot be read")
		}
		seen[name] = true
		p.field(name, strings.TrimSpace(value))
	}
	return p, nil
}

// cutHeader parts the header from the body. A part that begins with the empty line has no header, and one without that line
// no body.
func cutHeader(b []byte) (header, body []byte) {
	if rest, none := bytes.CutPrefix(b, []byte("\r\n")); none {
		return nil, rest
	}
	header, body, _ = bytes.Cut(b, []byte("\r\n\r\n"))
	return bytes.TrimSuffix(header, []byte("\r\n")), body
}

// fieldsOf splits a header into its fields, folded lines joined.
func fieldsOf(header []byte) []string {
	if len(header) == 0 {
		return nil
	}
	text := strings.NewReplacer("\r\n ", " ", "\r\n\t", " ").Replace(string(header))
	return strings.Split(text, "\r\n")
}

// field notes what counts of a field.
func (p *part) field(name, value string) {
	switch name {
	case "content-type":
		p.kind, _, _ = mime.ParseMediaType(value)
	case "content-disposition":
		kind, params, _ := mime.ParseMediaType(value)
		p.disposition, p.required = kind, strings.EqualFold(params["handling"], "required")
	case "content-transfer-encoding":
		switch strings.ToLower(value) {
		case "7bit", "8bit", "binary":
		default:
			p.encoded = true
		}
	}
}
