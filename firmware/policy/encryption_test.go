package policy

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestEncryptionWithoutTLSIsPermittedByNameAndWarnedOf(t *testing.T) {
	p := mustParse(t, strings.Replace(small, "192.0.2.20\n", "192.0.2.20\n  srtp: required\n  keys_in_clear: accepted\n", 1))
	if !slices.Equal(p.PBX.Suites, DefaultSuites()) {
		t.Errorf("suites %v", p.PBX.Suites)
	}
	w := p.Warnings(time.Now())
	if len(w) != 1 || w[0].Path != "pbx.keys_in_clear" || !strings.Contains(w[0].Text, "over udp") {
		t.Errorf("warnings %v", w)
	}
}

func TestAHandshakeNeedsNoTLSAndIsWarnedOfWithoutIt(t *testing.T) {
	p := mustParse(t, strings.Replace(small, "192.0.2.20\n", "192.0.2.20\n  srtp: required\n  keying: [dtls]\n", 1))
	w := p.Warnings(time.Now())
	if len(w) != 1 || w[0].Path != "pbx.keying" || !strings.Contains(w[0].Text, "over udp") {
		t.Errorf("warnings %v", w)
	}
}

func TestTheDefaultSuitesLeaveOutShortTags(t *testing.T) {
	for _, s := range DefaultSuites() {
		if strings.HasSuffix(string(s), "_32") || !slices.Contains(Suites(), s) {
			t.Errorf("%s is a default", s)
		}
	}
	if p := mustParse(t, example); len(p.PBX.Suites) != 4 || p.Trunks[1].Suites != nil {
		t.Errorf("suites %v and, without encryption, %v", p.PBX.Suites, p.Trunks[1].Suites)
	}
}
