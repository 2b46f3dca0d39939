package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"tollgate/firmware/api"
	"tollgate/firmware/policy"
)

// box is what a script talks to: the real API on a real socket before a box that keeps policies and nothing else. A
// change of the site's name is on trial, every other is confirmed at once.
type box struct {
	mu        sync.Mutex // guards everything below
	overview  api.Overview
	inForce   *policy.Policy
	confirmed *policy.Policy
}

func startBox(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 1 {
		ts.Fatalf("usage: box [OVERVIEW]")
	}
	b := &box{overview: api.Overview{Mode: "setup", Revision: api.Revision{State: "none"}}}
	if len(args) == 1 {
		ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &b.overview))
	}
	server, err := api.New(context.Background(), api.Options{Box: b, Bans: &jail{}, Credentials: keys{}, Fraud: &purse{}, Filter: &wall{}, Sticks: &port{}, Admission: judge{}, Accounts: &records{}, Log: slog.New(slog.DiscardHandler)})
	ts.Check(err)
	ts.Check(server.Listen(ts.MkAbs("state/" + api.SocketName)))
	ts.Defer(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := server.Close(ctx); err != nil {
			ts.Logf("closing the box: %v", err)
		}
	})
}

func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: await FILE")
	}
	for range 1000 {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	ts.Fatalf("%s did not come", args[0])
}

// Overview returns what the script gave, with the revision in force.
func (b *box) Overview() api.Overview {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.overview
}

// EndedCalls returns none.
func (b *box) EndedCalls() []api.EndedCall { return nil }

// Import keeps a policy.
func (b *box) Import(_ context.Context, doc []byte, who, why string) (api.ImportResult, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.overview.Revision.State == "proposed" {
		return api.ImportResult{}, &api.Conflict{Detail: "Revision " + fmt.Sprint(b.overview.Revision.Number) + " is on trial.", Remedy: "Confirm it or wait."}
	}
	p, err := policy.Parse(doc)
	if err != nil {
		return api.ImportResult{}, err
	}
	if faults := policy.FillSecrets(p, b.inForce); len(faults) > 0 {
		return api.ImportResult{}, faults
	}
	result := api.ImportResult{Revision: b.overview.Revision}
	if b.inForce != nil {
		for _, c := range policy.Diff(b.inForce, p) {
			result.Changes = append(result.Changes, api.Change{Path: c.Path, Old: c.Old, New: c.New})
		}
		if len(result.Changes) == 0 {
			return result, nil
		}
	}
	b.keep(p, who, why)
	result.Revision = b.overview.Revision
	return result, nil
}

func (b *box) keep(p *policy.Policy, who, why string) {
	r := api.Revision{Number: b.overview.Revision.Number + 1, Who: who, Why: why, At: time.Now(), State: "confirmed"}
	b.overview.Mode = "running"
	if b.inForce != nil && b.inForce.Site.Name != p.Site.Name {
		deadline := time.Now().Add(2 * time.Minute)
		r.State, r.Deadline, b.overview.Mode = "proposed", &deadline, "trial"
	} else {
		b.confirmed = p
	}
	b.inForce, b.overview.Revision = p, r
}

// Confirm keeps the policy on trial.
func (b *box) Confirm(context.Context, string) (api.Revision, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.confirmed, b.overview.Mode = b.inForce, "running"
	b.overview.Revision.State, b.overview.Revision.Deadline = "confirmed", nil
	return b.overview.Revision, nil
}

// Export returns the confirmed policy, masked.
func (b *box) Export(context.Context) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.confirmed == nil {
		return nil, &api.Conflict{Detail: "There is no policy yet.", Remedy: "Import one: tollgate import FILE"}
	}
	return b.confirmed.Redacted()
}

// records keeps the administrator's record.
type records struct {
	mu     sync.Mutex // guards everything below
	values map[string][]byte
}

// Put keeps value.
func (r *records) Put(kind, key string, value []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.values == nil {
		r.values = map[string][]byte{}
	}
	r.values[kind+"/"+key] = value
	return nil
}

// Get returns what was kept.
func (r *records) Get(kind, key string) ([]byte, bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	v, ok := r.values[kind+"/"+key]
	return v, ok, nil
}

// jail keeps bans and does nothing about them.
type jail struct {
	mu   sync.Mutex // guards everything below
	bans []api.Ban
}

// List lists the bans.
func (j *jail) List() []api.Ban {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.bans)
}

// Ban keeps a ban.
func (j *jail) Ban(r api.BanRequest, who string) (api.Ban, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	now := time.Now()
	ban := api.Ban{Source: r.Source, Rule: "banned by hand", Reason: r.Reason, Since: now, Times: 1, Who: who}
	if until := now.Add(time.Duration(r.Minutes) * time.Minute); r.Minutes > 0 {
		ban.Until = &until
	}
	j.bans = slices.Insert(j.bans, 0, ban)
	return ban, nil
}

// Lift forgets a ban.
func (j *jail) Lift(source, _ string) (api.Ban, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	i := slices.IndexFunc(j.bans, func(b api.Ban) bool { return b.Source == source })
	if i < 0 {
		return api.Ban{}, &api.Conflict{Detail: source + " is not banned.", Remedy: "Look at the list."}
	}
	ban := j.bans[i]
	j.bans = slices.Delete(j.bans, i, i+1)
	return ban, nil
}

// keys are two passwords that never change.
type keys struct{}

// List lists them.
func (keys) List() []api.Credential {
	since := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	due, until := since.AddDate(0, 0, 90), since.AddDate(0, 0, 7)
	return []api.Credential{
		{ID: "pbx", User: "x42", Made: true, Replaceable: true, Since: since, Due: &due, State: "current"},
		{ID: "carrier-a/alice", Trunk: "carrier-a", User: "alice", Replaceable: true, Since: since, State: "active", Until: &until,
			Laggards: []api.Laggard{{Source: "192.0.2.20", At: since}}},
	}
}

// Rotate shows a password for the PBX.
func (keys) Rotate(id, secret, _ string) (string, error) {
	switch {
	case id == "pbx" && secret == "":
		return "an-invented-password", nil
	case id == "carrier-a/alice" && secret != "":
		return "", nil
	}
	return "", &api.Conflict{Detail: id + ": there is no such credential.", Remedy: "Look at the list."}
}

// Cancel does nothing.
func (keys) Cancel(string, string) error { return nil }
