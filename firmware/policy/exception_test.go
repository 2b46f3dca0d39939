package policy

import (
	"strings"
	"testing"
	"time"
)

func TestAnExceptionForAWeakPasswordIsWarnedOfAndEnds(t *testing.T) {
	doc := strings.Replace(small, "hunter2-hunter2-hunter2", "pin4711\n        weak_secret: {reason: the carrier gives out PINs, until: 2027-03-31}", 1)
	if _, err := Parse([]byte(strings.Replace(doc, "reason: the carrier gives out PINs, until: 2027-03-31", "", 1))); err == nil {
		t.Error("an empty exception lets a weak password pass")
	}
	p := mustParse(t, doc)
	for _, c := range []struct {
		day    string
		lapsed bool
		says   string
	}{
		{"2026-11-22", false, "counts until 2027-03-31"},
		{"2027-03-20", false, "ends on 2027-03-31"},
		{"2027-03-31", false, "ends on 2027-03-31"},
		{"2027-04-01", true, "has ended on 2027-03-31"},
	} {
		day, _ := time.Parse(time.DateOnly, c.day)
		now := day.Add(23 * time.Hour)
		faults := p.Lapsed(now)
		if (len(faults) == 1) != c.lapsed || c.lapsed && faults[0].Path != "trunks[0].accounts[0].weak_secret.until" {
			t.Errorf("%s: %v", c.day, faults)
		}
		if all := warningsOf(p, now); !strings.Contains(all, c.says) || strings.Contains(all, "pin4711") {
			t.Errorf("%s: %s", c.day, all)
		}
	}
	better := mustParse(t, strings.Replace(doc, "pin4711", "4Kq9mZt7xW2vRb8n", 1))
	if faults := better.Lapsed(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)); len(faults) != 0 {
		t.Errorf("a strong password needs no exception: %v", faults)
	}
	if all := warningsOf(better, time.Now()); !strings.Contains(all, "strong enough now") {
		t.Errorf("%s", all)
	}
}

func warningsOf(p *Policy, now time.Time) string {
	var b strings.Builder
	for _, w := range p.Warnings(now) {
		b.WriteString(w.String() + "\n")
	}
	return b.String()
}
