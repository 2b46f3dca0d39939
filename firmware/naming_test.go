package main

import (
	"slices"
	"testing"
)

func TestTheBoxHasANameOfItsOwnBesidesTheUsualOne(t *testing.T) {
	for serial, want := range map[string][]string{
		"10000000ABCDEF12": {"tollgate.local", "tollgate-10000000abcdef12.local"},
		"To be filled.":    {"tollgate.local", "tollgate-tobefilled.local"},
		"":                 {"tollgate.local"},
		"0123456789012345678901234567890123456789": {"tollgate.local", "tollgate-01234567890123456789012345678901.local"},
	} {
		if got := linkNames(serial); !slices.Equal(got, want) {
			t.Errorf("%q: %v", serial, got)
		}
	}
}
