package numbering

import (
	"slices"
	"strings"
	"testing"
)

func TestAnEmergencyServiceIsReadAsItsNumber(t *testing.T) {
	for _, c := range []struct{ country, uri, number string }{
		{"FR", "urn:service:sos", "112"}, {"FR", "urn:service:sos.police", "17"}, {"FR", "urn:service:sos.fire", "18"},
		{"FR", "urn:service:sos.ambulance", "15"}, {"RE", "URN:Service:SOS.Police", "17"}, {"FR", "urn:service:sos.mountain", "112"},
		{"FR", "urn:service:sos.police.municipal", "17"}, {"FR", "urn:service:sos.", "112"}, {"FR", "urn:service:sos.police?=x", "17"},
		{"DE", "urn:service:sos.police", "110"}, {"DE", "urn:service:sos.fire", "112"}, {"GB", "urn:service:sos.police", "112"},
		{"US", "urn:service:sos", "911"}, {"US", "urn:service:sos.fire", "911"}, {"AU", "urn:service:sos", "000"}, {"JP", "urn:service:sos.fire", "119"},
	} {
		p, err := For(c.country)
		if err != nil {
			t.Fatal(err)
		}
		for _, prefix := range []string{"", "0", "9"} {
			if n, err := p.Read(c.uri, prefix); err != nil || !n.Emergency() || n.Digits != c.number || n.E164 != "" {
				t.Errorf("%s: %s is %+v, %v; want %s", c.country, c.uri, n, err, c.number)
			}
		}
	}
}

func TestWhatIsNoEmergencyServiceIsNoNumber(t *testing.T) {
	for _, uri := range []string{"urn:service:", "urn:service:sosx", "urn:service:counseling", "urn:service:police.sos", "urn:sos", "service:sos", "sos", "urn:service:sos2.fire"} {
		if n, err := france(t).Read(uri, ""); err == nil {
			t.Errorf("%s is %+v", uri, n)
		}
	}
}

func TestEveryEmergencyServiceLeadsToAnEmergencyNumberOfItsCountry(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range fields(servicesText) {
		if len(f) != 3 || f[1] != sosService && !strings.HasPrefix(f[1], sosService+".") || seen[f[0]+f[1]] {
			t.Errorf("line %q", f)
			continue
		}
		seen[f[0]+f[1]] = true
		if p, err := For(f[0]); err != nil || !slices.Contains(p.EmergencyNumbers(), f[2]) {
			t.Errorf("%s: %s leads to %s, which is no emergency number there (%v)", f[0], f[1], f[2], err)
		}
	}
	for _, country := range Countries() {
		p, err := For(country)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := p.Read("urn:service:sos", ""); err != nil || !slices.Contains(p.EmergencyNumbers(), n.Digits) {
			t.Errorf("%s: %+v, %v", country, n, err)
		}
	}
}
