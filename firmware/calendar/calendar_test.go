package calendar

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// Dates of Easter as the churches publish them, with the earliest and the latest that there can be.
func TestEasterFallsWhereItDoes(t *testing.T) {
	for _, want := range []string{
		"1818-03-22", "1943-04-25", "1999-04-04", "2000-04-23", "2008-03-23", "2019-04-21", "2024-03-31", "2025-04-20",
		"2026-04-05", "2027-03-28", "2028-04-16", "2029-04-01", "2030-04-21", "2038-04-25", "2285-03-22",
	} {
		var year int
		fmt.Sscanf(want, "%d", &year)
		m, d := Easter(year)
		if got := fmt.Sprintf("%04d-%02d-%02d", year, m, d); got != want {
			t.Errorf("Easter %s, want %s", got, want)
		}
	}
	for year := 1583; year < 4000; year++ {
		if m, d := Easter(year); time.Date(year, m, d, 0, 0, 0, 0, time.UTC).Weekday() != time.Sunday {
			t.Fatalf("Easter of %d is no Sunday", year)
		}
	}
}

func list(h Holidays, year int) (days []string) {
	for d := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC); d.Year() == year; d = d.AddDate(0, 0, 1) {
		if h.On(d.Year(), d.Month(), d.Day()) {
			days = append(days, d.Format("01-02"))
		}
	}
	return days
}

func TestTheHolidaysOfFrance(t *testing.T) {
	for _, c := range []struct {
		country string
		year    int
		want    string
	}{
		{"FR", 2026, "01-01 04-06 05-01 05-08 05-14 05-25 07-14 08-15 11-01 11-11 12-25"},
		{"FR", 2027, "01-01 03-29 05-01 05-06 05-08 05-17 07-14 08-15 11-01 11-11 12-25"},
		{"FR", 2008, "01-01 03-24 05-01 05-08 05-12 07-14 08-15 11-01 11-11 12-25"}, // Ascension on Labour Day
		{"RE", 2026, "01-01 04-06 05-01 05-08 05-14 05-25 07-14 08-15 11-01 11-11 12-20 12-25"},
		{"GP", 2026, "01-01 04-06 05-01 05-08 05-14 05-25 05-27 07-14 08-15 11-01 11-11 12-25"},
	} {
		h, err := New(c.country, []string{Public})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(list(h, c.year), " "); got != c.want {
			t.Errorf("%s %d: %s, want %s", c.country, c.year, got, c.want)
		}
	}
}

func TestRulesMeanTheirDays(t *testing.T) {
	h, err := New("DE", []string{"2026-12-24", "12-31", "easter-2", "easter", "02-29"})
	if err != nil {
		t.Fatal(err)
	}
	if got := list(h, 2026); !slices.Equal(got, []string{"04-03", "04-05", "12-24", "12-31"}) {
		t.Errorf("2026: %v", got)
	}
	if got := list(h, 2028); !slices.Equal(got, []string{"02-29", "04-14", "04-16", "12-31"}) {
		t.Errorf("2028: %v", got)
	}
	for _, bad := range []string{"", "24.12.", "13-01", "02-30", "2026-02-29", "easter+x", "easter+100", "easter +1", "Public", "1-1", "26-12-24"} {
		if _, err := New("FR", []string{bad}); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
	if _, err := New("DE", []string{Public}); err == nil || Known("DE") || !Known("FR") {
		t.Errorf("the holidays of a country that is not in the file: %v", err)
	}
}

func TestEveryLineOfTheFileIsARule(t *testing.T) {
	for line := range strings.Lines(holidaysText) {
		line, _, _ = strings.Cut(line, "#")
		if f := strings.Fields(line); len(f) > 0 {
			if _, err := New(f[0], []string{Public}); err != nil {
				t.Errorf("%s: %v", f[0], err)
			}
		}
	}
}

func FuzzARuleNeverPanics(f *testing.F) {
	for _, s := range []string{"12-24", "2026-12-24", "easter-60", "public", "easter+9999999999999999999"} {
		f.Add(s, 2026)
	}
	f.Fuzz(func(t *testing.T, s string, year int) {
		if h, err := New("FR", []string{s}); err == nil && year > 0 && year < 1_000_000 {
			h.On(year, time.December, 24)
		}
	})
}
