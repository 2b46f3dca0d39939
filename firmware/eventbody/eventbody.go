// Package eventbody reads what notifications tell, and writes it anew in the names of the other side.
//
//	body of a NOTIFY -> read, strictly and within bounds -> fields -> Names -> written afresh
//
// Three packages are known: message-summary (RFC 3842), dialog (RFC 4235) and reg (RFC 3680). Only fields that are known
// pass: whatever else a body holds - extensions, routes, session descriptions, comments - stays behind. XML with a
// document type, with entities of its own or too deep is refused.
//
// It leaves to others what a name is called on the other side (Names), and everything of SIP (notice).
package eventbody

import (
	"errors"
	"fmt"
	"strings"
)

// MaxSize is the longest body that is read, in bytes.
const MaxSize = 32 << 10

// The event packages that are known.
const (
	MessageSummary = "message-summary"
	Dialog         = "dialog"
	Reg            = "reg"
)

// Packages lists the event packages that are known, in the order of the alphabet.
func Packages() []string { return []string{Dialog, MessageSummary, Reg} }

// ContentType is the media type of a package's bodies; false when the package is not known.
func ContentType(event string) (string, bool) {
	t, ok := map[string]string{
		MessageSummary: "application/simple-message-summary",
		Dialog:         "application/dialog-info+xml",
		Reg:            "application/reginfo+xml",
	}[event]
	return t, ok
}

// Names are how those whom a body names are called on the side that will read it.
type Names struct {
	Entity  string                          // URI of the one who is watched
	URI     func(uri string) (string, bool) // a person or number; false when the other side may not know
	Contact func(uri string) string         // where somebody is reached, which is through the box
	Dialog  func(DialogName) (DialogName, bool)
	Alias   func(text string) string // stands for an identifier that the other side may compare and not know
	Display bool                     // whether display names pass
}

// unknownURI stands for somebody whom the other side may not know (RFC 3323 §4.1.1.3).
const unknownURI = "sip:anonymous@anonymous.invalid"

// uri is the other side's name of somebody.
func (n *Names) uri(uri string) string {
	if shown, ok := n.URI(uri); ok {
		return shown
	}
	return unknownURI
}

// Translate reads the body of a package's notification and writes it in the names of the other side. The error says in
// words what is wrong with the body.
func Translate(event string, body []byte, n Names) ([]byte, error) {
	if len(body) > MaxSize {
		return nil, fmt.Errorf("%s: a body of %d bytes is longer than %d", event, len(body), MaxSize)
	}
	var out []byte
	var err error
	switch event {
	case MessageSummary:
		out, err = translate(readSummary, body, &n)
	case Dialog:
		out, err = translate(readDialogInfo, body, &n)
	case Reg:
		out, err = translate(readRegInfo, body, &n)
	default:
		err = errors.New("this event package is not known")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", event, err)
	}
	return out, nil
}

// document is a body that has been read.
type document interface {
	rename(*Names)
	write() ([]byte, error)
}

func translate[D document](read func([]byte) (D, error), body []byte, n *Names) ([]byte, error) {
	d, err := read(body)
	if err != nil {
		return nil, err
	}
	d.rename(n)
	return d.write()
}

// identifier tells whether text can be a Call-ID, a tag or an id: printable ASCII without blanks and what divides header
// fields, not too long (RFC 3261 §25.1, word).
func identifier(text string) bool {
	bad := func(r rune) bool { return r <= ' ' || r >= 0x7f || r == ';' || r == ',' }
	return text != "" && len(text) <= 256 && strings.IndexFunc(text, bad) < 0
}
