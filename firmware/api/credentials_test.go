package api

import (
	"strings"
	"testing"
)

func TestPasswordsAreReplacedAndNeverShownAgain(t *testing.T) {
	b, c := newOwnedBench(t)
	if got := body[RotateResult](t, b.post("/api/v1/credentials/rotate", RotateRequest{ID: "pbx"}, c)); got.Secret != "made-for-pbx" || b.box.who != "admin at 192.0.2.10" {
		t.Errorf("%+v by %q", got, b.box.who)
	}
	b.post("/api/v1/credentials/rotate", RotateRequest{ID: "carrier-a/alice", Secret: "the-carriers-new-one"}, c)
	if b.box.why != "the-carriers-new-one" {
		t.Errorf("the box was given %q", b.box.why)
	}
	if log := b.log.String(); strings.Contains(log, "the-carriers-new-one") || strings.Contains(log, "made-for-pbx") {
		t.Errorf("the log has a password:\n%s", log)
	}
	if res := b.get("/api/v1/credentials", c); !strings.Contains(res.Body.String(), `"credentials":[]`) {
		t.Errorf("%s", res.Body)
	}
	b.box.err = &Conflict{Detail: "pbx: a rotation is under way already.", Remedy: "Wait."}
	wantProblem(t, b.post("/api/v1/credentials/rotate", RotateRequest{ID: "pbx"}, c), NotNow)
	wantProblem(t, b.post("/api/v1/credentials/cancel", CancelRequest{ID: "pbx"}, c), NotNow)
	wantProblem(t, b.post("/api/v1/credentials/rotate", RotateRequest{ID: "pbx"}), NotLoggedIn)
}
