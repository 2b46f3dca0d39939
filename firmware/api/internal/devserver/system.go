package main

import (
	"bytes"
	"context"
	"io"
	"sync"
	"time"

	"tollgate/firmware/api"
)

// sealedWith opens what begins with "sealed".
const sealedWith = "Rhône & Saône"

// shelf shows the page's tests a machine with two places for a system. What begins with "good" is taken.
type shelf struct {
	fellBack bool // the last update has

	mu      sync.Mutex // guards everything below
	waiting string
}

func (s *shelf) System() api.System {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := time.Date(2026, 3, 1, 2, 30, 0, 0, time.UTC)
	shown := api.System{
		Board: "virt", Release: "1.0.0 (5d0e62c)", Slot: "a", Other: "0.9.4 (6fe3a01)", Waiting: s.waiting,
		Last: &api.UpdateAttempt{Release: "1.0.0 (5d0e62c)", By: "admin, signed by the maker of this image", At: at, Outcome: "kept"},
	}
	if s.fellBack {
		shown.FellBack, shown.Last = true, leftUpdate(time.Now())
	}
	if s.waiting != "" {
		shown.Other = s.waiting
		shown.Last = &api.UpdateAttempt{Release: s.waiting, By: "admin, signed by the maker of this image", At: at.Add(24 * time.Hour), Outcome: "waiting"}
	}
	return shown
}

// leftUpdate is one that did not prove itself in the night.
func leftUpdate(now time.Time) *api.UpdateAttempt {
	return &api.UpdateAttempt{
		Release: "1.1.0 (8148165)", By: "https://updates.example/branch.bundle, signed by the maker of this image", At: now.Add(-7 * time.Hour), Outcome: "fell_back",
		Check: api.CheckTrunk, Why: "the trunk carrier-a was up before the update, and is down: the carrier answers 403 Forbidden",
	}
}

func (s *shelf) Update(_ context.Context, r io.Reader, phrase, _ string) (api.Delivered, error) {
	content, err := io.ReadAll(r)
	if err != nil {
		return api.Delivered{}, err
	}
	if bytes.HasPrefix(content, []byte("sealed")) && phrase != sealedWith {
		if phrase == "" {
			return api.Delivered{}, &api.PhraseNeeded{Detail: "trunk-carrier-a.key.age: it is sealed with a pass phrase, which somebody must type."}
		}
		return api.Delivered{}, &api.PhraseNeeded{Detail: "trunk-carrier-a.key.age: the pass phrase is another one.", Wrong: true}
	}
	if bytes.HasPrefix(content, []byte("sealed")) {
		return api.Delivered{System: s.System(), Signer: "headquarters", Changes: []api.Change{{Path: "trunks[carrier-a].tls.key", Old: "***", New: "***"}}}, nil
	}
	if !bytes.HasPrefix(content, []byte("good")) {
		return api.Delivered{}, &api.Conflict{Detail: "This is no bundle of Tollgate, or one of a kind that this version does not know.", Remedy: "What runs goes on running, and nothing was changed. Fetch the file once more from where it is published."}
	}
	s.mu.Lock()
	s.waiting = "1.1.0 (8148165)"
	s.mu.Unlock()
	return api.Delivered{System: s.System(), Signer: "the maker of this image", Changes: []api.Change{}}, nil
}

func (s *shelf) Restart(string) error { return nil }
