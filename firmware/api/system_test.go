package api

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
)

// System, Update and Restart make the office a Systems.
func (o *office) System() System { return System{Board: "virt", Release: "1.0.0", Slot: "a"} }

func (o *office) Update(_ context.Context, r io.Reader, who string) (Delivered, error) {
	content, err := io.ReadAll(r)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.who, o.why = who, string(content)
	if err == nil {
		err = o.err
	}
	return Delivered{System: System{Board: "virt", Release: "1.0.0", Slot: "a", Waiting: "1.1.0"}, Changes: []Change{}}, err
}

func (o *office) Restart(who string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.who = who + " restarts"
	return o.err
}

// file sends a request as what it is: a file.
func file(r *http.Request) { r.Header.Set("Content-Type", "application/octet-stream") }

func TestAnUpdateIsTakenAsAFileLargerThanAnythingElse(t *testing.T) {
	b, c := newOwnedBench(t)
	large := strings.Repeat("the new system. ", 20<<20/16)
	if s := body[Delivered](t, b.post("/api/v1/update", large, c, file)); s.System.Waiting != "1.1.0" || b.box.why != large || b.box.who != "admin at 192.0.2.10" {
		t.Errorf("%+v by %q, %d bytes", s, b.box.who, len(b.box.why))
	}
	body[System](t, b.post("/api/v1/restart", "", c))
	if b.box.who != "admin at 192.0.2.10 restarts" {
		t.Errorf("restarted by %q", b.box.who)
	}
	b.box.err = &Conflict{Detail: "The update's signature is not by a key that this box trusts.", Remedy: "Fetch it again."}
	wantProblem(t, b.post("/api/v1/update", "x", c, file), NotNow)
	wantProblem(t, b.post("/api/v1/update", "x", file), NotLoggedIn)
	wantProblem(t, b.post("/api/v1/restart", "{}", c, file), NotJSON)
	tooLarge := strings.Repeat("x", maxUpdate+1)
	if res := b.post("/api/v1/update", tooLarge, c, file); res.Code < 400 {
		t.Errorf("an update of %d bytes is taken: %d", len(tooLarge), res.Code)
	}
}

func TestAMachineWithASystemOfItsOwnTakesNoUpdates(t *testing.T) {
	b, c := newOwnedBench(t)
	b.server.systems = nil
	wantProblem(t, b.get("/api/v1/system", c), NotNow)
	wantProblem(t, b.post("/api/v1/update", "x", c, file), NotNow)
	wantProblem(t, b.post("/api/v1/restart", "", c), NotNow)
}
