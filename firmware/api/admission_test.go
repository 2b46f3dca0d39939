package api

import (
	"strings"
	"testing"
	"time"
)

// Try and Rehearse make the office an Admission.
func (o *office) Try(r TryRequest) (TryResult, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return TryResult{Number: r.Number, Status: 403, Rule: "admission.classes", Trunk: r.Trunk}, o.err
}

func (o *office) Rehearse(doc []byte) (Rehearsal, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	since := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	return Rehearsal{Calls: 812, Since: &since, Blocked: len(doc)}, o.err
}

func TestAnAdministratorAsksWhatWouldBecomeOfCalls(t *testing.T) {
	b, c := newOwnedBench(t)
	if r := body[TryResult](t, b.post("/api/v1/calls/try", TryRequest{Number: "0899", Trunk: "carrier-a", Via: "redirected"}, c)); r.Rule != "admission.classes" || r.Number != "0899" || r.Trunk != "carrier-a" || r.Steps == nil {
		t.Errorf("result %+v", r)
	}
	if r := body[Rehearsal](t, b.post("/api/v1/policy/rehearse", RehearseRequest{Document: strings.Repeat("x", 100_000)}, c)); r.Calls != 812 || r.Blocked != 100_000 || r.Refused == nil {
		t.Errorf("rehearsal %+v", r)
	}
	wantProblem(t, b.post("/api/v1/calls/try", TryRequest{Number: "1"}), NotLoggedIn)
	wantProblem(t, b.post("/api/v1/policy/rehearse", RehearseRequest{}), NotLoggedIn)
	wantProblem(t, b.post("/api/v1/calls/try", TryRequest{Number: "1", Via: "guessed"}, c), Malformed)
	b.box.err = &Conflict{Detail: "There is no policy.", Remedy: "Import one."}
	wantProblem(t, b.post("/api/v1/calls/try", TryRequest{Number: "1"}, c), NotNow)
}
