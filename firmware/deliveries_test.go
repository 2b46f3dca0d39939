package main

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"tollgate/board/update"
	"tollgate/firmware/api"
	"tollgate/firmware/bundle"
	"tollgate/firmware/delivery"
	"tollgate/firmware/envelope"
)

// workbench is a box with slots that runs the system in slot a, and the key of who makes its systems.
type workbench struct {
	*box
	key ed25519.PrivateKey
}

func newWorkbench(t *testing.T) workbench {
	t.Helper()
	b, _ := stickBench(t)
	s := onTrial(t)
	s.trial, s.records = false, b.store
	s.installer.Running = update.Running{Board: "virt", Release: "1.0.0", Built: 1000, Slot: update.A}
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	s.makers = []bundle.Key{{Name: "the maker", Key: key.Public().(ed25519.PublicKey), May: bundle.Systems | bundle.Settings}}
	if err := s.remember(false, time.Now()); err != nil {
		t.Fatal(err)
	}
	own, err := openKey(b.store)
	if err != nil {
		t.Fatal(err)
	}
	b.systems, b.key = s, own
	b.taker = delivery.New(delivery.Options{Box: delivered{b}, Key: own, Memory: bundles{b.store}, Machine: s})
	return workbench{b, key}
}

// bundle is one with a system, and a policy unless that is "".
func (w workbench) bundle(t *testing.T, built int64, policy string) []byte {
	t.Helper()
	files := map[string]bundle.Content{"system": strings.NewReader("the new system")}
	if policy != "" {
		files[delivery.PolicyFile] = strings.NewReader(policy)
	}
	var out bytes.Buffer
	if err := bundle.Write(&out, files, &bundle.System{File: "system", Board: "virt", Release: "1.1.0", Built: built}, uint64(built), nil, w.key); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func (w workbench) holds(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimRight(string(content), "\x00")
}

// again is the next start, from a slot, as the loader chooses it.
func (w workbench) again(t *testing.T, slot update.Slot, trial bool) {
	t.Helper()
	s := w.systems
	before := s.installer.Running
	s.installer.Running.Slot, s.installer.Running.Trial, s.trial, s.known = slot, trial, trial, known{}
	if slot == update.B {
		s.installer.Running.Release, s.installer.Running.Built = "1.1.0", before.Built+1
	}
	state, err := s.installer.Slots.Read()
	if err != nil {
		t.Fatal(err)
	}
	fell := !trial && state.Trying == slot.Other()
	if err := s.remember(fell, time.Now()); err != nil {
		t.Fatal(err)
	}
}

func TestABundleBringsASystemAndAPolicyTogether(t *testing.T) {
	w := newWorkbench(t)
	d, err := systemView{w.box}.Update(t.Context(), bytes.NewReader(w.bundle(t, 1001, stickPolicy)), "", "anna")
	if err != nil {
		t.Fatal(err)
	}
	if d.System.Waiting != "1.1.0" || d.System.Other != "1.1.0" || d.Signer != "the maker" || d.System.Last.By != "anna, signed by the maker" || d.System.Stage != "" {
		t.Errorf("%+v", d)
	}
	if p := w.policy(); p == nil || p.Site.Name != "Lyon" {
		t.Errorf("in force: %v", p)
	}
	if got := w.holds(t, w.systems.installer.Slots.B); got != "the new system" {
		t.Errorf("slot b holds %q", got)
	}
}

func TestNothingOfABundleIsTakenWhenAPartOfItIsNot(t *testing.T) {
	w := newWorkbench(t)
	good := w.bundle(t, 1001, stickPolicy)
	for name, c := range map[string]struct {
		bundle []byte
		want   string
	}{
		"a wrong policy beside a good system": {w.bundle(t, 1001, "version: 1\ncolour: blue\n"), "colour"},
		"an old system beside a good policy":  {w.bundle(t, 1000, stickPolicy), "not newer"},
		"a system cut off":                    {good[:len(good)-1], "ends within system"},
		"a system changed":                    {append(bytes.Clone(good[:len(good)-1]), '!'), "changed on the way"},
		"a policy changed":                    {bytes.Replace(good, []byte("name: Lyon"), []byte("name: Lima"), 1), "changed on the way"},
	} {
		_, err := systemView{w.box}.Update(t.Context(), bytes.NewReader(c.bundle), "", "anna")
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if p := w.policy(); p != nil {
			t.Errorf("%s: a policy is in force", name)
		}
		if s := shownSystem(w.systems); s.Waiting != "" || s.Stage != "" || w.holds(t, w.systems.installer.Slots.B) != "" {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

func TestASystemThatFellBackComesAgainOnlyAtAPersonsWish(t *testing.T) {
	w := newWorkbench(t)
	good := w.bundle(t, 1001, "")
	order := delivery.Order{Keys: w.makers(), Who: "USB stick"}
	if _, err := w.taker.Take(t.Context(), bytes.NewReader(good), order); err != nil {
		t.Fatal(err)
	}
	state, _ := w.systems.installer.Slots.Read()
	state.Left = false // the loader has started it
	if state != (update.State{Active: update.A, Trying: update.B}) {
		t.Fatalf("%+v", state)
	}
	w.again(t, update.A, false)
	if s := shownSystem(w.systems); !s.FellBack || s.Last.Release != "1.1.0" || s.Release != "1.0.0" {
		t.Errorf("%+v", s)
	}
	if _, err := w.taker.Take(t.Context(), bytes.NewReader(good), order); err == nil || !strings.Contains(err.Error(), "did not prove itself") {
		t.Errorf("%v", err)
	}
	if _, err := (systemView{w.box}).Update(t.Context(), bytes.NewReader(good), "", "anna"); err != nil {
		t.Error(err)
	}
}

func TestAnUpdateThatProvesItselfIsShownAsKept(t *testing.T) {
	w := newWorkbench(t)
	if _, err := (systemView{w.box}).Update(t.Context(), bytes.NewReader(w.bundle(t, 1001, "")), "", "anna"); err != nil {
		t.Fatal(err)
	}
	w.again(t, update.B, true)
	start := time.Now()
	w.systems.proved(nil, 0, start)
	if s := shownSystem(w.systems); !s.Trial || s.Waiting != "" || s.Other != "1.0.0" {
		t.Errorf("on trial: %+v", s)
	}
	w.systems.proved(nil, proveTime, start.Add(proveTime))
	if s := shownSystem(w.systems); s.Trial || s.Last.Outcome != tryKept || s.Other != "1.0.0" || s.FellBack {
		t.Errorf("kept: %+v", s)
	}
}

// sealed is a bundle with a system and a policy that is sealed.
func (w workbench) sealed(t *testing.T, built int64, f envelope.For) []byte {
	t.Helper()
	content, err := envelope.Seal([]byte(stickPolicy), f)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]bundle.Content{"system": strings.NewReader("the new system"), delivery.PolicyFile + envelope.Suffix: bytes.NewReader(content)}
	var out bytes.Buffer
	if err := bundle.Write(&out, files, &bundle.System{File: "system", Board: "virt", Release: "1.1.0", Built: built}, uint64(built), nil, w.key); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestABundleWithSealedPartsIsTakenWithTheirPassPhraseAlone(t *testing.T) {
	w := newWorkbench(t)
	const phrase = "four words that nobody guesses"
	brought := w.sealed(t, 1001, envelope.For{Phrase: phrase})
	var said bytes.Buffer
	w.log = slog.New(slog.NewTextHandler(&said, nil))
	w.systems.log = w.log
	for typed, wrong := range map[string]bool{"": false, "guessed": true} {
		_, err := systemView{w.box}.Update(t.Context(), bytes.NewReader(brought), typed, "anna")
		needed := (*api.PhraseNeeded)(nil)
		if !errors.As(err, &needed) || needed.Wrong != wrong || !strings.HasPrefix(needed.Detail, "policy.yaml.age: ") || strings.Contains(err.Error(), "guessed") {
			t.Errorf("with %q: %v", typed, err)
		}
		if s := shownSystem(w.systems); w.policy() != nil || s.Waiting != "" || w.holds(t, w.systems.installer.Slots.B) != "" {
			t.Errorf("with %q something has changed: %+v", typed, s)
		}
	}
	d, err := systemView{w.box}.Update(t.Context(), bytes.NewReader(brought), phrase, "anna")
	if err != nil {
		t.Fatal(err)
	}
	if p := w.policy(); p == nil || p.Site.Name != "Lyon" || d.System.Waiting != "1.1.0" {
		t.Errorf("%v, %+v", p, d)
	}
	rev, _, err := w.store.Confirmed()
	if err != nil {
		t.Fatal(err)
	}
	if kept := fmt.Sprintf("%s %s %s %s", said.String(), rev.Who, rev.Why, rev.Policy); strings.Contains(kept, phrase) || strings.Contains(kept, "guessed") {
		t.Errorf("what was typed is kept: %s", kept)
	}
}
