package numbering

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// unlisted are numbers that libphonenumber calls emergency numbers and the plans do not: other names of 112, numbers out of
// use, and places of a range that are not.
var unlisted = map[string]string{
	"CZ": "151,152,153,154,157,159", "ER": "124422,127799,201606,201917,202099,202914", "FM": "320221", "NE": "723141",
	"HR": "93,94", "RS": "92,93,94", "IN": "1298,2611", "LT": "01,02,03,011,022,033", "LV": "01,02,03", "SE": "90000",
	"MX": "060,065,066,068,080",
}

func TestNoEmergencyNumberOfTheWorldIsMissing(t *testing.T) {
	text, err := os.ReadFile("testdata/emergency.txt")
	if err != nil {
		t.Fatal(err)
	}
	oracle := fields(string(text))
	if len(oracle) < 230 {
		t.Fatalf("only %d countries", len(oracle))
	}
	known := Countries()
	for _, f := range oracle {
		if !slices.Contains(known, f[0]) {
			continue // no country of ISO 3166-1
		}
		p, err := For(f[0])
		if err != nil {
			t.Fatal(err)
		}
		if p.code != f[1] {
			t.Errorf("%s has calling code %s, libphonenumber says %s", f[0], p.code, f[1])
		}
		for number := range strings.SplitSeq(f[2], ",") {
			if slices.Contains(strings.Split(unlisted[f[0]], ","), number) {
				continue
			}
			if n, err := p.Read(number, "0"); err != nil || !n.Emergency() {
				t.Errorf("%s: %s is %+v, %v; libphonenumber calls it an emergency number", f[0], number, n, err)
			}
		}
	}
}

func TestEveryCountryKnows112(t *testing.T) {
	if n := len(Countries()); n != 249 {
		t.Errorf("%d countries, ISO 3166-1 has 249", n)
	}
	without := []string{}
	for _, country := range Countries() {
		p, err := For(country)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(p.EmergencyNumbers(), "112") {
			without = append(without, country)
		}
	}
	if want := []string{"JP", "NZ"}; !slices.Equal(without, want) { // whose networks give 112 no way to the services
		t.Errorf("without 112: %v, want %v", without, want)
	}
}

// A number abroad is read the same however it is dialled, in every country.
func TestEveryInternationalPrefixOfTheWorldLeadsAbroad(t *testing.T) {
	for _, country := range Countries() {
		p, err := For(country)
		if err != nil {
			t.Fatal(err)
		}
		for _, prefix := range p.abroad {
			for _, number := range []string{"33123456789", "12125550123", "4512345678", "442079460018", "6591234567"} {
				if n, err := p.Read(prefix+number, ""); err != nil || n.E164 != "+"+number {
					t.Errorf("%s: %s%s is %s, %v", country, prefix, number, n, err)
				}
			}
		}
		for _, format := range formats {
			for _, number := range []string{"+33123456789", "+12125550123", "+4512345678", "+6591234567", "+24101234567"} {
				n, err := p.Read(number, "")
				if err != nil {
					t.Fatal(err)
				}
				roundTrip(t, p, n)
				if w := p.Write(n, format); w == "" {
					t.Errorf("%s: nothing written", country)
				}
			}
		}
	}
}

func TestValidNumbersOfTheWorldAreReadInEveryCountry(t *testing.T) {
	text, err := os.ReadFile("testdata/world.txt")
	if err != nil {
		t.Fatal(err)
	}
	numbers := fields(string(text))
	if len(numbers) < 600 {
		t.Fatalf("only %d numbers", len(numbers))
	}
	for _, home := range []string{"FR", "DE", "US", "SG", "CV"} {
		p, err := For(home)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range numbers {
			for _, dialled := range []string{f[1], p.exit + f[1][1:]} {
				n, err := p.Read(dialled, "")
				if err != nil || n.E164 != f[1] && n.E164 != "" || n.Class == Unknown {
					t.Errorf("in %s %s, of %s: %+v, %v", home, dialled, f[0], n, err)
				}
			}
		}
	}
	for _, f := range numbers {
		if p, err := For(f[0]); err == nil {
			if n, err := p.Read(f[1], ""); err != nil || n.Class == International {
				t.Errorf("in its own country %s: %+v, %v", f[1], n, err)
			}
		}
	}
}
