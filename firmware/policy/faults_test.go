package policy

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write the goldens anew")

// Every golden holds documents and, behind each, what `tollgate check` prints about it.
func TestEveryFaultIsToldWithItsPlaceAndARemedy(t *testing.T) {
	files, err := filepath.Glob("testdata/faults/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no goldens: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) { checkGolden(t, file) })
	}
}

func checkGolden(t *testing.T, file string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(archive.Files); i += 2 {
		doc, golden := archive.Files[i], &archive.Files[i+1]
		got := faultsOf(t, doc)
		if strings.Contains(got, "hunter2") {
			t.Errorf("%s: a fault repeats a secret:\n%s", doc.Name, got)
		}
		if *update {
			golden.Data = []byte(got)
		}
		if diff := cmp.Diff(string(golden.Data), got); diff != "" {
			t.Errorf("%s (-golden +got):\n%s", doc.Name, diff)
		}
	}
	if *update {
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func faultsOf(t *testing.T, doc txtar.File) string {
	t.Helper()
	p, err := Parse(doc.Data)
	var faults Faults
	if !errors.As(err, &faults) || p != nil {
		t.Errorf("%s: Parse gave %v and %v, want Faults alone", doc.Name, p, err)
		return ""
	}
	for _, f := range faults {
		if f.Problem == "" || strings.Contains(f.String(), "\n") {
			t.Errorf("%s: fault %q is not one line with a problem", doc.Name, f)
		}
	}
	return err.Error() + "\n"
}

// The faults found in the golden that holds everything at once are of at least ten kinds.
func TestOneDocumentShowsTenKindsOfFaultAtOnce(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/faults/many.txtar")
	if err != nil {
		t.Fatal(err)
	}
	got := bytes.Split(bytes.TrimSpace(archive.Files[1].Data), []byte("\n"))
	if len(got) < 20 {
		t.Errorf("%d faults, want 20 and more", len(got))
	}
	text := string(archive.Files[1].Data)
	for _, kind := range []string{
		"is not a known key", "is not an address", "is not written in capital letters", "is not a time zone",
		"overlaps", "true or false where", "is not inside the office", "is missing", "needs transport: tls",
		"is the name of", "belongs to", "where 16 are the least", "is not PEM", "no trunk named", "a number is expected", "is not a port",
	} {
		if !strings.Contains(text, kind) {
			t.Errorf("no fault says %q", kind)
		}
	}
}
