package numbering

import (
	_ "embed"
	"strings"
)

//go:embed services.txt
var servicesText string

// sosService is what a call for help may name instead of a number, and sub-services behind a dot (RFC 5031 §4.2).
const (
	servicePrefix = "urn:service:"
	sosService    = "sos"
)

// cutService takes the emergency service out of a URI like urn:service:sos.police, in lower case; false when it names none.
func cutService(uri string) (string, bool) {
	if len(uri) < len(servicePrefix) || !strings.EqualFold(uri[:len(servicePrefix)], servicePrefix) {
		return "", false
	}
	service := strings.ToLower(uri[len(servicePrefix):])
	if end := strings.IndexAny(service, ";?#"); end >= 0 { // components of RFC 8141 §2.3, which say nothing here
		service = service[:end]
	}
	return service, service == sosService || strings.HasPrefix(service, sosService+".")
}

// service is the number of an emergency service: its own where the country has one, else that of the nearest service above
// it (RFC 5031 §4.2).
func (p *Plan) service(name string) Number {
	for name != "" {
		if digits, ok := p.services[name]; ok {
			return Number{Digits: digits, Class: Emergency, CallingCode: p.code}
		}
		name = name[:max(strings.LastIndexByte(name, '.'), 0)]
	}
	return Number{Digits: p.EmergencyNumbers()[0], Class: Emergency, CallingCode: p.code}
}

// servicesOf are the emergency services of a country that have numbers of their own.
func servicesOf(country string) map[string]string {
	out := map[string]string{}
	for _, f := range fields(servicesText) {
		if len(f) == 3 && f[0] == country {
			out[f[1]] = f[2]
		}
	}
	return out
}
