package numbering

import (
	"slices"
	"testing"
)

func TestANumberAbroadIsOfACountryAndMayCostMore(t *testing.T) {
	for _, c := range []struct {
		from, dialled string
		want          Destination
	}{
		{"FR", "0123456789", Destination{National, "FR"}},
		{"FR", "0899123456", Destination{Premium, "FR"}},
		{"FR", "3246", Destination{Premium, "FR"}},
		{"FR", "+262262123456", Destination{Overseas, "RE"}},
		{"FR", "+4930123456", Destination{International, "DE"}},
		{"FR", "+4990012345678", Destination{Premium, "DE"}},
		{"FR", "+4918012345678", Destination{SharedAbroad, "DE"}},
		{"FR", "+442079460000", Destination{International, "GB"}},
		{"FR", "+441481960194", Destination{International, "GG"}},
		{"FR", "+449098790000", Destination{Premium, "GB"}},
		{"FR", "+448456100000", Destination{SharedAbroad, "GB"}},
		{"GB", "+448456100000", Destination{Shared, "GB"}},
		{"GB", "+449098790000", Destination{Premium, "GB"}},
		{"GB", "+442079460000", Destination{National, "GB"}},
		{"FR", "+12125550123", Destination{International, "US"}},
		{"FR", "+14165550123", Destination{International, "CA"}},
		{"FR", "+18765550123", Destination{International, "JM"}},
		{"FR", "+19005550123", Destination{Premium, "US"}},
		{"FR", "+77011234567", Destination{International, "KZ"}},
		{"FR", "+74951234567", Destination{International, "RU"}},
		{"FR", "+881612345678", Destination{Satellite, ""}},
		{"FR", "+870773123456", Destination{Satellite, ""}},
		{"FR", "+8821612345678", Destination{Satellite, ""}},
		{"FR", "+883510012345", Destination{Special, ""}},
		{"FR", "+979112345678", Destination{Premium, ""}},
		{"FR", "+80012345678", Destination{Freephone, ""}},
		{"FR", "+80812345678", Destination{SharedAbroad, ""}},
		{"FR", "112", Destination{Emergency, "FR"}},
	} {
		plan, err := For(c.from)
		if err != nil {
			t.Fatal(err)
		}
		n, err := plan.Read(c.dialled, "")
		if err != nil {
			t.Fatal(err)
		}
		if got := plan.Destination(n); got != c.want {
			t.Errorf("%s from %s is %+v, want %+v", c.dialled, c.from, got, c.want)
		}
	}
}

func TestWhatIsKnownOfNumbersAbroadIsWellFormed(t *testing.T) {
	plan, _ := For("FR")
	seen := map[string]bool{}
	for _, f := range fields(abroadText) {
		if f[0] == "zone" {
			for _, country := range f[2:] {
				if !slices.Contains(Countries(), country) {
					t.Errorf("zone %s: %s is no country", f[1], country)
				}
			}
			continue
		}
		code, _ := plan.callingCode(f[0])
		if len(f) != 3 || seen[f[0]] || code == "" || !slices.Contains(Classes(), Class(f[2])) || f[1] != "-" && !slices.Contains(Countries(), f[1]) {
			t.Errorf("line %q", f)
		}
		seen[f[0]] = true
	}
	for code := range plan.codes {
		if plan.codes[code] == International && plan.places[code].Country == "" && code != "383" { // Kosovo has no code in ISO 3166-1
			t.Errorf("+%s is of no country", code)
		}
	}
}

func TestABeginningOfNumbersNamesOneCountryOrNone(t *testing.T) {
	plan, _ := For("FR")
	for prefix, want := range map[string]string{"+": "", "+49": "DE", "+4930": "DE", "+1": "US", "+1242": "BS", "+1212": "US", "+4": "", "+33": "FR", "+881": "", "+7": "RU", "+7701": "KZ"} {
		if got := plan.CountryOf(prefix); got != want {
			t.Errorf("%s is of %q, want %q", prefix, got, want)
		}
	}
}

func TestEEAIsAZone(t *testing.T) {
	if z := Zone("eea"); len(z) != 30 || Zone("DE") != nil {
		t.Errorf("%d countries: %v", len(z), z)
	}
}
