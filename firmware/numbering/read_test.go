package numbering

import (
	"errors"
	"strings"
	"testing"
)

func france(t testing.TB) *Plan {
	t.Helper()
	p, err := For("FR")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestEverySpellingOfANumberIsTheSameNumber(t *testing.T) {
	p := france(t)
	for _, dialled := range []string{
		"0899123456", "+33899123456", "0033899123456", "tel:+33899123456", "TEL:+33-899-12-34-56",
		"tel:0899123456;phone-context=+33", "0899123456;phone-context=+33", "899123456;phone-context=+33",
		"99123456;phone-context=+338", "0899123456;phone-context=office.example", "899123456;Phone-Context=%2B33",
		"%30899123456", "%2B33899123456", "08%399123456", "0899 12 34 56", "08.99.12.34.56", "08-99-12-34-56",
		"(0899) 123456", "08/99123456", "+33 (0)899 12 34 56", "0899123456;isub=1234", "0899123456;ext=12;npdi",
		"sip:0899123456@192.0.2.10", "sips:+33899123456;phone-context=+33@carrier.example;user=phone",
		"+33899123456;phone-context=+1", " 0899123456 ",
	} {
		n, err := p.Read(dialled, "")
		if err != nil {
			t.Errorf("Read(%q): %v", dialled, err)
			continue
		}
		if n.E164 != "+33899123456" || n.Class != Premium {
			t.Errorf("Read(%q) = %s, %s; want +33899123456, premium", dialled, n.E164, n.Class)
		}
	}
}

func TestWhatIsNotANumberIsRefusedWithTheReason(t *testing.T) {
	p := france(t)
	for dialled, reason := range map[string]string{
		"":                                    "no digits",
		"+":                                   "no digits",
		"tel:":                                "no digits",
		"alice":                               "letters",
		"08991234ab":                          "letters",
		"anonymous":                           "letters",
		"*31*0899123456":                      "service code",
		"0899123456#":                         "service code",
		"٠٨٩٩١٢٣٤٥٦":                          "only 0-9",
		"\uff10\uff18\uff19\uff19123456":      "only 0-9", // full-width digits
		"%D9%A0899123456":                     "only 0-9",
		"\u00a00899123456":                    "only 0-9",
		"%2530899123456":                      "contains '%'",
		"%3":                                  "hexadecimal",
		"%zz899123456":                        "hexadecimal",
		"0899%3Bphone-context=+33":            "contains ';'",
		"0899+123456":                         "not at its beginning",
		"0033+899123456":                      "not at its beginning",
		"0899\x00123456":                      "contains",
		"0899,123456":                         "contains",
		"0899123456@evil":                     "contains",
		"1;phone-context=+33;phone-context=1": "two phone-contexts",
		"1;phone-context=+3x":                 "letters",
		"012345678":                           "9 digits",
		"01234567890":                         "11 digits",
		"1":                                   "no number in France",
		"+33112345":                           "nine digits",
		"+3301234567":                         "nine digits",
		"+0123456789":                         "no calling code",
		"00012345678":                         "no calling code",
		"+999123456789":                       "no calling code",
		"+21":                                 "no calling code",
		"+1125550123":                         "ten digits",
		"+11255501234":                        "ten digits",
		"+44":                                 "7 to 15 digits",
		"00":                                  "no calling code",
		"+441234567890123456":                 "7 to 15 digits",
		"0207946000;phone-context=+44":        "written with its calling code",
		strings.Repeat("0", 300):              "longer than",
	} {
		n, err := p.Read(dialled, "")
		var re *ReadError
		if !errors.As(err, &re) {
			t.Errorf("Read(%q) = %+v, %v; want a ReadError", dialled, n, err)
			continue
		}
		if !strings.Contains(re.Problem, reason) {
			t.Errorf("Read(%q): %q does not say %q", dialled, re.Problem, reason)
		}
		if strings.IndexFunc(err.Error(), func(r rune) bool { return r < ' ' || r > '~' }) >= 0 || len(err.Error()) > 600 {
			t.Errorf("Read(%q): the error is not short printable ASCII: %q", dialled, err.Error())
		}
	}
}

func TestFrenchNumbersHaveTheirClass(t *testing.T) {
	p := france(t)
	for _, c := range []struct {
		dialled, e164 string
		class         Class
	}{
		{"0123456789", "+33123456789", National}, {"0162000000", "+33162000000", National},
		{"0912345678", "+33912345678", National}, {"0806000000", "+33806000000", National},
		{"0612345678", "+33612345678", Mobile}, {"0712345678", "+33712345678", Mobile},
		{"07001234567890", "+337001234567890", Mobile},
		{"0800123456", "+33800123456", Freephone}, {"0805123456", "+33805123456", Freephone},
		{"0810123456", "+33810123456", Shared}, {"0820123456", "+33820123456", Shared},
		{"0836123456", "+33836123456", Premium}, {"0891123456", "+33891123456", Premium},
		{"118218", "", Premium}, {"116006", "", Freephone},
		{"3000", "", Freephone}, {"3008", "", Premium}, {"3009", "", Freephone}, {"3114", "", Freephone},
		{"3170", "", Premium}, {"3180", "", Freephone}, {"3237", "", Premium}, {"3999", "", Premium},
		{"3919", "", Freephone}, {"3949", "", ShortCode}, {"3646", "", ShortCode}, {"1013", "", ShortCode},
		{"0590201234", "+590590201234", Overseas}, {"+33590201234", "+590590201234", Overseas},
		{"+590590201234", "+590590201234", Overseas}, {"0690123456", "+590690123456", Overseas},
		{"0694123456", "+594694123456", Overseas}, {"0696123456", "+596696123456", Overseas},
		{"0262123456", "+262262123456", Overseas}, {"0639123456", "+262639123456", Overseas},
		{"0508412345", "+508412345", Overseas}, {"+508412345", "+508412345", Overseas},
		{"0708451234", "+508708451234", Overseas}, {"+590391234567", "+590391234567", Overseas},
		{"00687123456", "+687123456", Overseas}, {"+68940123456", "+68940123456", Overseas},
		{"+590899123456", "+590899123456", Premium}, {"+262800123456", "+262800123456", Freephone},
		{"+508899123456", "+508899123456", Premium},
		{"00442079460018", "+442079460018", International}, {"+12125550123", "+12125550123", International},
		{"2125550123;phone-context=+1", "+12125550123", International},
		{"0080012345678", "+80012345678", Freephone}, {"00881612345678", "+881612345678", Special},
		{"+870773123456", "+870773123456", Special}, {"+979123456789", "+979123456789", Premium},
	} {
		n, err := p.Read(c.dialled, "")
		if err != nil {
			t.Errorf("Read(%q): %v", c.dialled, err)
			continue
		}
		if n.E164 != c.e164 || n.Class != c.class {
			t.Errorf("Read(%q) = %q, %s; want %q, %s", c.dialled, n.E164, n.Class, c.e164, c.class)
		}
	}
}

func TestTheOutsideLinePrefixIsTakenOff(t *testing.T) {
	p := france(t)
	for _, c := range []struct{ prefix, dialled, want string }{
		{"0", "00123456789", "+33123456789"},
		{"0", "0123456789", "+33123456789"}, // the PBX took it off itself
		{"0", "000442079460018", "+442079460018"},
		{"0", "00442079460018", "+442079460018"}, // taken off already
		{"0", "03646", "3646"},
		{"0", "3646", "3646"},
		{"0", "00687123456", "+33687123456"}, // a mobile behind the prefix, not New Caledonia without it
		{"0", "000687123456", "+687123456"},
		{"0", "+687123456", "+687123456"},
		{"9", "90123456789", "+33123456789"},
		{"9", "0123456789", "+33123456789"},
		{"9", "9112", "112"},
	} {
		n, err := p.Read(c.dialled, c.prefix)
		if err != nil || n.String() != c.want {
			t.Errorf("Read(%q) behind %q = %q, %v; want %q", c.dialled, c.prefix, n, err, c.want)
		}
	}
	if _, err := p.Read("0612", "0"); err == nil || !strings.Contains(err.Error(), "after the outside-line prefix 0") {
		t.Errorf("error does not tell that the prefix was taken off: %v", err)
	}
}

func TestACompletePlanKeepsTheNumbersThatLibphonenumberCallsValid(t *testing.T) {
	p := france(t)
	classes := map[string][]Class{
		"fixed": {National, Overseas}, "mobile": {Mobile, Overseas}, "voip": {National, Overseas},
		"freephone": {Freephone}, "premium": {Premium, Shared}, "shared": {Shared, Premium}, "uan": {National},
	}
	for _, f := range oracle(t) {
		for _, dialled := range f[:2] {
			n, err := p.Read(dialled, "")
			if err != nil || n.E164 != f[1] {
				t.Errorf("Read(%s) = %s, %v; want %s", dialled, n, err, f[1])
				continue
			}
			found := false
			for _, class := range classes[f[2]] {
				found = found || n.Class == class
			}
			if !found {
				t.Errorf("Read(%s) is %s; libphonenumber says %s", dialled, n.Class, f[2])
			}
		}
		if n, _ := p.Read(f[1], ""); p.Write(n, formatNational) != f[0] {
			t.Errorf("Write(%s, national) = %s, want %s", f[1], p.Write(n, formatNational), f[0])
		}
	}
}
