package main

import (
	"context"
	"sync"
	"time"

	"tollgate/firmware/api"
)

// socket shows the page's tests a USB stick that nobody signed.
type socket struct {
	mu      sync.Mutex // guards decided
	decided string     // a phase; "": it waits
}

func (s *socket) Stick() *api.Stick {
	s.mu.Lock()
	defer s.mu.Unlock()
	shown := api.Stick{
		At: time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC), Here: true, Phase: "waiting", Reason: "it is not signed: somebody must say yes on the page", Sources: 2,
		Changes: []api.Change{
			{Path: "limits.calls", Old: "30", New: "20"},
			{Path: "trunks[carrier-a].caps.calls", New: "10"},
		},
	}
	if s.decided != "" {
		shown.Phase, shown.Reason = s.decided, ""
	}
	return &shown
}

func (s *socket) Decide(_ context.Context, yes bool, who string) (api.Stick, error) {
	s.mu.Lock()
	waits := s.decided == ""
	if waits && yes {
		s.decided = "taken"
	} else if waits {
		s.decided = "refused"
	}
	s.mu.Unlock()
	if !waits {
		return api.Stick{}, &api.Conflict{Detail: "No stick waits for a word.", Remedy: "Plug it in again."}
	}
	return *s.Stick(), nil
}
