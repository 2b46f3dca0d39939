// Package calendar knows public holidays: those of a country, and others by rule.
//
// A rule is a word: "public" for the country's own, a date such as 2026-12-24, a day of each year such as 12-24, or a day
// reckoned from Easter Sunday such as easter+1. Holidays of countries are data (holidays.txt).
//
// It leaves to others which day it is where the box stands, and what happens on a holiday (route).
package calendar

import (
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed holidays.txt
var holidaysText string

// Public is the rule that stands for the public holidays of the country.
const Public = "public"

// Known tells whether the public holidays of a country (ISO 3166-1 alpha-2) are known.
func Known(country string) bool { return len(publicRules(country)) > 0 }

// Holidays are the days that some rules mean. They do not change.
type Holidays struct{ rules []rule }

// rule is one day of one year or of each.
type rule struct {
	year   int // 0: each
	month  time.Month
	day    int
	easter bool
	offset int // days from Easter Sunday
}

// New reads rules for a country. The error names the rule that cannot be read.
func New(country string, rules []string) (Holidays, error) {
	var h Holidays
	for _, text := range rules {
		if text != Public {
			r, err := parse(text)
			if err != nil {
				return Holidays{}, err
			}
			h.rules = append(h.rules, r)
			continue
		}
		if !Known(country) {
			return Holidays{}, fmt.Errorf("the public holidays of %s are not known here", country)
		}
		for _, own := range publicRules(country) {
			r, err := parse(own)
			if err != nil {
				return Holidays{}, err
			}
			h.rules = append(h.rules, r)
		}
	}
	return h, nil
}

// On tells whether a day is one of the holidays.
func (h Holidays) On(year int, month time.Month, day int) bool {
	return slices.ContainsFunc(h.rules, func(r rule) bool { return r.on(year, month, day) })
}

func (r rule) on(year int, month time.Month, day int) bool {
	if r.easter {
		m, d := Easter(year)
		t := time.Date(year, m, d+r.offset, 0, 0, 0, 0, time.UTC)
		return t.Year() == year && t.Month() == month && t.Day() == day
	}
	return (r.year == 0 || r.year == year) && r.month == month && r.day == day
}

// parse reads one rule.
func parse(text string) (rule, error) {
	if days, ok := strings.CutPrefix(text, "easter"); ok {
		n, err := strconv.Atoi(days)
		if days == "" {
			n, err = 0, nil
		}
		if err != nil || n < -60 || n > 60 {
			return rule{}, fmt.Errorf("%q is not a day near Easter, like easter+1", text)
		}
		return rule{easter: true, offset: n}, nil
	}
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		return rule{year: t.Year(), month: t.Month(), day: t.Day()}, nil
	}
	if t, err := time.Parse(time.DateOnly, "2024-"+text); err == nil { // a leap year, so that 02-29 is a day
		return rule{month: t.Month(), day: t.Day()}, nil
	}
	return rule{}, fmt.Errorf("%q is not a day: write public, 2026-12-24, 12-24 or easter+1", text)
}

// publicRules lists the rules of a country and of the one that it is a part of.
func publicRules(country string) []string {
	var rules []string
	for line := range strings.Lines(holidaysText) {
		line, _, _ = strings.Cut(line, "#")
		f := strings.Fields(line)
		switch {
		case len(f) < 2 || f[0] != country:
		case len(f) == 2:
			rules = append(rules, publicRules(f[1])...)
		default:
			rules = append(rules, f[1])
		}
	}
	return rules
}

// Easter returns Easter Sunday of a year of the Gregorian calendar, by the algorithm of Meeus, Jones and Butcher.
func Easter(year int) (time.Month, int) {
	a, b, c := year%19, year/100, year%100
	d, e := b/4, b%4
	f := (b + 8) / 25
	g := (b - f + 1) / 3
	h := (19*a + b - d - g + 15) % 30
	i, k := c/4, c%4
	l := (32 + 2*e + 2*i - h - k) % 7
	m := (a + 11*h + 22*l) / 451
	n := h + l - 7*m + 114
	return time.Month(n / 31), n%31 + 1
}
