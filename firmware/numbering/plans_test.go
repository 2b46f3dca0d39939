package numbering

import (
	"os"
	"strings"
	"testing"
)

// oracle reads testdata/libphonenumber.txt: as dialled, in E.164, type.
func oracle(t *testing.T) [][]string {
	t.Helper()
	text, err := os.ReadFile("testdata/libphonenumber.txt")
	if err != nil {
		t.Fatal(err)
	}
	out := fields(string(text))
	if len(out) < 300 {
		t.Fatalf("only %d numbers", len(out))
	}
	return out
}

func TestAGenericPlanReadsInternationalNumbersAndRefusesNationalOnes(t *testing.T) {
	p, err := For("de")
	if err != nil {
		t.Fatal(err)
	}
	for dialled, want := range map[string]Number{
		"+493012345678":    {E164: "+493012345678", Digits: "493012345678", Class: National, CallingCode: "49"},
		"004930 12345678":  {E164: "+493012345678", Digits: "00493012345678", Class: National, CallingCode: "49"},
		"0033123456789":    {E164: "+33123456789", Digits: "0033123456789", Class: International, CallingCode: "33"},
		"00881612345678":   {E164: "+881612345678", Digits: "00881612345678", Class: Special, CallingCode: "881"},
		"+49112":           {Digits: "112", Class: Emergency, CallingCode: "49"},
		"0 00 33123456789": {E164: "+33123456789", Digits: "0033123456789", Class: International, CallingCode: "33"},
	} {
		if got, err := p.Read(dialled, "0"); err != nil || got != want {
			t.Errorf("Read(%q) = %+v, %v; want %+v", dialled, got, err, want)
		}
	}
	for _, dialled := range []string{"03012345678", "3012345678", "11833", "015112345678"} {
		_, err := p.Read(dialled, "")
		if err == nil || !strings.Contains(err.Error(), "Germany") || !strings.Contains(err.Error(), "+49") {
			t.Errorf("Read(%q): the error does not say what to dial: %v", dialled, err)
		}
	}
}

func TestInternationalPrefixesDifferByCountry(t *testing.T) {
	for _, c := range []struct{ country, dialled, want string }{
		{"US", "01133123456789", "+33123456789"}, {"US", "0033123456789", "+33123456789"},
		{"US", "+12125550123", "+12125550123"}, {"JP", "01033123456789", "+33123456789"},
		{"AU", "001133123456789", "+33123456789"}, {"KE", "00033123456789", "+33123456789"}, {"KE", "0033123456789", "+33123456789"},
		{"SG", "0014512345678", "+4512345678"}, {"NG", "00933123456789", "+33123456789"}, {"BR", "002133123456789", "+33123456789"},
		{"RU", "81033123456789", "+33123456789"}, {"RU", "+81 (0)3-1234-5678", "+81312345678"}, {"CV", "033123456789", "+33123456789"}, {"CV", "0033123456789", "+33123456789"},
	} {
		p, err := For(c.country)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := p.Read(c.dialled, ""); err != nil || n.E164 != c.want {
			t.Errorf("%s: Read(%q) = %+v, %v; want %s", c.country, c.dialled, n, err, c.want)
		}
	}
}

// Behind 001 a number of Denmark must not become one of North America, as it would if 00 were understood too.
func TestAPrefixThatGoesOnFrom00IsNotReadAs00(t *testing.T) {
	p, err := For("SG")
	if err != nil {
		t.Fatal(err)
	}
	if n, err := p.Read("0033123456789", ""); err == nil {
		t.Errorf("00 was read as %s", n)
	}
	n, err := p.Read("+12125550123", "")
	if err != nil {
		t.Fatal(err)
	}
	for format, want := range map[string]string{formatNational: "00112125550123", formatDoubleZero: "0012125550123"} {
		written := p.Write(n, format)
		if back, err := p.ReadFrom(written, format); written != want || err != nil || back.E164 != n.E164 {
			t.Errorf("%s: written %q, want %q; read back as %s, %v", format, written, want, back, err)
		}
	}
}

func TestACountryWithoutAPlanIsRefused(t *testing.T) {
	for _, country := range []string{"", "XX", "ZZ", "FRA"} {
		if _, err := For(country); err == nil || !strings.Contains(err.Error(), "emergency numbers are not known") {
			t.Errorf("For(%q): %v", country, err)
		}
	}
}

func TestNoCallingCodeBeginsAnother(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range fields(codesText) {
		if seen[f[0]] {
			t.Errorf("%s is listed twice", f[0])
		}
		seen[f[0]] = true
	}
	for code := range seen {
		for n := 1; n < len(code); n++ {
			if seen[code[:n]] {
				t.Errorf("%s begins %s", code[:n], code)
			}
		}
	}
	for _, f := range fields(countriesText) {
		if !seen[f[1]] {
			t.Errorf("%s has calling code %s, which is not in use", f[0], f[1])
		}
	}
}

func TestEveryLineOfTheFrenchPlanDecidesForSomeNumber(t *testing.T) {
	p := france(t)
	for i, pat := range p.patterns {
		if digits, ok := example(p, i); !ok {
			t.Errorf("pattern %d of class %s is never first: it has no effect", i, pat.class)
		} else if len(digits) != len(pat.digits) {
			t.Errorf("pattern %d: example %s", i, digits)
		}
	}
}

// example looks for digits for which the i-th pattern is the first fit, trying the last digit allowed before the first.
func example(p *Plan, i int) (string, bool) {
	pat := p.patterns[i]
	digits := make([]byte, len(pat.digits))
	var try func(place int) bool
	try = func(place int) bool {
		if place == len(digits) {
			return p.firstFit(string(digits)) == i
		}
		for d := 9; d >= 0; d-- {
			if pat.digits[place]&(1<<d) == 0 {
				continue
			}
			digits[place] = '0' + byte(d)
			if place >= 6 { // no pattern tells numbers apart further on
				return try(place + 1)
			}
			if try(place + 1) {
				return true
			}
		}
		return false
	}
	return string(digits), try(0)
}

func (p *Plan) firstFit(digits string) int {
	for i, pat := range p.patterns {
		if pat.fits(digits) {
			return i
		}
	}
	return -1
}

func TestAFaultyLineOfAPlanIsFound(t *testing.T) {
	for _, line := range []string{"01x +33/9", "01x +33/9 cheap", "01y - national", "0[5-1]x - national", "0[1- - national",
		"01x +33 national", "01x +33/0 national", "01x +33/4 national", "0[1-2]x +33/1 national"} {
		p := &Plan{codes: map[string]Class{}, own: map[string]bool{}}
		if err := p.add(fields(line)); err == nil {
			t.Errorf("line %q was accepted", line)
		}
	}
}

func TestThePlanOfACountryIsMadeOnce(t *testing.T) {
	first, err := For("be")
	again, fault := For("BE")
	if err != nil || fault != nil || first != again {
		t.Errorf("two plans of one country: %p, %v and %p, %v", first, err, again, fault)
	}
	if other, err := For("CH"); err != nil || other == first || other.Name() == first.Name() {
		t.Errorf("the plan of another country: %v, %v", other, err)
	}
}
