package main

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"tollgate/firmware/api"
	"tollgate/firmware/fraud"
)

// What the stick gets is what the page hands out, and neither holds a secret of the box.
func TestEvidenceIsTheSameOnTheStickAndFromThePageAndHoldsNoSecret(t *testing.T) {
	out := aStick{}
	b, view := keepsBox(t, out)
	var nothing *api.Conflict
	if _, err := view.Evidence(""); !errors.As(err, &nothing) {
		t.Errorf("evidence of nothing: %v", err)
	}
	const secret = "the-first-Secret-77q"
	withSecret := strings.Replace(stickPolicy, "{address: 192.0.2.20}", "{address: 192.0.2.20, authentication: digest, user: x42, secret: "+secret+"}", 1)
	if _, err := b.config.Import(t.Context(), []byte(withSecret), "anna", "first"); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	b.frauds.tell(fraud.Alarm{At: now, Rule: "fraud.caller.calls", Caller: "22", Number: "+881999", Reason: "22 calls abroad too often."})
	b.ended.mu.Lock()
	b.ended.list = []api.EndedCall{{Call: api.Call{ID: "c1", From: "22", To: "+881999", Started: now.Add(-time.Second)}, Ended: now.Add(time.Minute)}}
	b.ended.mu.Unlock()
	written, err := view.WriteStick(t.Context(), api.StickExport{Evidence: true}, "anna")
	if err != nil || len(written) != 1 || !strings.HasPrefix(written[0].Name, "evidence-B7-") || !strings.HasSuffix(written[0].Name, ".zip") {
		t.Fatalf("%v, %v", written, err)
	}
	page, err := view.Evidence("")
	if err != nil || !bytes.Equal(page, out["out/"+written[0].Name]) {
		t.Errorf("the page hands out something else: %v", err)
	}
	if _, err := view.Evidence("c2"); !errors.As(err, &nothing) {
		t.Errorf("evidence of a call that nobody knows: %v", err)
	}
	ofCall, err := view.Evidence("c1")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range unzipped(t, page, ofCall) {
		for _, hidden := range []string{secret, "PRIVATE KEY", "AGE-SECRET-KEY"} {
			if strings.Contains(text, hidden) {
				t.Errorf("%s holds %q", name, hidden)
			}
		}
		if name == "index.txt" && !strings.Contains(text, "from 22 to +881999") {
			t.Errorf("the call is not in it:\n%s", text)
		}
	}
}

// unzipped are the files of zips, of each name those of all.
func unzipped(t *testing.T, zips ...[]byte) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, data := range zips {
		z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range z.File {
			r, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			files[f.Name] += string(text)
		}
	}
	return files
}
