package numbering

import (
	"errors"
	"fmt"
	"strings"
)

// The number of digits of an E.164 number with its calling code: at most 15 (ITU-T E.164 §6), at least the shortest in use.
const (
	minE164 = 7
	maxE164 = 15
)

// Read reads what somebody in the plan's country dialled: the user part of a SIP URI or a tel URI, in any spelling.
// outsidePrefix is what is dialled for an outside line ("" for none). Digits that make a number both with and without
// that prefix are read without it - dialled behind it, that is - unless they are an emergency number as they stand.
// An emergency service, such as urn:service:sos.police (RFC 5031), is read as its number. The error is a *ReadError.
func (p *Plan) Read(dialled, outsidePrefix string) (Number, error) {
	if name, ok := cutService(dialled); ok {
		return p.service(name), nil
	}
	s, err := spell(dialled)
	if err != nil {
		return Number{}, &ReadError{Dialled: dialled, Problem: err.Error()}
	}
	n, err := p.read(s, outsidePrefix)
	if err != nil {
		return Number{}, &ReadError{Dialled: dialled, Problem: err.Error()}
	}
	return n, nil
}

// ReadFrom reads a number that a peer writes in a format of policy.NumberFormat, whatever its spelling. Peers are not
// consistent: a "+" always means E.164, and the plan's own calling code without it is understood in every format.
// The error is a *ReadError.
func (p *Plan) ReadFrom(digits, format string) (Number, error) {
	s, err := spell(digits)
	if err != nil {
		return Number{}, &ReadError{Dialled: digits, Problem: err.Error()}
	}
	n, err := p.readFrom(s, format)
	if err != nil {
		return Number{}, &ReadError{Dialled: digits, Problem: err.Error()}
	}
	return n, nil
}

func (p *Plan) readFrom(s spelling, format string) (Number, error) {
	if rest, ok := strings.CutPrefix(s.digits, "00"); ok && format == formatDoubleZero && p.exit != "00" && s.bare() {
		if n, err := p.global(rest, s.digits); err == nil {
			return n, nil // 00 whatever the country dials
		}
	}
	n, err := p.read(s, "")
	if err == nil || s.plus || s.context != "" {
		return n, err
	}
	code, _ := p.callingCode(s.digits)
	if format != formatPlain && !p.own[code] {
		return n, err
	}
	if bare, bareErr := p.global(s.digits, s.digits); bareErr == nil {
		return bare, nil
	}
	return n, err
}

func (p *Plan) read(s spelling, outsidePrefix string) (Number, error) {
	// Emergency numbers come first: whatever else is said around the digits, nobody who dials them is refused.
	if pat, ok := p.find(s.digits); ok && pat.class == Emergency {
		return pat.number(s.digits, p.code), nil
	}
	if s.plus {
		return p.global(s.digits, s.digits)
	}
	n, err := p.behind(outsidePrefix, s.digits)
	if s.context == "" {
		return n, err
	}
	return p.within(s, n, err)
}

// within reads digits that are local to a place abroad or at home (RFC 3966 §5.1.5). n and err are what they are when
// dialled here. At home that holds, or else the context is a prefix; abroad only the latter.
func (p *Plan) within(s spelling, n Number, err error) (Number, error) {
	code, _ := p.callingCode(s.context)
	if p.own[code] && err == nil {
		return n, nil
	}
	if !p.own[code] && s.digits[0] == '0' {
		return Number{}, fmt.Errorf("within +%s it can only be read when written with its calling code", s.context)
	}
	return p.global(s.context+s.digits, s.digits)
}

// behind reads digits dialled behind the outside-line prefix, or without it where they make no number behind it.
func (p *Plan) behind(outsidePrefix, digits string) (Number, error) {
	rest, ok := strings.CutPrefix(digits, outsidePrefix)
	if !ok || outsidePrefix == "" || rest == "" {
		return p.dialled(digits)
	}
	n, err := p.dialled(rest)
	if err == nil {
		return n, nil
	}
	if n, asItStands := p.dialled(digits); asItStands == nil {
		return n, nil
	}
	return Number{}, fmt.Errorf("after the outside-line prefix %s, %w", outsidePrefix, err)
}

// dialled reads digits as a telephone in the country dials them.
func (p *Plan) dialled(digits string) (Number, error) {
	if pat, ok := p.find(digits); ok {
		return pat.number(digits, p.code), nil
	}
	for _, prefix := range p.abroad {
		if rest, ok := strings.CutPrefix(digits, prefix); ok {
			return p.global(rest, digits)
		}
	}
	if !p.complete {
		return Number{}, fmt.Errorf("the numbers within %s are not known here; dial them with +%s or %s%s",
			p.name, p.code, p.exit, p.code)
	}
	return Number{}, fmt.Errorf("no number in %s looks like it (%d digits, beginning with %s)",
		p.name, len(digits), digits[:min(len(digits), 3)])
}

// global reads a number with its calling code.
func (p *Plan) global(e164, dialled string) (Number, error) {
	code, class := p.callingCode(e164)
	if code == "" {
		return Number{}, fmt.Errorf("no calling code in use begins +%s", e164[:min(len(e164), 3)])
	}
	rest := e164[len(code):]
	if p.own[code] {
		if n, ok := p.home(code, rest); ok {
			if n.E164 != "" {
				n.Digits = dialled
			}
			return n, nil
		}
	}
	if p.complete && code == metropole {
		return Number{}, fmt.Errorf("no French number looks like it behind +33: nine digits are expected, not %s", rest)
	}
	if code == japan { // "+81 (0)3": no number there begins with 0, and 810 is how Russia and others dial abroad
		e164 = code + strings.TrimLeft(rest, "0")
	}
	if err := plausible(code, e164); err != nil {
		return Number{}, err
	}
	if code == p.code && !p.complete {
		class = National // the generic plan does not tell them apart
	}
	if p.own[code] && p.complete {
		class = p.surcharged(rest, class)
	}
	return Number{E164: "+" + e164, Digits: dialled, Class: class, CallingCode: code}, nil
}

// plausible tells what is wrong with the length of an international number.
func plausible(code, e164 string) error {
	if len(e164) < minE164 || len(e164) > maxE164 {
		return fmt.Errorf("an international number has %d to %d digits with its calling code, this one %d",
			minE164, maxE164, len(e164))
	}
	// The only plan abroad whose length matters here: +1 followed by 1 would read back as the prefix 0011 of Australia.
	if code == "1" && (len(e164) != 11 || e164[1] < '2') {
		return errors.New("behind +1 ten digits are expected, the first of them 2 to 9")
	}
	return nil
}

// home reads what follows one of the country's own calling codes with the national patterns.
func (p *Plan) home(code, rest string) (Number, bool) {
	if pat, ok := p.find(rest); ok && pat.code == "" {
		return pat.number(rest, p.code), true
	}
	if p.complete && len(rest) == 10 && rest[0] == '0' {
		rest = rest[1:] // "+33 (0)1 23 45 67 89"
	}
	if n, ok := p.national(code, rest); ok {
		return n, true
	}
	if code != metropole {
		return Number{}, false
	}
	pat, ok := p.find("0" + rest)
	if !ok || pat.code == "" {
		return Number{}, false
	}
	return pat.number("0"+rest, p.code), true
}

// national finds how an E.164 number of the country is dialled in it.
func (p *Plan) national(code, rest string) (Number, bool) {
	for _, pat := range p.patterns {
		if pat.code != code || pat.keep != len(rest) || !pat.fits(pat.head+rest) {
			continue
		}
		first, _ := p.find(pat.head + rest)
		if n := first.number(pat.head+rest, p.code); n.E164 == "+"+code+rest {
			return n, true
		}
	}
	return Number{}, false
}

// surcharged gives the overseas numbers that begin with 8 the class they have in metropolitan France: the special rates
// are the same everywhere, and a premium number must not hide behind another calling code.
func (p *Plan) surcharged(rest string, class Class) Class {
	if rest[0] != '8' {
		return class
	}
	if pat, ok := p.find("0" + rest); ok {
		return pat.class
	}
	return Premium
}

// find returns the first pattern that fits digits.
func (p *Plan) find(digits string) (pattern, bool) {
	for _, pat := range p.patterns {
		if pat.fits(digits) {
			return pat, true
		}
	}
	return pattern{}, false
}

// callingCode returns the calling code that digits begin with, "" when none in use does. No code begins another.
func (p *Plan) callingCode(digits string) (string, Class) {
	for n := 1; n <= 3 && n <= len(digits); n++ {
		if class, ok := p.codes[digits[:n]]; ok {
			return digits[:n], class
		}
	}
	return "", Unknown
}
