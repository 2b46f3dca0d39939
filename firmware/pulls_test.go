package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tollgate/board/update"
	"tollgate/firmware/api"
	"tollgate/firmware/envelope"
	"tollgate/firmware/policy"
	"tollgate/firmware/pull"
	"tollgate/firmware/resolve"
)

func TestWhatIsFetchedIsTakenByTheSameRules(t *testing.T) {
	w := newWorkbench(t)
	file := func(content []byte) string {
		path := filepath.Join(t.TempDir(), "part")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	if _, err := w.takePulled(t.Context(), file(w.bundle(t, 1001, ""))); !errors.Is(err, pull.ErrLater) {
		t.Fatalf("without a policy: %v", err)
	}
	if _, err := (systemView{w.box}).Update(t.Context(), strings.NewReader(string(w.bundle(t, 1001, stickPolicy))), "", "anna"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.takePulled(t.Context(), file([]byte("<html>moved</html>"))); err == nil || errors.Is(err, pull.ErrLater) {
		t.Errorf("something else: %v", err)
	}
	system, err := w.takePulled(t.Context(), file(w.bundle(t, 1002, strings.Replace(stickPolicy, "name: Lyon", "name: Nice", 1))))
	if err != nil || !system || w.policy().Site.Name != "Nice" {
		t.Fatalf("%v, %v, %q", system, err, w.policy().Site.Name)
	}
	if state, _ := w.systems.installer.Slots.Read(); state.Trying != update.B || !state.Left {
		t.Errorf("the next start takes %+v", state)
	}
	if m, err := (pulled{w.box}).Load(); m != (pull.Mark{}) || err != nil {
		t.Errorf("%+v, %v", m, err)
	}
	want := pull.Mark{From: "https://updates.example/", ETag: `"1"`}
	if err := (pulled{w.box}).Save(want); err != nil {
		t.Fatal(err)
	}
	if m, err := (pulled{w.box}).Load(); m != want || err != nil {
		t.Errorf("%+v, %v", m, err)
	}
}

// What is fetched may be sealed for the box, which opens it without anybody; a pass phrase it does not have, and is told what to do instead.
func TestWhatIsFetchedMayBeSealedForTheBoxAndNotWithAPassPhrase(t *testing.T) {
	w := newWorkbench(t)
	if _, err := (systemView{w.box}).Update(t.Context(), strings.NewReader(string(w.bundle(t, 1001, strings.Replace(stickPolicy, "name: Lyon", "name: Nice", 1)))), "", "anna"); err != nil {
		t.Fatal(err)
	}
	fetched := func(content []byte) error {
		path := filepath.Join(t.TempDir(), "part")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := w.takePulled(t.Context(), path)
		return err
	}
	err := fetched(w.sealed(t, 1002, envelope.For{Phrase: "four words that nobody guesses"}))
	if err == nil || errors.Is(err, pull.ErrLater) || !strings.Contains(err.Error(), "age -r "+w.box.key.Recipient()) || w.policy().Site.Name != "Nice" {
		t.Errorf("with a pass phrase: %v", err)
	}
	other, err := envelope.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	if err := fetched(w.sealed(t, 1002, envelope.For{Recipients: []string{other.Recipient()}})); !errors.Is(err, envelope.ErrOther) || w.policy().Site.Name != "Nice" {
		t.Errorf("for another box: %v", err)
	}
	if err := fetched(w.sealed(t, 1002, envelope.For{Recipients: []string{other.Recipient(), w.box.key.Recipient()}})); err != nil || w.policy().Site.Name != "Lyon" {
		t.Errorf("for this box among others: %v, in force %q", err, w.policy().Site.Name)
	}
}

func TestOnlyAServerThatAnAuthorityVouchesForIsListenedTo(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("a bundle")) }))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.StartTLS()
	defer server.Close()
	b := &box{resolver: resolve.New(resolve.Options{Log: slog.New(slog.DiscardHandler)})}
	client := pull.NewClient(b.dialName, time.Now)
	if _, err := client.Get(server.URL); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a stranger: %v", err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	client.Transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: roots}
	res, err := client.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
}

func TestBundlesAreFetchedWithinTheHoursOfThePolicyAndNotWithoutOne(t *testing.T) {
	b := &box{puller: pull.New(pull.Options{})}
	p, err := policy.Parse([]byte(stickPolicy + "updates: {from: https://updates.example/a.bundle, when: {from: \"02:00\", to: \"04:00\"}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := b.setPull(t.Context(), p); err != nil || b.puller.State().From != p.Updates.From {
			t.Errorf("%+v, %v", b.puller.State(), err)
		}
	}
	if shown := shownPull(b.puller.State()); shown == nil || shown.At != nil || shown.From != p.Updates.From {
		t.Errorf("%+v", shown)
	}
	if err := b.setPull(t.Context(), nil); err != nil || shownPull(b.puller.State()) != nil {
		t.Errorf("%+v, %v", b.puller.State(), err)
	}
}

func TestWhatIsFetchedIsShownOnAnOrdinaryMachineToo(t *testing.T) {
	b, _ := stickBench(t)
	b.options.Version = "1.2.3"
	b.puller = pull.New(pull.Options{})
	b.puller.Set(pull.Config{From: "https://updates.example/branch.bundle"})
	v := systemView{b}
	if s := v.System(); s.Release != "1.2.3" || s.Board != "" || s.Pull == nil || s.Pull.From != "https://updates.example/branch.bundle" {
		t.Errorf("%+v", s)
	}
	var no *api.Conflict
	if err := v.Restart("anna"); !errors.As(err, &no) {
		t.Errorf("a restart of somebody else's machine: %v", err)
	}
}
