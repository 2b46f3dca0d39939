package api

import (
	"context"
	"testing"
)

// Stick and Decide make the office one with a USB port.
func (o *office) Stick() *Stick {
	return &Stick{Phase: "waiting", Reason: "it is not signed", Changes: []Change{}}
}

func (o *office) Decide(_ context.Context, yes bool, who string) (Stick, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.who = who
	phase := "refused"
	if yes {
		phase = "taken"
	}
	return Stick{Phase: phase}, o.err
}

func TestAStickIsLookedAtAndDecidedOn(t *testing.T) {
	type answer struct{ Stick *Stick }
	b, c := newOwnedBench(t)
	if a := body[answer](t, b.get("/api/v1/stick", c)); a.Stick == nil || a.Stick.Phase != "waiting" || a.Stick.Changes == nil {
		t.Errorf("%+v", a.Stick)
	}
	for yes, want := range map[bool]string{true: "taken", false: "refused"} {
		if a := body[answer](t, b.post("/api/v1/stick", StickDecision{Yes: yes}, c)); a.Stick.Phase != want || b.box.who != "admin at 192.0.2.10" {
			t.Errorf("%+v by %q", a.Stick, b.box.who)
		}
	}
	wantProblem(t, b.get("/api/v1/stick"), NotLoggedIn)
	wantProblem(t, b.post("/api/v1/stick", StickDecision{Yes: true}), NotLoggedIn)
	b.box.err = &Conflict{Detail: "No stick waits for a word.", Remedy: "Plug it in again."}
	wantProblem(t, b.post("/api/v1/stick", StickDecision{Yes: true}, c), NotNow)
}
