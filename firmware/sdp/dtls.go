package sdp

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// Setup is who begins a DTLS handshake, seen from the author of the description (RFC 4145 §4, RFC 5763 §5).
type Setup string

// The roles: its author begins, waits, or leaves it to the other, which only an offer can.
const (
	SetupActive  Setup = "active"
	SetupPassive Setup = "passive"
	SetupEither  Setup = "actpass"
)

// Fingerprint is the SHA-256 of a certificate in DER.
type Fingerprint [sha256.Size]byte

// String writes it as descriptions do: pairs of capital hexadecimal digits between colons (RFC 8122 §5).
func (f Fingerprint) String() string {
	pairs := make([]string, len(f))
	for i, b := range f {
		pairs[i] = fmt.Sprintf("%02X", b)
	}
	return strings.Join(pairs, ":")
}

// DTLS is what a handshake goes by.
type DTLS struct {
	// Fingerprints are of the certificates that the author may show; one in what we write.
	Fingerprints []Fingerprint
	Setup        Setup // "" when not said: active in an offer, passive in an answer (RFC 4145 §4.1)
	ICE          *ICE  // nil: the author does without connectivity checks
}

// ofStreams tells whether an attribute at session level counts for the streams too.
func ofStreams(name string) bool {
	return name == "fingerprint" || name == "setup" || name == "ice-ufrag" || name == "ice-pwd" || name == "zrtp-hash" || name == "group"
}

// readDTLS reads a=fingerprint and a=setup of a section, and of the session where the section has none (RFC 8122 §5).
// The error is a *Fault with status 488.
func (d *Description) readDTLS(s *section) (*DTLS, error) {
	t := &DTLS{ICE: d.readICE(s)}
	var others []string
	for _, a := range d.attributesOf(s, "fingerprint") {
		hash, value, _ := strings.Cut(a.value, " ")
		if !strings.EqualFold(hash, "sha-256") { // RFC 8122 §5: SHA-256 must be there; weaker ones prove less than nothing
			others = append(others, hash)
			continue
		}
		f, ok := readFingerprint(value)
		if !ok {
			return nil, unacceptable(a.line, "the fingerprint is not 32 pairs of hexadecimal digits")
		}
		if len(t.Fingerprints) < 8 {
			t.Fingerprints = append(t.Fingerprints, f)
		}
	}
	switch {
	case len(t.Fingerprints) == 0 && len(others) > 0:
		return nil, unacceptable(s.line, "the stream has a fingerprint by %s alone; SHA-256 is needed", quote(strings.Join(others, ", ")))
	case len(t.Fingerprints) == 0:
		return nil, unacceptable(s.line, "the stream is for DTLS and has no fingerprint (RFC 5763 §5)")
	}
	for _, a := range d.attributesOf(s, "setup") {
		t.Setup = Setup(strings.ToLower(a.value))
		if !slices.Contains([]Setup{SetupActive, SetupPassive, SetupEither}, t.Setup) {
			return nil, unacceptable(a.line, "setup %s leaves nobody to begin the handshake", quote(a.value))
		}
	}
	return t, nil
}

// attributesOf returns the attributes of a name: the section's, else the session's.
func (d *Description) attributesOf(s *section, name string) []attribute {
	named := func(all []attribute) (list []attribute) {
		for _, a := range all {
			if a.name == name {
				list = append(list, a)
			}
		}
		return list
	}
	if list := named(s.attributes); len(list) > 0 {
		return list
	}
	return named(d.attributes)
}

func readFingerprint(s string) (f Fingerprint, ok bool) {
	s = strings.TrimSpace(s)
	if len(s) != 3*len(f)-1 {
		return f, false
	}
	for i := range f {
		if i > 0 && s[3*i-1] != ':' {
			return f, false
		}
		if _, err := hex.Decode(f[i:i+1], []byte(s[3*i:3*i+2])); err != nil {
			return f, false
		}
	}
	return f, true
}

// write writes the lines of a description of ours.
func (t *DTLS) write(b *strings.Builder) {
	for _, f := range t.Fingerprints {
		fmt.Fprintf(b, "a=fingerprint:sha-256 %s\r\n", f)
	}
	fmt.Fprintf(b, "a=setup:%s\r\n", t.Setup)
}
