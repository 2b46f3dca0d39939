package policy

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func withSecrets(t testing.TB, p *Policy) *Policy {
	t.Helper()
	p.secrets(func(path string, s *Secret) {
		switch {
		case *s == SecretMask && strings.HasSuffix(path, ".stir.key"):
			*s = Secret(keyPEM(t, exampleStirKey(t)))
		case *s == SecretMask && strings.HasSuffix(path, ".key"):
			*s = Secret(keyPEM(t, exampleKey()))
		case *s == SecretMask:
			*s = "hunter2: 'hunter2' # \\hunter2"
		}
	})
	return p
}

func canonical(t testing.TB, p *Policy) string {
	t.Helper()
	doc, err := p.Canonical()
	if err != nil {
		t.Fatalf("Canonical: %v", err)
	}
	return string(doc)
}

// Golden: testdata/canonical.yaml is what the store holds after the example was imported, with certificates pasted in.
func TestTheCanonicalFormIsStable(t *testing.T) {
	p := withSecrets(t, mustParse(t, example))
	pem, err := os.ReadFile("testdata/authorities.pem")
	if err != nil {
		t.Fatal(err)
	}
	p.PBX.TLS.Trust = tidyTrust(string(pem))
	got := regexp.MustCompile(`(?s)-----BEGIN PRIVATE KEY.*?END PRIVATE KEY-----`).ReplaceAllString(canonical(t, p), "(the key)")
	if *update {
		if err := os.WriteFile("testdata/canonical.yaml", []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/canonical.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("-golden +got:\n%s", diff)
	}
	doc := canonical(t, p)
	if again := canonical(t, mustParse(t, doc)); again != doc {
		t.Error("writing what was read back gives another document")
	}
}

// The YAML library's own strict decoder is the second reader: it finds in the canonical form what was meant.
func TestTheCanonicalFormIsPlainYAMLForOthers(t *testing.T) {
	for _, doc := range []string{small, example} {
		p := withSecrets(t, mustParse(t, doc))
		pem, err := authorities()
		if err != nil {
			t.Fatal(err)
		}
		p.Trunks[0].TLS.Trust = tidyTrust(pem)
		var other Policy
		if err := yaml.UnmarshalWithOptions([]byte(canonical(t, p)), &other, yaml.Strict()); err != nil {
			t.Fatal(err)
		}
		other.fill()
		if diff := cmp.Diff(p, &other, byValue); diff != "" {
			t.Error(diff)
		}
	}
}

// Derived values must not be frozen by an export: who changes the address in it means the prefixes too.
func TestAnExportLeavesOutWhatFollowsFromTheRest(t *testing.T) {
	doc, err := mustParse(t, small).Redacted()
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"prefixes", "public_address", "sources", "outbound_proxy", "auth_user", "server_name"} {
		if strings.Contains(string(doc), key) {
			t.Errorf("the export of a small document holds %s:\n%s", key, doc)
		}
	}
	moved := mustParse(t, strings.ReplaceAll(strings.ReplaceAll(string(doc), "192.0.2.", "203.0.113."), `"***"`, "hunter2-hunter2-hunter2"))
	if got := moved.Admin.Sources[0].String(); got != "203.0.113.0/24" {
		t.Errorf("after moving the office the page is open for %s", got)
	}
}

func TestAnExportHoldsNoSecretAndCanBeImportedAgain(t *testing.T) {
	p := withSecrets(t, mustParse(t, example))
	doc, err := p.Redacted()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(doc), "hunter2") {
		t.Fatalf("the export holds a secret:\n%s", doc)
	}
	again := mustParse(t, string(doc))
	if faults := FillSecrets(again, p); faults != nil {
		t.Fatal(faults)
	}
	if diff := cmp.Diff(p, again, byValue); diff != "" {
		t.Error(diff)
	}
}

// Any text that a policy may hold survives being written and read, whatever it means to YAML.
func TestAnyTextSurvivesTheStore(t *testing.T) {
	base := withSecrets(t, mustParse(t, example))
	odd := []rune(" :#-?!&*|>'\"%@`{}[],\\/~=<+.0123456789abcdefnoyeEx_éß漢\U0001F511")
	rapid.Check(t, func(rt *rapid.T) {
		p := base.clone()
		text := rapid.StringOfN(rapid.SampledFrom(odd), 16, 40, -1)
		p.PBX.Secret = Secret(text.Draw(rt, "secret"))
		p.Trunks[0].Accounts[0].Secret = Secret(text.Draw(rt, "secret"))
		p.Site.Name = rapid.StringOfN(rapid.SampledFrom(odd), 1, 12, -1).Draw(rt, "name")
		p.Trunks[0].Accounts[0].User = rapid.StringOfN(rapid.SampledFrom(odd), 1, 12, -1).Draw(rt, "user")
		p.Trunks[0].Accounts[0].AuthUser = rapid.SampledFrom([]string{"null", "true", "0x10", "1e3", "~", "-", "no", "2024-01-01", "1:30", "0o17", ".5", "<<", "=", "---", "..."}).Draw(rt, "auth user")
		if p.Check() != nil {
			rt.Skip("not a policy")
		}
		if _, err := p.Canonical(); err != nil {
			rt.Fatal(err)
		}
	})
}
