package api

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

func TestEveryKindOfProblemHasItsOwnNameAndAStatus(t *testing.T) {
	seen := map[ProblemType]bool{}
	for _, k := range problemKinds() {
		if seen[k.Type] || !strings.HasPrefix(string(k.Type), "urn:tollgate:") {
			t.Errorf("type %s", k.Type)
		}
		seen[k.Type] = true
		if k.Status < 400 || http.StatusText(k.Status) == "" || k.Title == "" {
			t.Errorf("%+v", k)
		}
		if p := newProblem(k.Type, "detail", "remedy"); p.Status != k.Status || p.Type != k.Type {
			t.Errorf("%+v became %+v", k, p)
		}
	}
	if p := newProblem("urn:tollgate:unheard-of", "", ""); p.Type != Failed || p.Status != http.StatusInternalServerError {
		t.Errorf("an unknown kind became %+v", p)
	}
}

func TestTheDocumentListsEveryKindOfProblem(t *testing.T) {
	raw, err := Document()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Components struct {
			Schemas map[string]json.RawMessage
		}
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	for _, k := range problemKinds() {
		if !strings.Contains(string(doc.Components.Schemas["Problem"]), `"`+string(k.Type)+`"`) {
			t.Errorf("%s is missing", k.Type)
		}
	}
	for _, foreign := range []string{"ErrorModel", "ErrorDetail"} {
		if doc.Components.Schemas[foreign] != nil || strings.Contains(string(raw), "/schemas/"+foreign) {
			t.Errorf("%s is described, but never sent", foreign)
		}
	}
}
