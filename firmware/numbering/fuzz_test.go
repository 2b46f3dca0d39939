package numbering

import (
	"slices"
	"strings"
	"testing"
)

func FuzzRead(f *testing.F) {
	for _, dialled := range []string{
		"0123456789", "tel:+33-1-23-45-67-89;phone-context=+33", "%30899123456", "sip:112@192.0.2.1", "0 15", "116000",
		"urn:service:sos", "URN:Service:SOS.Fire;x", "urn:service:sos.", "+590590201234", "7042;phone-context=office.example", "٠٨٩٩", "*31*0899123456", "+", ";", "%", "+33", "+5908", "+508",
	} {
		f.Add(dialled, "0")
		f.Add(dialled, "")
	}
	plans := map[string]*Plan{}
	for _, country := range []string{"FR", "US"} {
		p, err := For(country)
		if err != nil {
			f.Fatal(err)
		}
		plans[country] = p
	}
	f.Fuzz(func(t *testing.T, dialled, prefix string) {
		for country, p := range plans {
			n, err := p.Read(dialled, prefix)
			if err != nil {
				continue
			}
			checkNumber(t, country, p, n)
			roundTrip(t, p, n)
		}
	})
}

func checkNumber(t *testing.T, country string, p *Plan, n Number) {
	t.Helper()
	bare := strings.TrimPrefix(n.E164, "+")
	switch {
	case n.Class == "" || n.Class == Unknown || n.CallingCode == "":
		t.Errorf("%s: %+v is not complete", country, n)
	case n.Digits == "" || strings.Trim(n.Digits, "0123456789") != "":
		t.Errorf("%s: %+v has other digits than 0-9", country, n)
	case n.E164 != "" && (strings.Trim(bare, "0123456789") != "" || len(bare) < minE164 || len(bare) > maxE164):
		t.Errorf("%s: %+v is not E.164", country, n)
	case n.Emergency() != slices.Contains(p.EmergencyNumbers(), n.String()):
		t.Errorf("%s: %+v is or is not an emergency number", country, n)
	}
}
