package api

import (
	"context"
	"testing"
)

// Stick and Decide make the office one with a USB port.
func (o *office) Stick() *Stick {
	return &Stick{Phase: "waiting", Reason: "it is not signed", Changes: []Change{}}
}

func (o *office) Recipient() string { return "age1office" }

func (o *office) WriteStick(_ context.Context, e StickExport, who string) ([]StickFile, error) {
	o.who = who
	if o.err != nil {
		return nil, o.err
	}
	return []StickFile{{Name: "backup-" + e.Recipient + ".age", Size: 7}}, nil
}

func (o *office) Decide(_ context.Context, d StickDecision, who string) (Stick, error) {
	yes := d.Yes
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

func TestABackupIsWrittenOntoTheStick(t *testing.T) {
	type answer struct {
		Files     []StickFile
		Recipient string
	}
	b, c := newOwnedBench(t)
	if a := body[answer](t, b.get("/api/v1/stick", c)); a.Recipient != "age1office" {
		t.Errorf("whom files are sealed for: %+v", a)
	}
	order := StickExport{Backup: true, Recipient: "age1mine"}
	if a := body[answer](t, b.post("/api/v1/stick/export", order, c)); len(a.Files) != 1 || a.Files[0] != (StickFile{"backup-age1mine.age", 7}) || b.box.who != "admin at 192.0.2.10" {
		t.Errorf("%+v by %q", a, b.box.who)
	}
	wantProblem(t, b.post("/api/v1/stick/export", order), NotLoggedIn)
	b.box.err = &Conflict{Detail: "No stick is plugged in.", Remedy: "Plug one in."}
	wantProblem(t, b.post("/api/v1/stick/export", order, c), NotNow)
}

// Evidence is nothing but the call that it is asked for.
func (o *office) Evidence(call string) ([]byte, error) { return []byte("zip of " + call), o.err }

func TestEvidenceIsDownloadedAsAFile(t *testing.T) {
	b, c := newOwnedBench(t)
	answer := b.get("/api/v1/evidence.zip?call=c1", c)
	if answer.Code != 200 || answer.Body.String() != "zip of c1" || answer.Header().Get("Content-Type") != "application/zip" {
		t.Errorf("%d %v %q", answer.Code, answer.Header(), answer.Body)
	}
	b.box.err = &Conflict{Detail: "No fraud is remembered.", Remedy: "Name a call."}
	if answer := b.get("/api/v1/evidence.zip", c); answer.Code != 409 {
		t.Errorf("%d %q", answer.Code, answer.Body)
	}
	if answer := b.get("/api/v1/evidence.zip"); answer.Code != 401 {
		t.Errorf("without a log-in: %d", answer.Code)
	}
}
