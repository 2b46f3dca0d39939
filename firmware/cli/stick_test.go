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

func (p *port) Decide(context.Context, bool, string) (api.Stick, error) {
	if p.decided {
		return api.Stick{}, &api.Conflict{Detail: "No stick waits for a word.", Remedy: "Plug it in again."}
	}
	p.decided = true
	s := p.Stick()
	s.Phase = "taken"
	return *s, nil
}
