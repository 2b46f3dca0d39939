package stir

import (
	"encoding/base64"
	"errors"
	"net/url"
	"strings"
)

// What every PASSporT of ours and of others says of itself (RFC 8225 §4).
const (
	algorithm    = "ES256"
	typePassport = "passport"
)

// Bounds of an Identity field.
const (
	maxField  = 8000
	maxURL    = 512
	signature = 64 // bytes of r and s (RFC 7518 §3.4)
)

// token is one PASSporT as it came.
type token struct {
	Passport
	header joseHeader
	signed string // what the signature is of
	sign   []byte
	info   string // where the certificate is, as the field says it
}

// readToken reads one Identity field (RFC 8224 §4): HEADER.CLAIMS.SIGNATURE;info=<URL>;alg=ES256;ppt=shaken. The short form
// without the first two parts is not read: it depends on Date and on numbers as the signer wrote them.
func readToken(field string) (token, error) {
	if len(field) > maxField {
		return token{}, errors.New("it is too long")
	}
	word, parameters, _ := strings.Cut(strings.TrimSpace(field), ";")
	t := token{}
	parts := strings.Split(strings.TrimSpace(word), ".")
	if len(parts) != 3 || parts[0] == "" || parts[1] == "" {
		return token{}, errors.New("it has not the three parts of a whole one")
	}
	header, err := base64.RawURLEncoding.Strict().DecodeString(parts[0])
	if err != nil {
		return token{}, errors.New("its first part is not base64url")
	}
	payload, err := base64.RawURLEncoding.Strict().DecodeString(parts[1])
	if err != nil {
		return token{}, errors.New("its second part is not base64url")
	}
	if t.sign, err = base64.RawURLEncoding.Strict().DecodeString(parts[2]); err != nil || len(t.sign) != signature {
		return token{}, errors.New("its third part is no signature of ES256")
	}
	if t.header, err = readHeader(header); err != nil {
		return token{}, err
	}
	t.signed = parts[0] + "." + parts[1]
	if err := t.readParameters(parameters); err != nil {
		return token{}, err
	}
	if !t.known() {
		return t, nil // its claims are not ours to read
	}
	t.Passport, err = readClaims(payload, t.header.PPT)
	return t, err
}

// readParameters reads what stands behind the PASSporT. alg and ppt repeat its header and must not contradict it
// (RFC 8224 §4.1, §6.2.2).
func (t *token) readParameters(s string) error {
	for s != "" {
		var one string
		one, s = nextParameter(s)
		name, value, _ := strings.Cut(one, "=")
		value = strings.Trim(strings.TrimSpace(value), `"`)
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "info":
			t.info = strings.TrimSuffix(strings.TrimPrefix(value, "<"), ">")
		case "alg":
			if value != t.header.Alg {
				return errors.New("its alg is not that of the PASSporT")
			}
		case "ppt":
			if value != t.header.PPT {
				return errors.New("its ppt is not that of the PASSporT")
			}
		}
	}
	return nil
}

// nextParameter cuts s at the next semicolon that is not in the URL.
func nextParameter(s string) (one, rest string) {
	within := false
	for i := range len(s) {
		switch s[i] {
		case '<':
			within = true
		case '>':
			within = false
		case ';':
			if !within {
				return s[:i], s[i+1:]
			}
		}
	}
	return s, ""
}

// known tells whether the PASSporT is of a kind that is judged here.
func (t *token) known() bool { return t.header.PPT == kindShaken || t.header.PPT == kindDiv }

// checkForm tells what of a PASSporT is wrong whatever call it came with (RFC 8224 §6.2, RFC 8225 §4, §8).
func (t *token) checkForm() *fault {
	h := t.header
	switch {
	case h.Alg != algorithm:
		return faultf(StatusUnsupported, "it is signed by %q, and ES256 is the only algorithm", clip(h.Alg))
	case h.Typ != typePassport:
		return faultf(StatusInvalid, "its type is %q and not passport", clip(h.Typ))
	case t.info == "":
		return faultf(StatusInfo, "it does not say where its certificate is")
	case h.X5U != t.info:
		return faultf(StatusInfo, "its x5u and its info name different certificates")
	}
	if err := CheckURL(h.X5U); err != nil {
		return faultf(StatusInfo, "%v", err)
	}
	switch {
	case h.PPT == kindShaken && t.Attest != Full && t.Attest != Partial && t.Attest != Gateway:
		return faultf(StatusInvalid, "its attestation is %q, and there are A, B and C", clip(string(t.Attest)))
	case h.PPT == kindShaken && t.OrigID == "":
		return faultf(StatusInvalid, "it has no origid")
	}
	return nil
}

// CheckURL tells why a certificate is not to be fetched from there; nil when it may be. Only https is (RFC 8226 §9).
func CheckURL(s string) error {
	u, err := url.Parse(s)
	switch {
	case err != nil || len(s) > maxURL || strings.Trim(s, printable) != "":
		return errors.New("where its certificate is cannot be read")
	case u.Scheme != "https":
		return errors.New("its certificate is not offered by https")
	case u.Hostname() == "" || u.User != nil || u.Fragment != "":
		return errors.New("where its certificate is names no plain host")
	}
	return nil
}

// printable are the characters of a URL (RFC 3986 §2) that can stand in a header field without harm.
const printable = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:/?[]@!$&'()*+,=%"

// clip shortens a word of somebody else's for a sentence.
func clip(s string) string {
	const most = 20
	return s[:min(len(s), most)]
}
