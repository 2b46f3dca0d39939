package policy

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// FuzzParse holds Parse to its promises: Faults or a policy; a policy without faults; written and read, the same again.
func FuzzParse(f *testing.F) {
	f.Add([]byte(small))
	f.Add(Example())
	files, _ := filepath.Glob("testdata/faults/*.txtar")
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, doc := range archive.Files {
			f.Add(doc.Data)
		}
	}
	if doc, err := os.ReadFile("testdata/canonical.yaml"); err == nil {
		f.Add(doc)
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		p, err := Parse(doc)
		var faults Faults
		if err != nil && (!errors.As(err, &faults) || len(faults) == 0 || p != nil) {
			t.Fatalf("Parse gave %v and %v", p, err)
		}
		if err != nil {
			return
		}
		if faults := p.Check(); faults != nil {
			t.Fatalf("Parse accepted what Check refuses: %v", faults)
		}
		roundTrip(t, p)
	})
}

func roundTrip(t *testing.T, p *Policy) {
	t.Helper()
	doc, err := p.Redacted()
	if err != nil {
		t.Fatal(err)
	}
	again := mustParse(t, string(doc))
	if faults := FillSecrets(again, p); !p.masked() && faults != nil {
		t.Fatal(faults)
	}
	if changes := Diff(p, again); changes != nil {
		t.Fatalf("an export is not what it exports: %v", changes)
	}
	if p.masked() {
		return
	}
	if _, err := p.Canonical(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p, again, byValue); diff != "" {
		t.Fatal(diff)
	}
}
