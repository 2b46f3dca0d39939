package cli

import (
	"context"
	"time"

	"tollgate/firmware/api"
)

// port has a stick that waits until somebody decides.
type port struct{ decided bool }

func (p *port) Stick() *api.Stick {
	return &api.Stick{At: time.Now(), Here: true, Phase: "waiting", Reason: "it is not signed", Changes: []api.Change{{Path: "limits.calls", Old: "30", New: "20"}}, Sources: 2}
}

func (p *port) Recipient() string { return "age1port" }

func (p *port) WriteStick(_ context.Context, e api.StickExport, _ string) ([]api.StickFile, error) {
	if e.Phrase == "" {
		return nil, &api.Conflict{Detail: "Say who can open it.", Remedy: "A backup is sealed with a pass phrase, or for one recipient."}
	}
	return []api.StickFile{{Name: "backup-B7.age", Size: 4711}}, nil
}

func (p *port) Decide(_ context.Context, d api.StickDecision, _ string) (api.Stick, error) {
	if p.decided {
		return api.Stick{}, &api.Conflict{Detail: "No stick waits for a word.", Remedy: "Plug it in again."}
	}
	p.decided = true
	s := p.Stick()
	s.Phase = "taken"
	return *s, nil
}

// Evidence is of nothing.
func (p *port) Evidence(string) ([]byte, error) { return nil, nil }
