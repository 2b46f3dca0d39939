package main

import (
	"context"
	"io"
	"sync"
	"time"

	"tollgate/firmware/api"
)

// shelf shows the page's tests a machine with two places for a system. What begins with "good" is taken.
type shelf struct {
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
	if s.waiting != "" {
		shown.Other = s.waiting
		shown.Last = &api.UpdateAttempt{Release: s.waiting, By: "admin, signed by the maker of this image", At: at.Add(24 * time.Hour), Outcome: "waiting"}
	}
	return shown
}

func (s *shelf) Update(_ context.Context, r io.Reader, _ string) (api.Delivered, error) {
	content, err := io.ReadAll(r)
	if err != nil {
		return api.Delivered{}, err
	}
	if string(content[:min(4, len(content))]) != "good" {
		return api.Delivered{}, &api.Conflict{Detail: "This is no bundle of Tollgate, or one of a kind that this version does not know.", Remedy: "What runs goes on running, and nothing was changed. Fetch the file once more from where it is published."}
	}
	s.mu.Lock()
	s.waiting = "1.1.0 (8148165)"
	s.mu.Unlock()
	return api.Delivered{System: s.System(), Signer: "the maker of this image", Changes: []api.Change{}}, nil
}

func (s *shelf) Restart(string) error { return nil }
