package policy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDiffTellsWhatChanges(t *testing.T) {
	for _, c := range []struct {
		name     string
		old, new string // replaced in the small document
		want     []string
	}{
		{"nothing", "", "", nil},
		{"a value", "name: Lyon", "name: Nice", []string{"site.name: Lyon -> Nice"}},
		{"a default taken back", "192.0.2.20\n", "192.0.2.20\n  codecs: [PCMU]\n", []string{"pbx.codecs: PCMA, PCMU -> PCMU"}},
		{"order", "192.0.2.20\n", "192.0.2.20\n  codecs: [PCMU, PCMA]\n", []string{"pbx.codecs: PCMA, PCMU -> PCMU, PCMA"}},
		{"an address, and not what follows from it", "192.0.2.20\n", "192.0.2.21\n", []string{"pbx.address: 192.0.2.20:5060 -> 192.0.2.21:5060"}},
		{"a secret", "hunter2-hunter2-hunter2", "hunter2-hunter2-hunter3", []string{"trunks[carrier-a].accounts[alice].secret: *** -> *** (changed)"}},
		{"an added key", "    accounts:", "    caps: {calls: 4}\n    accounts:", []string{"trunks[carrier-a].caps.calls: added 4"}},
		{"a rule, a cap and a group", "pbx:", "admission:\n  groups: [{name: desk, members: [\"101\"]}]\n  rules: [{name: r, action: deny, groups: [desk]}]\n  caps: [{name: c, calls: 1}]\npbx:", []string{
			"admission.groups[desk].name: added desk", "admission.groups[desk].members: added 101",
			"admission.rules[r].name: added r", "admission.rules[r].action: added deny", "admission.rules[r].direction: added out", "admission.rules[r].groups: added desk",
			"admission.caps[c].name: added c", "admission.caps[c].calls: added 1",
		}},
		{"a renamed trunk", "carrier-a", "carrier-b", []string{
			"trunks[carrier-a].name: removed carrier-a", "trunks[carrier-a].domain: removed carrier.example",
			"trunks[carrier-a].registrar: removed sip.carrier.example", "trunks[carrier-a].transport: removed tls",
			"trunks[carrier-a].accounts[alice].user: removed alice", "trunks[carrier-a].accounts[alice].secret: removed ***",
			"trunks[carrier-a].accounts[alice].numbers: removed +33423456700", "trunks[carrier-a].media_latching: removed dynamic-strict", "trunks[carrier-a].srtp: removed required",
			"trunks[carrier-a].keying: removed sdes",
			"trunks[carrier-a].suites: removed AES_CM_128_HMAC_SHA1_80, AEAD_AES_128_GCM, AES_256_CM_HMAC_SHA1_80, AEAD_AES_256_GCM", "trunks[carrier-a].codecs: removed PCMA, PCMU",
			"trunks[carrier-a].number_format: removed e164", "trunks[carrier-a].dtmf: removed pass", "trunks[carrier-a].unowned_numbers: removed replace",
			"trunks[carrier-b].name: added carrier-b", "trunks[carrier-b].domain: added carrier.example",
			"trunks[carrier-b].registrar: added sip.carrier.example", "trunks[carrier-b].transport: added tls",
			"trunks[carrier-b].accounts[alice].user: added alice", "trunks[carrier-b].accounts[alice].secret: added ***",
			"trunks[carrier-b].accounts[alice].numbers: added +33423456700", "trunks[carrier-b].media_latching: added dynamic-strict", "trunks[carrier-b].srtp: added required",
			"trunks[carrier-b].keying: added sdes",
			"trunks[carrier-b].suites: added AES_CM_128_HMAC_SHA1_80, AEAD_AES_128_GCM, AES_256_CM_HMAC_SHA1_80, AEAD_AES_256_GCM", "trunks[carrier-b].codecs: added PCMA, PCMU",
			"trunks[carrier-b].number_format: added e164", "trunks[carrier-b].dtmf: added pass", "trunks[carrier-b].unowned_numbers: added replace",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := changes(Diff(mustParse(t, small), mustParse(t, strings.Replace(small, c.old, c.new, 1))))
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func changes(list []Change) []string {
	var lines []string
	for _, c := range list {
		lines = append(lines, c.String())
	}
	return lines
}

func TestDiffOfALongListTellsTheDifferenceOnly(t *testing.T) {
	old, new := mustParse(t, small), mustParse(t, small)
	var numbers []string
	for i := range 1000 {
		numbers = append(numbers, fmt.Sprintf("+334234567%03d", i))
	}
	old.Trunks[0].Accounts[0].Numbers = numbers
	new.Trunks[0].Accounts[0].Numbers = append(numbers[1:900:900], "+33999999999")
	got := changes(Diff(old, new))
	want := []string{"trunks[carrier-a].accounts[alice].numbers: +334234567000, +334234567900, +334234567901, +334234567902, " +
		"+334234567903, +334234567904, +334234567905, +334234567906 and 93 more -> +33999999999"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	new.Trunks[0].Accounts[0].Numbers = append(numbers[1:1000:1000], numbers[0])
	if got := changes(Diff(old, new)); len(got) != 1 || !strings.HasSuffix(got[0], "(in another order)") && !strings.Contains(got[0], " -> ") {
		t.Errorf("another order: %q", got)
	}
}

func TestDiffTellsTheOrderOfTrunks(t *testing.T) {
	old, new := mustParse(t, small), mustParse(t, small)
	second := old.Trunks[0]
	second.Name = "carrier-b"
	old.Trunks = []Trunk{old.Trunks[0], second}
	new.Trunks = []Trunk{second, new.Trunks[0]}
	want := []string{"trunks: carrier-a, carrier-b -> carrier-b, carrier-a"}
	if diff := cmp.Diff(want, changes(Diff(old, new))); diff != "" {
		t.Error(diff)
	}
}

func TestDiffFromNothingAddsEverything(t *testing.T) {
	got := changes(Diff(nil, mustParse(t, small)))
	text := strings.Join(got, "\n")
	if !strings.Contains(text, "version: added 1\nsite.name: added Lyon") || strings.Contains(text, "hunter2") || len(got) < 20 {
		t.Errorf("%d changes:\n%s", len(got), text)
	}
}

func TestDiffShowsCertificatesByTheirFingerprint(t *testing.T) {
	doc, err := authorities()
	if err != nil {
		t.Fatal(err)
	}
	old, new := mustParse(t, small), mustParse(t, small)
	new.Trunks[0].TLS.Trust = tidyTrust(doc)
	got := changes(Diff(old, new))
	if len(got) != 1 || !strings.HasPrefix(got[0], "trunks[carrier-a].tls.trust: added certificates: 2 (SHA-256 of all: ") {
		t.Errorf("%q", got)
	}
}
