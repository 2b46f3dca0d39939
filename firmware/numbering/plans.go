package numbering

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"
)

//go:embed france.txt
var franceText string

//go:embed countries.txt
var countriesText string

//go:embed codes.txt
var codesText string

// metropole is the calling code under which French systems also write overseas numbers, wrongly.
const metropole = "33"

// japan is the calling code of a country whose numbers are often written with the 0 that is dialled within it.
const japan = "81"

// mainland is the country whose plan the overseas departments share.
const mainland = "FR"

// Plan is the numbering plan of one country. It does not change and is safe for concurrent use.
type Plan struct {
	name     string
	code     string                 // the country's own calling code
	abroad   []string               // international prefixes, longest first
	exit     string                 // the one that numbers abroad are written with
	patterns []pattern              // first fit decides
	codes    map[string]Class       // every calling code in use
	own      map[string]bool        // calling codes that belong to the country
	complete bool                   // national numbers are known
	services map[string]string      // numbers of emergency services that have their own
	places   map[string]Destination // beginnings of numbers, without +
	longest  int                    // of those
	names    map[string]string      // of countries
}

// plans are those that were made already, by country: everything that reads numbers asks for the same one, when a policy is read above all.
var plans sync.Map

// For returns the plan of a country by its ISO 3166-1 alpha-2 code: complete for France and its overseas departments,
// generic for the others in the list. The error says when a country is not in it.
func For(country string) (*Plan, error) {
	country = strings.ToUpper(country)
	if made, ok := plans.Load(country); ok {
		return made.(*Plan), nil
	}
	for _, f := range fields(countriesText) {
		if f[0] == country {
			p, err := newPlan(f)
			if err == nil {
				plans.Store(country, p)
			}
			return p, err
		}
	}
	return nil, fmt.Errorf("there is no numbering plan for country %+q: its emergency numbers are not known", country)
}

// Countries lists the countries that For knows.
func Countries() []string {
	var out []string
	for _, f := range fields(countriesText) {
		out = append(out, f[0])
	}
	return out
}

// Name returns the country's name in English.
func (p *Plan) Name() string { return p.name }

// EmergencyNumbers lists the plan's emergency numbers.
func (p *Plan) EmergencyNumbers() []string {
	var out []string
	for _, pat := range p.patterns {
		if pat.class != Emergency {
			continue
		}
		digits := make([]byte, len(pat.digits))
		for i, set := range pat.digits {
			for d := range byte(10) {
				if set == 1<<d {
					digits[i] = '0' + d
				}
			}
		}
		out = append(out, string(digits))
	}
	return out
}

// newPlan makes a plan from the fields of its line in countries.txt.
func newPlan(f []string) (*Plan, error) {
	if len(f) < 5 {
		return nil, fmt.Errorf("numbering plan of %s: too few fields", f[0])
	}
	p := &Plan{
		name: strings.Join(f[4:], " "), code: f[1],
		codes: map[string]Class{}, own: map[string]bool{f[1]: true}, services: servicesOf(f[0]),
	}
	p.setAbroad(strings.Split(f[2], ","))
	p.setPlaces()
	for _, c := range fields(codesText) {
		p.codes[c[0]] = Class(c[1])
	}
	if f[3] == "-" {
		p.complete, p.services = true, servicesOf(mainland)
		return p, p.add(fields(franceText))
	}
	for number := range strings.SplitSeq(f[3], ",") {
		if err := p.add([][]string{{number, "-", string(Emergency)}}); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// setAbroad sets the international prefixes. 00 is understood in countries that have another one, too, unless theirs goes
// on from it: behind 001 a number of Denmark looks like one of North America behind 00.
func (p *Plan) setAbroad(prefixes []string) {
	p.abroad, p.exit = prefixes, "00"
	for _, own := range prefixes {
		// No number abroad begins with 0, and none of +1 goes on with 1, as one behind Australia's 0011 would have to.
		if rest, longer := strings.CutPrefix(own, "00"); longer && rest != "" && rest[0] != '0' && rest != "11" {
			p.exit = prefixes[0]
		}
	}
	if p.exit == "00" && !slices.Contains(prefixes, "00") {
		p.abroad = append(p.abroad, "00")
	}
	slices.SortStableFunc(p.abroad, func(a, b string) int { return len(b) - len(a) })
}

// add puts lines of a plan's file into the plan.
func (p *Plan) add(lines [][]string) error {
	for _, f := range lines {
		if len(f) < 3 || !slices.Contains(classes(), Class(f[2])) {
			return fmt.Errorf("numbering plan of %s: line %q has no class", p.name, f)
		}
		if code, ok := strings.CutPrefix(f[0], "+"); ok {
			p.codes[code] = Class(f[2])
			continue
		}
		pat, err := parsePattern(f[0], f[1], f[2])
		if err != nil {
			return fmt.Errorf("numbering plan of %s: %w", p.name, err)
		}
		p.patterns = append(p.patterns, pat)
		if pat.code != "" {
			p.own[pat.code] = true
		}
	}
	return nil
}

func classes() []Class {
	return []Class{Emergency, National, Mobile, Freephone, Shared, Premium, ShortCode, Overseas, International, Special}
}

// fields splits a data file into the fields of its lines, without comments.
func fields(text string) [][]string {
	var out [][]string
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		if f := strings.Fields(line); len(f) > 0 {
			out = append(out, f)
		}
	}
	return out
}
