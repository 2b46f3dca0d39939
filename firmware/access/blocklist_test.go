package access

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestABlockListIsOneSourceALine(t *testing.T) {
	list, err := ReadBlockList("# scanners\n203.0.113.7\n\n198.51.100.0/24  # a provider\r\n  2001:db8:bad::/48\n2001:db8::1")
	if got := fmt.Sprint(list); err != nil || got != "[203.0.113.7/32 198.51.100.0/24 2001:db8:bad::/48 2001:db8::1/128]" {
		t.Errorf("%s, %v", got, err)
	}
	if list, err := ReadBlockList(""); err != nil || len(list) != 0 {
		t.Errorf("an empty list: %v, %v", list, err)
	}
}

func TestWhatIsWrongInABlockListIsToldWithItsLine(t *testing.T) {
	for text, want := range map[string]string{
		"203.0.113.7\nscanner.example\n": `line 2: "scanner.example" is neither`,
		"203.0.113.7/24":                 "line 1: 203.0.113.7/24 has bits beyond its length; write 203.0.113.0/24",
		"0.0.0.0/0":                      "no address",
		"16.0.0.0/4":                     "too wide",
		"127.0.0.1":                      "no address that packets come from",
		"::ffff:203.0.113.7":             "write it as IPv4",
		"fe80::1%eth0":                   "neither",
		"203.0.113.7, 203.0.113.8":       "neither",
		strings.Repeat("a", 300):         "too long",
		strings.Repeat("x\n", 100):       "line 20: \"x\"",
		"\n\n1.2.3.4.5\n::1\n":           "line 4: ::1 is no address",
	} {
		list, err := ReadBlockList(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.30q: %v, %v; want %q", text, list, err, want)
		}
	}
}

func TestAHundredThousandLinesAreReadInASecond(t *testing.T) {
	var b strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&b, "%d.%d.%d.7 # %d\n", 11+i>>16, i>>8&255, i&255, i)
	}
	start := time.Now()
	list, err := ReadBlockList(b.String())
	if took := time.Since(start); err != nil || len(list) != 100_000 || took > time.Second {
		t.Errorf("%d sources in %v, %v", len(list), took, err)
	}
	if _, err := ReadBlockList(strings.Repeat("203.0.113.7\n", MostBlocked+1)); err == nil || !strings.Contains(err.Error(), "networks instead") {
		t.Errorf("too many: %v", err)
	}
}

func FuzzReadBlockList(f *testing.F) {
	f.Add("# x\n203.0.113.7\n2001:db8::/32")
	f.Fuzz(func(t *testing.T, text string) {
		list, err := ReadBlockList(text)
		for _, p := range list {
			if err == nil && (!p.IsValid() || p.Masked() != p || p.Bits() < 8) {
				t.Errorf("%v was read", p)
			}
		}
	})
}
