package api

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// System, Update and Restart make the office a Systems.
func (o *office) System() System { return System{Board: "virt", Release: "1.0.0", Slot: "a"} }

func (o *office) Update(_ context.Context, r io.Reader, phrase, who string) (Delivered, error) {
	content, err := io.ReadAll(r)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.who, o.why, o.phrase = who, string(content), phrase
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

func TestAPassPhraseComesWithTheBundleAndIsRepeatedNowhere(t *testing.T) {
	b, c := newOwnedBench(t)
	const phrase = "Rhône & Saône, 100 % à l’heure"
	with := func(encoded string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Tollgate-Phrase", encoded) }
	}
	body[Delivered](t, b.post("/api/v1/update", "x", c, file, with(url.PathEscape(phrase))))
	if b.box.phrase != phrase {
		t.Errorf("the box is told %q", b.box.phrase)
	}
	body[Delivered](t, b.post("/api/v1/update", "x", c, file))
	if b.box.phrase != "" {
		t.Errorf("without one the box is told %q", b.box.phrase)
	}
	for _, r := range []struct {
		err     error
		encoded string
		want    ProblemType
	}{
		{&PhraseNeeded{Detail: "policy.yaml.age: it is sealed with a pass phrase."}, "", PhraseMissing},
		{&PhraseNeeded{Detail: "policy.yaml.age: the pass phrase is another one.", Wrong: true}, url.PathEscape(phrase), PhraseWrong},
		{nil, phrase + "%zz", Malformed},
		{nil, url.PathEscape(strings.Repeat("ô", maxPhrase+1)), Malformed},
		{nil, url.PathEscape(strings.Repeat(phrase, 100)), Malformed},
	} {
		b.box.err = r.err
		res := b.post("/api/v1/update", "x", c, file, with(r.encoded))
		wantProblem(t, res, r.want)
		if text := res.Body.String(); strings.Contains(text, "Rh") || strings.Contains(text, "%C3") {
			t.Errorf("the answer repeats it: %s", text)
		}
	}
	if said := b.log.String(); strings.Contains(said, "Rh") || strings.Contains(said, "%C3") || !strings.Contains(said, "pass phrase is another one") {
		t.Errorf("the log says %s", said)
	}
}

func TestAMachineWithASystemOfItsOwnTakesNoUpdates(t *testing.T) {
	b, c := newOwnedBench(t)
	b.server.systems = nil
	wantProblem(t, b.get("/api/v1/system", c), NotNow)
	wantProblem(t, b.post("/api/v1/update", "x", c, file), NotNow)
	wantProblem(t, b.post("/api/v1/restart", "", c), NotNow)
}
