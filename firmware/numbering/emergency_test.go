package numbering

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The list of the French regulator, kept here apart from the plan's file: a line lost there must fail a test.
var frenchEmergency = []string{"15", "17", "18", "112", "114", "115", "119", "191", "196", "197", "116000", "116117"}

func TestEveryFrenchEmergencyNumberIsRecognised(t *testing.T) {
	for _, country := range []string{"FR", "GP", "MF", "BL", "GF", "MQ", "RE", "YT"} {
		p, err := For(country)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.EmergencyNumbers(); !slices.Equal(got, frenchEmergency) {
			t.Errorf("%s: EmergencyNumbers() = %v, want %v", country, got, frenchEmergency)
		}
		for _, number := range frenchEmergency {
			for _, dialled := range []string{
				number, "+" + number, "tel:" + number, number + ";phone-context=+33", number + ";phone-context=+1",
				number + ";phone-context=office.example", "%31" + number[1:], number[:1] + "-" + number[1:],
				"+33" + number, "0033" + number, "sip:" + number + "@192.0.2.1",
			} {
				n, err := p.Read(dialled, "")
				if err != nil || !n.Emergency() || n.Digits != number || n.E164 != "" {
					t.Errorf("%s: Read(%q) = %+v, %v; want the emergency number %s", country, dialled, n, err, number)
				}
			}
			for _, prefix := range []string{"0", "9", "1", "00", "7"} {
				for _, dialled := range []string{number, prefix + number, "+" + number} {
					if n, err := p.Read(dialled, prefix); err != nil || !n.Emergency() {
						t.Errorf("%s: Read(%q) behind %q = %+v, %v; want an emergency number", country, dialled, prefix, n, err)
					}
				}
			}
		}
	}
}

func TestAnEmergencyNumberIsNeverTheBeginningOfSomethingLonger(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, err := For("FR")
		if err != nil {
			t.Fatal(err)
		}
		number := rapid.SampledFrom(frenchEmergency).Draw(t, "number")
		tail := rapid.StringMatching(`[0-9]{1,12}`).Draw(t, "tail")
		dialled := number + tail
		n, err := p.Read(dialled, "")
		if err == nil && n.Emergency() && !slices.Contains(frenchEmergency, dialled) {
			t.Fatalf("Read(%q) is the emergency number %s", dialled, n.Digits)
		}
	})
}

func TestOnlyExactDigitsAreAnEmergencyNumber(t *testing.T) {
	p := france(t)
	for _, dialled := range []string{"1", "11", "1125", "0112", "015", "00112", "00015", "15*", "116001", "1120", "112112", "0915"} {
		if n, err := p.Read(dialled, ""); err == nil && n.Emergency() {
			t.Errorf("Read(%q) is the emergency number %s", dialled, n.Digits)
		}
	}
	if n, err := p.Read("0015", "0"); err == nil && n.Emergency() {
		t.Errorf("two prefixes were taken off: %+v", n)
	}
}

func TestOtherCountriesHaveTheirOwnEmergencyNumbers(t *testing.T) {
	for _, c := range []struct{ country, number string }{
		{"DE", "110"}, {"DE", "112"}, {"GB", "999"}, {"IT", "118"}, {"CH", "1414"}, {"ES", "061"}, {"US", "911"},
		{"CA", "911"}, {"AU", "000"}, {"ZA", "10111"}, {"NZ", "111"}, {"JP", "119"},
	} {
		p, err := For(c.country)
		if err != nil {
			t.Fatal(err)
		}
		for _, dialled := range []string{c.number, "9" + c.number, "+" + c.number} {
			if n, err := p.Read(dialled, "9"); err != nil || !n.Emergency() {
				t.Errorf("%s: Read(%q) = %+v, %v", c.country, dialled, n, err)
			}
		}
	}
	for _, country := range Countries() {
		p, err := For(country)
		if err != nil {
			t.Errorf("For(%s): %v", country, err)
			continue
		}
		if len(p.EmergencyNumbers()) == 0 {
			t.Errorf("%s has no emergency number", country)
		}
		for _, number := range p.EmergencyNumbers() {
			if n, err := p.Read(number, "0"); err != nil || !n.Emergency() {
				t.Errorf("%s: Read(%q) = %+v, %v", country, number, n, err)
			}
		}
		code, _ := p.callingCode(p.code)
		if european := code[0] == '3' || code[0] == '4'; european && !slices.Contains(p.EmergencyNumbers(), "112") {
			t.Errorf("%s lies in Europe and has no 112: %s", country, strings.Join(p.EmergencyNumbers(), " "))
		}
	}
}
