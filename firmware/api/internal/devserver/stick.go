package main

import (
	"archive/zip"
	"bytes"
	"cmp"
	"context"
	"errors"
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

// Recipient is an invented one.
func (s *socket) Recipient() string {
	return "age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg"
}

// Evidence is a zip with nothing but what it was asked for.
func (s *socket) Evidence(call string) ([]byte, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	_, err := z.Create(cmp.Or(call, "fraud") + ".txt")
	err = errors.Join(err, z.Close())
	return b.Bytes(), err
}

// WriteStick writes nowhere: it invents the names and the sizes.
func (s *socket) WriteStick(_ context.Context, e api.StickExport, _ string) (files []api.StickFile, err error) {
	add := func(wanted bool, name string, size int) {
		if wanted {
			files = append(files, api.StickFile{Name: name, Size: size})
		}
	}
	if e.Backup && len(e.Phrase) < 12 && e.Recipient == "" {
		return nil, &api.Conflict{Detail: "The pass phrase is too weak: it is too short.", Remedy: "The backup holds every secret of the box. Take several words that nobody guesses."}
	}
	add(e.Backup, "backup-B7-2026-03-02.age", 48_213)
	add(e.Calls, "calls-B7-2026-03-02.json", 91_400)
	add(e.Log, "log-B7-2026-03-02.txt", 262_144)
	add(e.Evidence, "evidence-B7-2026-03-02.zip", 9_216)
	return files, nil
}

func (s *socket) Decide(_ context.Context, d api.StickDecision, _ string) (api.Stick, error) {
	yes := d.Yes
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
