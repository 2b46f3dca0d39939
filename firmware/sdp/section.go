package sdp

import (
	"strconv"
	"strings"
)

// section is one m= line with what follows it, in order.
type section struct {
	line       int
	kind       string // "audio", "video" ...
	proto      string // as written
	port       uint16
	ports      int // "m=audio 5004/2": 2
	formats    []string
	connection *connection
	shares     shares
	attributes []attribute
}

// usualAttributes is what the section of an ordinary telephone has room for from the start.
const usualAttributes = 8

// attribute is one a= line. Names are lower-cased: RFC 8866 §5.13 has them case-sensitive, phones do not.
type attribute struct {
	line        int
	name, value string
}

func readAttribute(l line) attribute {
	name, value, _ := strings.Cut(l.value, ":")
	return attribute{line: l.number, name: strings.ToLower(strings.TrimSpace(name)), value: strings.TrimSpace(value)}
}

// readSection reads "m=<media> <port>[/<ports>] <proto> <fmt> ..." (RFC 8866 §5.14). The words are repeated when the
// stream is rejected, so that they must be tokens.
func readSection(l line) (section, error) {
	words := strings.Fields(l.value)
	if len(words) < 3 {
		return section{}, malformed(l.number, "m=%s lacks a port or a transport", quote(l.value))
	}
	s := section{attributes: make([]attribute, 0, usualAttributes), line: l.number, kind: strings.ToLower(words[0]), proto: words[2], formats: words[3:], ports: 1}
	if err := s.readPort(words[1]); err != nil {
		return section{}, err
	}
	if len(s.formats) > maxFormats {
		return section{}, unacceptable(l.number, "the stream lists more than %d formats", maxFormats)
	}
	if len(s.formats) == 0 && s.port != 0 {
		return section{}, malformed(l.number, "the stream lists no format")
	}
	return s, s.checkWords()
}

func (s *section) readPort(word string) error {
	port, count, many := strings.Cut(word, "/")
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return malformed(s.line, "%s is not a port", quote(word))
	}
	s.port = uint16(n)
	if !many {
		return nil
	}
	if s.ports, err = strconv.Atoi(count); err != nil || s.ports < 1 {
		return malformed(s.line, "%s is not a port", quote(word))
	}
	return nil
}

func (s *section) checkWords() error {
	for part := range strings.SplitSeq(s.proto, "/") {
		if !isToken(part) {
			return malformed(s.line, "%s is not a token", quote(part))
		}
	}
	for _, w := range s.formats {
		if !isToken(w) {
			return malformed(s.line, "%s is not a token", quote(w))
		}
	}
	if !isToken(s.kind) {
		return malformed(s.line, "%s is not a token", quote(s.kind))
	}
	return nil
}

// spoken tells whether the section is an active audio stream of a transport that Tollgate speaks.
func (s *section) spoken() bool {
	_, ok := protocolOf(s.proto)
	return s.kind == "audio" && s.port != 0 && ok
}

// handshakes tells whether the section's keys are made by DTLS.
func (s *section) handshakes() bool {
	p, _ := protocolOf(s.proto)
	return isDTLS(p)
}

// attribute returns the first attribute of a name.
func (s *section) attribute(name string) (attribute, bool) {
	for _, a := range s.attributes {
		if a.name == name {
			return a, true
		}
	}
	return attribute{}, false
}
