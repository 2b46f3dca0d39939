package numbering

import (
	"testing"

	"pgregory.net/rapid"
)

var formats = []string{formatE164, formatPlain, formatDoubleZero, formatNational}

func TestANumberIsWrittenAsThePeerWantsIt(t *testing.T) {
	p := france(t)
	for _, c := range []struct{ dialled, e164, plain, doubleZero, national string }{
		{"0123456789", "+33123456789", "33123456789", "0033123456789", "0123456789"},
		{"0590201234", "+590590201234", "590590201234", "00590590201234", "0590201234"},
		{"0508412345", "+508412345", "508412345", "00508412345", "0508412345"},
		{"+590899123456", "+590899123456", "590899123456", "00590899123456", "00590899123456"},
		{"+12125550123", "+12125550123", "12125550123", "0012125550123", "0012125550123"},
		{"3646", "3646", "3646", "3646", "3646"},
		{"+33112", "112", "112", "112", "112"},
	} {
		n, err := p.Read(c.dialled, "")
		if err != nil {
			t.Errorf("Read(%q): %v", c.dialled, err)
			continue
		}
		for i, want := range []string{c.e164, c.plain, c.doubleZero, c.national} {
			if got := p.Write(n, formats[i]); got != want {
				t.Errorf("Write(%s, %q) = %q, want %q", c.dialled, formats[i], got, want)
			}
		}
	}
}

func TestAPeersNumbersAreReadInItsFormatAndInOthersThatAreClear(t *testing.T) {
	p := france(t)
	for _, format := range formats {
		for _, digits := range []string{"+33123456789", "33123456789", "0033123456789", "0123456789"} {
			if n, err := p.ReadFrom(digits, format); err != nil || n.E164 != "+33123456789" {
				t.Errorf("ReadFrom(%q, %q) = %+v, %v", digits, format, n, err)
			}
		}
		n, err := p.ReadFrom("12125550123", format)
		if plain := format == formatPlain; (err == nil) != plain || plain && n.E164 != "+12125550123" {
			t.Errorf("ReadFrom(12125550123, %q) = %+v, %v: only plain numbers have no sign of their calling code", format, n, err)
		}
		if _, err := p.ReadFrom("anonymous", format); err == nil {
			t.Errorf("ReadFrom(anonymous, %q) succeeded", format)
		}
	}
}

func TestWhatIsWrittenIsReadBack(t *testing.T) {
	var plans []*Plan
	for _, country := range []string{"FR", "RE", "DE", "US", "AU", "JP", "SG", "NG", "BR", "KE", "CV", "RU", "CU", "CO"} {
		p, err := For(country)
		if err != nil {
			t.Fatal(err)
		}
		plans = append(plans, p)
	}
	dialled := rapid.OneOf(
		rapid.StringMatching(`0[1-9][0-9]{8}`),
		rapid.StringMatching(`(00|\+)(33|590|594|596|262|508|49|1|61|81|687|881)[0-9]{5,12}`),
		rapid.StringMatching(`[+](810|119)[0-9]{4,12}`), // as abroad begins where 00 does not
		rapid.StringMatching(`[0-9]{1,6}`),
		rapid.StringMatching(`0[56789](08|90|9[0-9]|76|47|39|98)[0-9]{6}`),
		rapid.StringMatching(`[+]?[0-9]{1,16}`),
	)
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.SampledFrom(plans).Draw(t, "plan")
		n, err := p.Read(dialled.Draw(t, "dialled"), rapid.SampledFrom([]string{"", "0", "9"}).Draw(t, "prefix"))
		if err != nil {
			t.Skip()
		}
		roundTrip(t, p, n)
	})
}

func roundTrip(t interface{ Errorf(string, ...any) }, p *Plan, n Number) {
	for _, format := range formats {
		written := p.Write(n, format)
		back, err := p.ReadFrom(written, format)
		if err != nil || back.E164 != n.E164 || back.Class != n.Class || back.CallingCode != n.CallingCode {
			t.Errorf("%s: %+v in format %q is %q, read back as %+v, %v", p.name, n, format, written, back, err)
		}
		if n.E164 == "" && back.Digits != n.Digits {
			t.Errorf("%s: short number %q came back as %q", p.name, n.Digits, back.Digits)
		}
	}
}
