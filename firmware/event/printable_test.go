package event

import (
	"strings"
	"testing"
)

func TestNothingPrintableHidesOrBreaksALine(t *testing.T) {
	for said, want := range map[string]string{
		"Élodie 101":             "Élodie 101",
		"one\r\nVia: two\x00":    "oneVia: two",
		"\x7fdel \xffnot UTF-8":  "del not UTF-8",
		strings.Repeat("é", 100): strings.Repeat("é", 64),
	} {
		if got := Printable(said); got != want {
			t.Errorf("%q is shown as %q, want %q", said, got, want)
		}
	}
}
