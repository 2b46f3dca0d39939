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

func TestAKeptPolicyIsReadWhateverIsThoughtOfItsPasswordsLater(t *testing.T) {
	doc := strings.Replace(small, "hunter2-hunter2-hunter2", "pin4711", 1)
	if _, err := Parse([]byte(doc)); err == nil {
		t.Error("a weak password came in")
	}
	if p, err := ParseKept([]byte(doc)); err != nil || p.Trunks[0].Accounts[0].Secret.Reveal() != "pin4711" {
		t.Errorf("%v", err)
	}
	if _, err := ParseKept([]byte(strings.Replace(doc, "country: FR", "country: ZZ", 1))); err == nil {
		t.Error("other faults pass")
	}
}

func TestThePBXsSecretIsKeptAsHashes(t *testing.T) {
	doc := strings.Replace(small, "address: 192.0.2.20\n", "address: 192.0.2.20\n  authentication: digest\n  user: x42\n  secret: hunter2-hunter2-hunter3\n", 1)
	p := mustParse(t, doc)
	p.HashSecrets()
	kept := canonical(t, p)
	if strings.Contains(kept, "hunter3") {
		t.Fatalf("the store has the secret:\n%s", kept)
	}
	again := mustParse(t, kept)
	again.HashSecrets()
	strong, old, is := again.PBX.Secret.Hashes()
	// printf x42:tollgate:hunter2-hunter2-hunter3 | sha256sum, md5sum
	if !is || again.PBX.Secret != p.PBX.Secret || len(strong) != 64 || len(old) != 32 {
		t.Errorf("%q %q", strong, old)
	}
	masked := mustParse(t, strings.Replace(doc, "hunter2-hunter2-hunter3", `"***"`, 1))
	if faults := FillSecrets(masked, again); faults != nil || masked.PBX.Secret != p.PBX.Secret || masked.Check() != nil {
		t.Errorf("a mask did not take it: %v", faults)
	}
	if changes := Diff(again, masked); len(changes) != 0 {
		t.Errorf("%v", changes)
	}
}
