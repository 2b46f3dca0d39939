package numbering

import (
	"cmp"
	_ "embed"
	"strings"
)

//go:embed abroad.txt
var abroadText string

// Classes that a Destination has and a Number does not: they are about numbers of other countries and of none.
const (
	Satellite    Class = "satellite"
	SharedAbroad Class = "shared-abroad" // surcharged within a ceiling, in another country
)

// Destination is where a call to a number ends.
type Destination struct {
	Class   Class  // that of the number, unless more is known of numbers abroad
	Country string // ISO 3166-1 alpha-2; "" where it has none, or it is not known
}

// Classes lists the classes that a permission can be about: those of destinations, emergency numbers left out, to which
// every call goes.
func Classes() []Class {
	return []Class{National, Mobile, Freephone, Shared, Premium, ShortCode, Overseas, International, SharedAbroad, Satellite, Special}
}

// Zone lists the countries that a word such as eea stands for; none for what is no zone.
func Zone(word string) []string {
	for _, f := range fields(abroadText) {
		if f[0] == "zone" && f[1] == word {
			return f[2:]
		}
	}
	return nil
}

// Destination tells where a call to n ends. A number with a surcharge is told as such wherever its country has that in its
// numbering plan, as far as this is known here.
func (p *Plan) Destination(n Number) Destination {
	if n.E164 == "" || p.own[n.CallingCode] && p.complete {
		return Destination{n.Class, p.places[n.CallingCode].Country}
	}
	digits := n.E164[1:]
	for length := min(len(digits), p.longest); length > 0; length-- {
		if d, ok := p.places[digits[:length]]; ok {
			return p.seenFromHere(n, d)
		}
	}
	return Destination{Class: n.Class}
}

// seenFromHere gives what is abroad for everybody else its class in its own country.
func (p *Plan) seenFromHere(n Number, d Destination) Destination {
	switch {
	case d.Class == International:
		d.Class = n.Class
	case d.Class == SharedAbroad && p.own[n.CallingCode]:
		d.Class = Shared
	}
	return d
}

// setPlaces reads where numbers end, and what the countries are called. A calling code of several countries stands for the first in the list.
func (p *Plan) setPlaces() {
	p.places, p.names = map[string]Destination{}, map[string]string{}
	for _, f := range fields(countriesText) {
		p.names[f[0]] = strings.Join(f[4:], " ")
		if _, known := p.places[f[1]]; !known {
			p.places[f[1]] = Destination{International, f[0]}
		}
	}
	for _, f := range fields(abroadText) {
		if f[0] == "zone" || len(f) < 3 {
			continue
		}
		p.places[f[0]] = Destination{Class(f[2]), strings.TrimPrefix(f[1], "-")}
		p.longest = max(p.longest, len(f[0]))
	}
	p.longest = max(p.longest, 3) // calling codes
}

// CountryOf returns the country of a beginning of numbers such as +49 or +1242, and of several the one with most of them:
// +1 is of the United States. "" when it is of none, or of many.
func (p *Plan) CountryOf(prefix string) string {
	digits := strings.TrimPrefix(prefix, "+")
	code, _ := p.callingCode(digits)
	for length := len(digits); length > 0 && code != ""; length-- {
		if d, ok := p.places[digits[:length]]; ok {
			return d.Country
		}
	}
	return ""
}

// CountryName returns the English name of a country by its ISO 3166-1 alpha-2 code, the code itself when it has none here.
func (p *Plan) CountryName(country string) string { return cmp.Or(p.names[country], country) }
