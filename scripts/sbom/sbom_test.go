package main

import (
	"debug/buildinfo"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
	"testing"
)

// some are parts of every kind.
func some(t *testing.T) []part {
	t.Helper()
	info := &buildinfo.BuildInfo{GoVersion: "go1.26.8", Deps: []*debug.Module{
		{Path: "go.etcd.io/bbolt", Version: "v1.5.0"},
		{Path: "example.com/old", Version: "v1", Replace: &debug.Module{Path: "example.com/New", Version: "v2+x"}},
	}}
	page := t.TempDir()
	for name, content := range map[string]string{
		"package.json": `{"dependencies":{"@fonts/mono":"5.3.0","fetch":"0.17.0"}}`, "node_modules/@fonts/mono/LICENSE": "the font's terms\n",
	} {
		path := filepath.Join(page, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	built, err := web([]byte(`[{"name":"fetch","version":"0.17.0","identifier":"MIT","text":"use it"}]`), page)
	if err != nil {
		t.Fatal(err)
	}
	list := append(append(modules(info), built...), debian("ca-certificates 20250419~deb12u2 "+strings.Repeat("ab", 32)+"\nhalf line\n")...)
	for n := range list {
		if list[n].Terms == nil {
			list[n].Terms = []text{{"LICENSE", "as is; see /usr/share/common-licenses/GPL-2."}}
		}
	}
	return list
}

func TestAListNamesModulesThePageAndPackages(t *testing.T) {
	want := []string{
		"pkg:golang/stdlib@1.26.8", "pkg:golang/go.etcd.io/bbolt@v1.5.0", "pkg:golang/example.com/new@v2%2Bx",
		"pkg:npm/%40fonts/mono@5.3.0", "pkg:npm/fetch@0.17.0", "pkg:deb/debian/ca-certificates@20250419~deb12u2",
	}
	got := some(t)
	if len(got) != len(want) {
		t.Fatalf("%+v", got)
	}
	for i := range want {
		if got[i].URL != want[i] {
			t.Errorf("%s, want %s", got[i].URL, want[i])
		}
	}
}

// What CycloneDX's schema asks for beyond what the types here say. Releases were held against the schema itself.
func TestTheBillOfMaterialsIsOneOfCycloneDX(t *testing.T) {
	var first, second strings.Builder
	for _, b := range []*strings.Builder{&first, &second} {
		if err := writeBOM(b, "1.2.3 (abc)", 1700000000, some(t)); err != nil {
			t.Fatal(err)
		}
	}
	if first.String() != second.String() {
		t.Error("the same parts make another list")
	}
	var d document
	if err := json.Unmarshal([]byte(first.String()), &d); err != nil {
		t.Fatal(err)
	}
	if d.Format != "CycloneDX" || d.Version != "1.5" || d.Revision < 1 || d.Metadata.Timestamp != "2023-11-14T22:13:20Z" {
		t.Errorf("head: %+v", d)
	}
	if !regexp.MustCompile(`^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(d.Serial) {
		t.Errorf("serial number %s", d.Serial)
	}
	if own := d.Metadata.Component; own.Type != "firmware" || len(own.Licences) != 1 || own.Licences[0].License.Name != ours {
		t.Errorf("the box itself: %+v", own)
	}
	refs := map[string]bool{d.Metadata.Component.Ref: true}
	for _, c := range d.Components {
		if c.Name == "" || c.Version == "" || c.Type != "library" || refs[c.Ref] {
			t.Errorf("%+v", c)
		}
		refs[c.Ref] = true
		for _, h := range c.Hashes {
			if h.Algorithm != "SHA-256" || !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(h.Content) {
				t.Errorf("%s: %+v", c.Name, h)
			}
		}
		for _, l := range c.Licences {
			if (l.License.ID == "") == (l.License.Name == "") {
				t.Errorf("%s: %+v", c.Name, l)
			}
		}
	}
}

func TestTermsArePrintedOnceWithWhatTheyName(t *testing.T) {
	common := t.TempDir()
	if err := os.WriteFile(filepath.Join(common, "GPL-2"), []byte("the whole GPL\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := writeTerms(&b, "1.2.3", some(t), common); err != nil {
		t.Fatal(err)
	}
	got := b.String()
	for what, want := range map[string]int{
		"as is; see": 1, "LICENSE: the same as LICENSE of stdlib": 3, "the font's terms": 1, "use it": 1, "the whole GPL": 1, "given no licence": 1,
		"\nca-certificates 20250419~deb12u2\n====": 1,
	} {
		if n := strings.Count(got, what); n != want {
			t.Errorf("%d times %q, want %d:\n%s", n, what, want, got)
		}
	}
	if err := writeTerms(&b, "1.2.3", some(t), t.TempDir()); err == nil {
		t.Error("a licence that is named and not there is left out")
	}
}

func TestWhoHasNoTermsIsAnError(t *testing.T) {
	if list, err := termsIn(os.DirFS(t.TempDir())); err == nil {
		t.Errorf("%+v", list)
	}
	if _, err := web([]byte(`[{"name":"x"}]`), t.TempDir()); err == nil {
		t.Error("a package of the page without terms")
	}
	if err := findPackages([]part{{Name: "x"}}, t.TempDir()); err == nil {
		t.Error("a package of Debian without terms")
	}
}

// The modules that this very program was built from are where Go keeps them.
func TestTermsOfModulesAreFound(t *testing.T) {
	list := modules(&buildinfo.BuildInfo{GoVersion: "go1.26", Deps: []*debug.Module{{Path: "golang.org/x/sys", Version: sysVersion(t)}}})
	if err := findModules(list); err != nil {
		t.Fatal(err)
	}
	for _, p := range list {
		if len(p.Terms) != 2 || !strings.Contains(p.Terms[0].Content, "The Go Authors") {
			t.Errorf("%s: %+v", p.Name, p.Terms)
		}
	}
}

// sysVersion is the version of a module that the tree requires.
func sysVersion(t *testing.T) string {
	t.Helper()
	lines, err := ask("go", "list", "-m", "-f", "{{.Version}}", "golang.org/x/sys")
	if err != nil {
		t.Fatal(err)
	}
	return lines[0]
}
