package api

import (
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// update rewrites the goldens: go test ./firmware/api -update
var update = flag.Bool("update", false, "rewrite the goldens in testdata")

func TestTheOpenAPIDocumentIsTheOneThePageWasBuiltFrom(t *testing.T) {
	got, err := Document()
	if err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/openapi.json"
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("the document changed; if that is meant: go test ./firmware/api -update, then rebuild the page's types\n%s", d)
	}
}
