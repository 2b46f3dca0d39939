package credential

import (
	"math"
	"slices"
)

// The years that people write, and what a date of them costs to guess.
const (
	firstYear, lastYear = 1900, 2050
	daysOfYear          = 31 * 12 // about
	separatorBits       = 2
)

// separators stand between the parts of a date.
var separators = []rune(" -/\\_.")

// dateShapes are how many digits the parts of a date have. A year has four, or two; the other parts are a day and a month, in this
// order or the other.
var dateShapes = [][]int{
	{4}, {1, 1, 2}, {1, 2, 2}, {2, 1, 2}, {2, 2, 2}, {1, 1, 4}, {1, 2, 4}, {2, 1, 4}, {2, 2, 4},
	{2, 1, 1}, {2, 1, 2}, {2, 2, 1}, {4, 1, 1}, {4, 1, 2}, {4, 2, 1}, {4, 2, 2},
}

// datesIn finds years, and dates with and without separators.
func datesIn(text []rune) (found []pattern) {
	for from := range text {
		for _, shape := range dateShapes {
			for _, apart := range []bool{false, true} {
				if to, bits := dateAt(text, from, shape, apart); to > 0 {
					found = append(found, pattern{from, to, bits})
				}
			}
		}
	}
	return found
}

// dateAt reads a date of a shape, with separators or without, and returns where it ends; 0: there is none.
func dateAt(text []rune, from int, shape []int, apart bool) (to int, bits float64) {
	var parts []int
	at := from
	for i, digits := range shape {
		if apart && i > 0 {
			if at == len(text) || !slices.Contains(separators, text[at]) {
				return 0, 0
			}
			at++
		}
		if len(text)-at < digits {
			return 0, 0
		}
		part := 0
		for _, r := range text[at : at+digits] {
			if r < '0' || r > '9' {
				return 0, 0
			}
			part = 10*part + int(r-'0')
		}
		parts, at = append(parts, part), at+digits
	}
	years, ok := yearsOf(shape, parts)
	if !ok {
		return 0, 0
	}
	bits = math.Log2(years)
	if len(shape) > 1 {
		bits += math.Log2(daysOfYear)
	}
	if apart && len(shape) > 1 {
		bits += separatorBits
	}
	return at, bits
}

// yearsOf says whether the parts are a date, or a year alone, and among how many years it is one.
func yearsOf(shape, parts []int) (years float64, ok bool) {
	if len(parts) == 1 {
		return lastYear - firstYear + 1, parts[0] >= firstYear && parts[0] <= lastYear
	}
	last := len(parts) - 1
	for _, year := range []int{0, last} {
		if shape[year] < 2 {
			continue
		}
		one, other := parts[1], parts[last-year]
		if !(one >= 1 && one <= 31 && other >= 1 && other <= 31 && min(one, other) <= 12) {
			continue
		}
		if shape[year] == 4 && parts[year] >= firstYear && parts[year] <= lastYear {
			return lastYear - firstYear + 1, true
		}
		if shape[year] == 2 {
			years, ok = 100, true
		}
	}
	return years, ok
}
