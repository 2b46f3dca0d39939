package stir

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// The kinds of PASSporT that are made and judged.
const (
	kindShaken = "shaken" // RFC 8588
	kindDiv    = "div"    // RFC 8946
)

// Passport is what a signature says (RFC 8225 §5). Numbers are in canonical form.
type Passport struct {
	Orig   string
	Dest   []string
	Issued time.Time // to the second
	// Attest and OrigID are of who has first signed the call (RFC 8588 §4, §5); "" in one for a diversion.
	Attest Attestation
	OrigID string // names whom the call came from, without saying who that is
	// Div is the number that has sent the call on (RFC 8946 §4.1); "" in a call's first one.
	Div string
}

// kind is the ppt that a PASSporT is written with.
func (p Passport) kind() string {
	if p.Div != "" {
		return kindDiv
	}
	return kindShaken
}

// The two parts of a PASSporT as they are written. The order of the fields is that of RFC 8225 §9: by their names.
type (
	joseHeader struct {
		Alg string `json:"alg"`
		PPT string `json:"ppt"`
		Typ string `json:"typ"`
		X5U string `json:"x5u"`
	}
	claims struct {
		Attest Attestation `json:"attest,omitempty"`
		Dest   telephones  `json:"dest"`
		Div    *telephone  `json:"div,omitempty"`
		Iat    int64       `json:"iat"`
		Orig   telephone   `json:"orig"`
		OrigID string      `json:"origid,omitempty"`
	}
	telephone struct {
		TN string `json:"tn"`
	}
	telephones struct {
		TN []string `json:"tn"`
	}
)

// encode writes header and claims as RFC 8225 §9 wants them: compact, by name, slashes and ampersands as they are.
func (p Passport) encode(url string) (header, payload []byte, err error) {
	c := claims{Attest: p.Attest, Dest: telephones{p.Dest}, Iat: p.Issued.Unix(), Orig: telephone{p.Orig}, OrigID: p.OrigID}
	if p.Div != "" {
		c.Div = &telephone{p.Div}
	}
	if header, err = compact(joseHeader{Alg: algorithm, PPT: p.kind(), Typ: typePassport, X5U: url}); err != nil {
		return nil, nil, err
	}
	payload, err = compact(c)
	return header, payload, err
}

func compact(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// object is one JSON object whose names are told apart by case, which decoding into a struct does not do.
type object map[string]json.RawMessage

func readObject(b []byte) (object, error) {
	var o object
	if err := json.Unmarshal(b, &o); err != nil {
		return nil, errors.New("it is no JSON object")
	}
	return o, nil
}

// text is a member that is a string; "" when there is none.
func (o object) text(name string) (string, error) {
	var s string
	if raw, ok := o[name]; ok {
		if raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
			return "", fmt.Errorf("%s is no text", name)
		}
	}
	return s, nil
}

// readHeader reads the first part of a PASSporT (RFC 8225 §4).
func readHeader(b []byte) (joseHeader, error) {
	o, err := readObject(b)
	if err != nil {
		return joseHeader{}, err
	}
	if _, critical := o["crit"]; critical { // RFC 7515 §4.1.11
		return joseHeader{}, errors.New("it wants something understood that is not known here")
	}
	var h joseHeader
	for name, to := range map[string]*string{"alg": &h.Alg, "ppt": &h.PPT, "typ": &h.Typ, "x5u": &h.X5U} {
		if *to, err = o.text(name); err != nil {
			return joseHeader{}, err
		}
	}
	return h, nil
}

// readClaims reads the second part of a PASSporT of one kind (RFC 8225 §5). What belongs to the other kind is not read: a
// certificate that speaks for one number must not sign a call of another by naming the first as one that sent it on.
func readClaims(b []byte, kind string) (Passport, error) {
	o, err := readObject(b)
	if err != nil {
		return Passport{}, err
	}
	var p Passport
	var iat int64
	if json.Unmarshal(o["iat"], &iat) != nil || iat <= 0 || iat > maxIat {
		return Passport{}, errors.New("it does not say when it was made")
	}
	p.Issued = time.Unix(iat, 0)
	if p.Orig, err = o.number("orig"); err != nil {
		return Passport{}, err
	}
	if p.Dest, err = o.numbers("dest"); err != nil {
		return Passport{}, err
	}
	if kind == kindDiv {
		p.Div, err = o.number("div")
		return p, err
	}
	attest, err := o.text("attest")
	if err != nil {
		return Passport{}, err
	}
	p.Attest = Attestation(attest)
	p.OrigID, err = o.text("origid")
	return p, err
}

// Bounds of the claims.
const (
	maxIat  = 1 << 40 // seconds; beyond it arithmetic of times would be wrong
	maxDest = 16
)

// number reads a claim about one telephone number.
func (o object) number(name string) (string, error) {
	inner, err := readObject(o[name])
	if err != nil {
		return "", fmt.Errorf("%s is missing", name)
	}
	tn, err := inner.text("tn")
	if err != nil || Canonical(tn) == "" {
		return "", fmt.Errorf("%s is no telephone number", name)
	}
	return Canonical(tn), nil
}

// numbers reads a claim about several of them (RFC 8225 §5.2.1).
func (o object) numbers(name string) ([]string, error) {
	inner, err := readObject(o[name])
	if err != nil {
		return nil, fmt.Errorf("%s is missing", name)
	}
	var list []string
	if json.Unmarshal(inner["tn"], &list) != nil || len(list) == 0 || len(list) > maxDest {
		return nil, fmt.Errorf("%s is no list of telephone numbers", name)
	}
	for i, tn := range list {
		if list[i] = Canonical(tn); list[i] == "" {
			return nil, fmt.Errorf("%s is no telephone number", name)
		}
	}
	return list, nil
}

// maxDigits is what a number may have with a portability prefix of five digits behind its country code.
const maxDigits = 20

// Canonical is a number as signatures write it (RFC 8224 §8.3): digits, and of the rest * and #, without "+" and what stands
// between them for the eye; "" for what is no number. The country code has to be there already.
func Canonical(s string) string {
	s = strings.TrimPrefix(s, "+")
	s = strings.NewReplacer("-", "", ".", "", "(", "", ")", "", " ", "").Replace(s)
	if s == "" || len(s) > maxDigits || strings.Trim(s, "0123456789*#") != "" {
		return ""
	}
	return s
}

// same compares numbers in canonical form. French operators may write who is called with the portability prefix of five
// digits behind the country code, which makes 16 of them; it does not change whom the call is for.
func same(a, b string) bool { return a != "" && unported(a) == unported(b) }

func unported(n string) string {
	const country, prefix, whole = "33", 5, 16
	if len(n) == whole && strings.HasPrefix(n, country) {
		return country + n[len(country)+prefix:]
	}
	return n
}
