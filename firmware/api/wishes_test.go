package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"tollgate/firmware/policy"
)

func TestAnImportReachesTheBoxWithItsAuthor(t *testing.T) {
	b, c := newOwnedBench(t)
	b.box.change(func(o *Overview) { o.Revision = Revision{Number: 7, State: "confirmed"} })
	res := b.post("/api/v1/policy", ImportRequest{Document: "version: 1\n", Why: "second carrier"}, c)
	if got := body[ImportResult](t, res); got.Revision.Number != 7 || !strings.Contains(res.Body.String(), `"changes":[]`) {
		t.Errorf("answer %s", res.Body)
	}
	if b.box.imported != "version: 1\n" || b.box.who != "admin at 192.0.2.10" || b.box.why != "second carrier" {
		t.Errorf("the box was given %q by %q because %q", b.box.imported, b.box.who, b.box.why)
	}
	if res := b.local(http.MethodPost, "/api/v1/policy", ImportRequest{Document: "version: 1"}); res.Code != http.StatusOK || b.box.who != "root on the box" {
		t.Errorf("%d by %q", res.Code, b.box.who)
	}
}

func TestAnImportGoesOnWhenTheOneWhoAskedHangsUp(t *testing.T) {
	b, c := newOwnedBench(t)
	b.box.change(func(o *Overview) { o.Revision = Revision{Number: 8, State: "proposed"} })
	hungUp, cancel := context.WithCancel(t.Context())
	cancel()
	gone := func(r *http.Request) { *r = *r.WithContext(hungUp) }
	if res := b.post("/api/v1/policy", ImportRequest{Document: "version: 1"}, c, gone); res.Code != http.StatusOK || b.box.imported != "version: 1" {
		t.Errorf("import: %d %s", res.Code, res.Body)
	}
	if res := b.post("/api/v1/policy/confirm", ConfirmRequest{Revision: 8}, c, gone); res.Code != http.StatusOK {
		t.Errorf("confirm: %d %s", res.Code, res.Body)
	}
}

func TestEveryFaultOfAPolicyIsToldWithItsPlace(t *testing.T) {
	b, c := newOwnedBench(t)
	b.box.err = fmt.Errorf("importing: %w", policy.Faults{
		{Path: "site.country", Line: 4, Column: 12, Problem: `"ZZ" is no country`, Hint: "write FR for France"},
		{Path: "trunks[0].registrar", Line: 20, Column: 3, Problem: "is missing"},
	})
	p := wantProblem(t, b.post("/api/v1/policy", ImportRequest{Document: "x"}, c), PolicyFaults)
	want := []Fault{
		{Path: "site.country", Line: 4, Column: 12, Problem: `"ZZ" is no country`, Hint: "write FR for France"},
		{Path: "trunks[0].registrar", Line: 20, Column: 3, Problem: "is missing"},
	}
	if p.Status != http.StatusUnprocessableEntity || len(p.Faults) != 2 || p.Faults[0] != want[0] || p.Faults[1] != want[1] || !strings.HasPrefix(p.Detail, "2 faults") {
		t.Errorf("problem %+v", p)
	}
}

func TestWhatCannotBeDoneNowSaysWhatToDoFirst(t *testing.T) {
	b, c := newOwnedBench(t)
	b.box.err = &Conflict{Detail: "Revision 8 is on trial.", Remedy: "Confirm it first."}
	p := wantProblem(t, b.post("/api/v1/policy", ImportRequest{Document: "x"}, c), NotNow)
	if p.Detail != "Revision 8 is on trial." || p.Remedy != "Confirm it first." || p.Status != http.StatusConflict {
		t.Errorf("problem %+v", p)
	}
	wantProblem(t, b.get("/api/v1/policy", c), NotNow)

	b.box.err = errDisk
	if p := wantProblem(t, b.post("/api/v1/policy", ImportRequest{Document: "x"}, c), Failed); !strings.Contains(p.Detail, "disk is full") {
		t.Errorf("problem %+v", p)
	}
}

func TestOnlyTheRevisionThatWasSeenIsConfirmed(t *testing.T) {
	b, c := newOwnedBench(t)
	confirm := func(n uint64) *Problem {
		res := b.post("/api/v1/policy/confirm", ConfirmRequest{Revision: n}, c)
		if res.Code == http.StatusOK {
			return nil
		}
		p := wantProblem(t, res, NotNow)
		return &p
	}
	if confirm(0) == nil || confirm(7) == nil {
		t.Error("confirmed although nothing is on trial")
	}
	b.box.change(func(o *Overview) { o.Revision = Revision{Number: 8, State: "proposed"} })
	if confirm(7) == nil || confirm(9) == nil {
		t.Error("confirmed another revision than the one on trial")
	}
	if p := confirm(8); p != nil || b.box.who != "admin at 192.0.2.10" {
		t.Errorf("%v, by %q", p, b.box.who)
	}
	if confirm(8) == nil {
		t.Error("confirmed twice")
	}
}

func TestTheMaskedPolicyIsYAML(t *testing.T) {
	b, c := newOwnedBench(t)
	res := b.get("/api/v1/policy", c)
	if res.Code != http.StatusOK || res.Body.String() != "version: 1\n" || res.Header().Get("Content-Type") != "application/yaml; charset=utf-8" || res.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v %s", res.Code, res.Header(), res.Body)
	}
}

func TestAnEmptyOverviewHasListsAndNoNull(t *testing.T) {
	b, c := newOwnedBench(t)
	b.box.change(func(o *Overview) { o.Trunks = []Trunk{{Name: "a", Accounts: []TrunkAccount{{User: "u"}}}} })
	res := b.get("/api/v1/overview", c)
	if strings.Contains(res.Body.String(), "null") {
		t.Errorf("%s", res.Body)
	}
	if got := body[Overview](t, res); time.Since(got.At) > time.Minute {
		t.Errorf("at %v", got.At)
	}
}

func TestTheDocumentIsServed(t *testing.T) {
	b, c := newOwnedBench(t)
	want, err := Document()
	if err != nil {
		t.Fatal(err)
	}
	if res := b.get("/api/v1/openapi.json", c); res.Code != http.StatusOK || res.Body.String() != string(want) {
		t.Errorf("%d, %d bytes, want %d", res.Code, res.Body.Len(), len(want))
	}
}

func TestARequestThatIsTooLargeIsRefused(t *testing.T) {
	b, c := newOwnedBench(t)
	wantProblem(t, b.post("/api/v1/policy", ImportRequest{Document: strings.Repeat("x", maxPolicy)}, c), TooLarge)
	wantProblem(t, b.post("/api/v1/session", LoginRequest{User: "admin", Password: strings.Repeat("x", maxBody)}), TooLarge)
	if b.box.imported != "" {
		t.Error("the box was given a policy")
	}
	body[ImportResult](t, b.post("/api/v1/policy", ImportRequest{Document: strings.Repeat("x", 1<<20)}, c))
}

func TestAMalformedRequestIsToldWhereItIsWrong(t *testing.T) {
	b, c := newOwnedBench(t)
	for _, in := range []string{``, `{`, `[]`, `null`, `"text"`, `{"document":5}`, `{}`, `{"document":"x","colour":"red"}`, `{"document":"x"}{"document":"y"}`, "\xff"} {
		p := wantProblem(t, b.post("/api/v1/policy", in, c), Malformed)
		if in != "" && len(p.Faults) == 0 {
			t.Errorf("%s: nothing is said about it: %+v", in, p)
		}
	}
	wantProblem(t, b.get("/api/v1/overview?x=1", c), Malformed)
	if b.box.imported != "" {
		t.Errorf("the box was given %q", b.box.imported)
	}
}

func TestABrokenRequestTakesNothingElseWithIt(t *testing.T) {
	b, c := newOwnedBench(t)
	b.box.panics = true
	wantProblem(t, b.get("/api/v1/overview", c), Failed)
	b.box.panics = false
	body[Overview](t, b.get("/api/v1/overview", c))
	if !strings.Contains(b.log.String(), "the box broke") {
		t.Error("the log does not say what broke")
	}
}
