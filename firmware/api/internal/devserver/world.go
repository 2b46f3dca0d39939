package main

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"time"

	"tollgate/firmware/api"
	"tollgate/firmware/policy"
)

// world is the invented box. Everything in it follows from how long it has run, so that a test knows what it will see.
type world struct {
	trial time.Duration
	still bool
	away  bool
	ill   bool
	press time.Duration

	chassis chassis // has its own lock

	mu      sync.Mutex // guards everything below
	born    time.Time
	policy  *policy.Policy // in force; nil in set-up mode
	before  *policy.Policy // comes back when the trial is lost
	current api.Revision
	earlier api.Revision
	bans    []api.Ban
	fraud   api.FraudState
	rates   api.Rates
	keys    []api.Credential
	seen    api.Emergency // the last that was acknowledged
	asked   time.Time     // for a press of the button; zero: nobody has
}

// stillAge is how old a still world looks.
const stillAge = 47 * time.Second

func newWorld(o options) (*world, error) {
	w := &world{trial: o.trial, still: o.still, away: o.away, ill: o.ill, press: o.press, born: time.Now().Add(-stillAge)}
	if o.still {
		w.born = time.Date(2026, 3, 10, 8, 41, 0, 0, time.UTC)
	}
	w.current = api.Revision{State: "none"}
	if o.setup {
		return w, nil
	}
	p, err := example()
	if err != nil {
		return nil, err
	}
	w.policy, w.bans, w.keys, w.fraud = p, bans(w.born), credentials(w.born), fraudState(w.born)
	if o.simulate {
		w.fraud = simulated(w.fraud)
	}
	w.current = api.Revision{Number: 12, Who: "admin at 192.0.2.10", Why: "second carrier", At: w.born.Add(-50 * time.Hour), State: "confirmed"}
	return w, nil
}

// example is the documented example with secrets in the places where it shows masks.
func example() (*policy.Policy, error) {
	doc := bytes.ReplaceAll(policy.Example(), []byte(`secret: "***"`), []byte("secret: an-invented-secret"))
	p, err := policy.Parse(doc)
	if err != nil {
		return nil, fmt.Errorf("reading the example policy: %w", err)
	}
	p.PBX.TLS.Key, p.Phones.TLS.Key, p.Trunks[0].TLS.Key = "an-invented-key", "an-invented-key", "an-invented-key"
	p.Trunks[0].Stir.Key, p.Admin.Key = "an-invented-key", "an-invented-key"
	return p, nil
}

func (w *world) now() time.Time {
	if w.still {
		return w.born.Add(stillAge)
	}
	return time.Now()
}

// Overview invents what the dashboard shows.
func (w *world) Overview() api.Overview {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.settle()
	now := w.now()
	age := now.Sub(w.born)
	o := api.Overview{
		At: now, Started: w.born.Add(-76 * time.Hour), Mode: "setup", Revision: w.current,
		Site:     api.Site{Version: "devserver"},
		Counters: counters(age),
	}
	if w.policy == nil {
		return o
	}
	p := w.policy
	o.Mode = "running"
	if w.current.State == "proposed" {
		o.Mode = "trial"
	}
	o.Site = api.Site{Name: p.Site.Name, Country: p.Site.Country, TimeZone: p.Site.TimeZone, Language: p.Site.Language, Version: "devserver"}
	o.Limits, o.Load = api.Limits{Calls: p.Limits.Calls}, load(now)
	o.Warnings = warnings()
	if w.ill {
		o.Update = leftUpdate(now)
	}
	o.Ports, o.Lending = ports(now), lending(now, w.ill)
	o.Pressed, o.Worries = w.pressedUntil(now), w.chassis.worries()
	o.Phones = phones(w.born, now, w.away)
	o.Emergencies = emergencies(w.born, now)
	if first := &o.Emergencies[0]; first.At.Equal(w.seen.At) {
		first.Seen = w.seen.Seen
	}
	o.CallBacks = []api.CallBack{{Number: "+33123456703", Until: o.Emergencies[0].At.Add(time.Hour)}}
	answers := true
	o.PBX = api.PBX{Address: p.PBX.Address.String(), Transport: string(p.PBX.Transport), SRTP: string(p.PBX.SRTP), Reachable: &answers}
	o.Calls = calls(w.born, now)
	o.Trunks = trunks(w.born, now, o.Calls)
	o.Refusals = refusals(w.born, now)
	o.Bans, o.Banned, o.Credentials, o.Fraud = w.bans, len(w.bans), w.keys, w.fraud
	return o
}

// settle takes a revision back whose trial is over.
func (w *world) settle() {
	if w.current.State == "proposed" && time.Now().After(*w.current.Deadline) {
		w.policy, w.current = w.before, w.earlier
	}
}

// Import really reads the document, so that its faults are real.
func (w *world) Import(_ context.Context, doc []byte, who, why string) (api.ImportResult, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.settle()
	if w.current.State == "proposed" {
		return api.ImportResult{}, &api.Conflict{Detail: fmt.Sprintf("Revision %d is on trial.", w.current.Number), Remedy: "Confirm it or wait until it is taken back."}
	}
	p, err := policy.Parse(doc)
	if err != nil {
		return api.ImportResult{}, err
	}
	from := w.policy
	if from == nil {
		from = &policy.Policy{}
	}
	if faults := policy.FillSecrets(p, from); len(faults) > 0 {
		return api.ImportResult{}, faults
	}
	if err := w.mayOpen(p); err != nil {
		return api.ImportResult{}, err
	}
	result := api.ImportResult{Warnings: api.Warnings(p, w.now())}
	for _, c := range policy.Diff(from, p) {
		result.Changes = append(result.Changes, api.Change{Path: c.Path, Old: c.Old, New: c.New})
	}
	if w.policy == nil || len(result.Changes) > 0 {
		w.propose(p, who, why)
	}
	result.Revision = w.current
	return result, nil
}

func (w *world) propose(p *policy.Policy, who, why string) {
	w.before, w.earlier = w.policy, w.current
	w.policy = p
	w.current = api.Revision{Number: w.earlier.Number + 1, Who: who, Why: why, At: time.Now(), State: "confirmed"}
	if w.trial > 0 {
		deadline := time.Now().Add(w.trial)
		w.current.State, w.current.Deadline = "proposed", &deadline
	}
}

// Confirm keeps the revision on trial.
func (w *world) Confirm(context.Context, string) (api.Revision, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.settle()
	if w.current.State != "proposed" {
		return api.Revision{}, &api.Conflict{Detail: "No revision is on trial.", Remedy: "Import one first."}
	}
	w.current.State, w.current.Deadline = "confirmed", nil
	return w.current, nil
}

// Export returns the policy in force with its secrets masked.
func (w *world) Export(context.Context) ([]byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.settle()
	p := w.policy
	if w.current.State == "proposed" {
		p = w.before
	}
	if p == nil {
		return nil, &api.Conflict{Detail: "There is no policy yet.", Remedy: "Import one first."}
	}
	return p.Redacted()
}
