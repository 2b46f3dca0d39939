package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"tollgate/firmware/access"
	"tollgate/firmware/apply"
	"tollgate/firmware/credential"
	"tollgate/firmware/event"
	"tollgate/firmware/policy"
	"tollgate/firmware/rotation"
	"tollgate/firmware/store"
)

// The record that holds rotations, and how often it is looked whether something is to be done.
const (
	rotationsKind = "credentials"
	rotationsKey  = "rotations"
	rotationsTick = time.Minute
	probeTime     = 40 * time.Second
)

// The rules by which a rotation cannot be begun.
var (
	errNoCredential = errors.New("there is no such credential")
	errNeedsSecret  = errors.New("the carrier gives out its passwords: bring the new one")
	errMakesSecret  = errors.New("the box makes the PBX's passwords: bring none")
)

// replaced is one password as it is kept.
type replaced struct {
	rotation.State
	Print  string    `json:"print"`  // of the password in force, so that another one is noticed
	Coming string    `json:"coming"` // the next one; of the PBX its hashes
	Going  string    `json:"going"`  // the one before, while it may return; of the PBX its hashes
	Older  time.Time `json:"older"`  // since when the one before had counted
}

// prober asks a carrier whether it takes a password.
type prober interface {
	Probe(ctx context.Context, trunk, user string, secret policy.Secret) error
}

// rotations replace passwords as package rotation says.
type rotations struct {
	gate     *access.Gate
	prober   prober
	refused  func(credentialID) bool      // the carrier refuses the password in force
	rotated  func(from, to policy.Secret) // the PBX's registration outlives the change
	config   *apply.Box
	store    *store.Store
	random   io.Reader
	sink     event.Sink
	log      *slog.Logger
	stepping sync.Mutex // one step at a time

	mu    sync.Mutex // guards everything below
	rules rotation.Rules
	list  []credentialOf // of the policy in force
	kept  map[credentialID]*replaced
}

// load takes up what an earlier run has kept.
func (r *rotations) load() error {
	value, found, err := r.store.Get(rotationsKind, rotationsKey)
	if err != nil {
		return fmt.Errorf("read the age of passwords: %w", err)
	}
	r.kept = map[credentialID]*replaced{}
	if found {
		if err := json.Unmarshal(value, &r.kept); err != nil {
			r.log.Error("the age of passwords cannot be read", "err", err)
			r.kept = map[credentialID]*replaced{}
		}
	}
	return nil
}

// set notes the passwords of a policy. One that was changed by hand is young, and what was under way for it is over.
func (r *rotations) set(p *policy.Policy, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rules = rotation.Rules{Every: p.Rotation.Every(), Grace: p.Rotation.Grace()}
	r.list = credentialsOf(p)
	for _, c := range r.list {
		print := c.print(c.secret())
		k := r.kept[c.id]
		switch {
		case k == nil:
			k = &replaced{}
			r.kept[c.id] = k
			k.Seen(now)
		case k.Print != print && (k.Coming == "" || c.print(policy.Secret(k.Coming)) != print) && (k.Going == "" || c.print(policy.Secret(k.Going)) != print):
			*k = replaced{}
			k.Seen(now)
		}
		k.Print = print
	}
	for id := range r.kept {
		if !slices.ContainsFunc(r.list, func(c credentialOf) bool { return c.id == id }) {
			delete(r.kept, id)
		}
	}
	r.accept()
	r.save()
}

// accept has the gate take both passwords of the PBX while one replaces the other. r.mu is held.
func (r *rotations) accept() {
	var besides []policy.Secret
	if k := r.kept[policy.PeerPBX]; k != nil {
		for _, s := range []string{k.Coming, k.Going} {
			if s != "" {
				besides = append(besides, policy.Secret(s))
			}
		}
	}
	r.gate.Accept(besides...)
}

// save writes what is known. r.mu is held; it is seldom, and must not be lost.
func (r *rotations) save() {
	value, err := json.Marshal(r.kept)
	if err == nil {
		err = r.store.Put(rotationsKind, rotationsKey, value)
	}
	if err != nil {
		r.log.Error("the age of passwords is not kept over a restart", "err", err)
	}
}

// proved hears with which password the PBX has proved itself: 0 is that of the policy.
func (r *rotations) proved(now time.Time, s access.Source, which int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	k := r.kept[policy.PeerPBX]
	if k == nil || k.Phase == rotation.Current {
		return
	}
	k.Used(now, s.Addr.Addr().Unmap().String(), (which == 0) == (k.Phase != rotation.Active))
}

// begin starts a rotation. For the PBX it makes the password and returns it, this once; a carrier's is brought.
func (r *rotations) begin(id credentialID, brought, who string, now time.Time) (made string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c, k, err := r.find(id)
	if err != nil {
		return "", err
	}
	next, made, err := r.next(c, brought)
	if err != nil {
		return "", err
	}
	if err := k.Begin(now); err != nil {
		return "", err
	}
	k.Coming = next.Reveal()
	if c.pbx() {
		r.accept()
	}
	r.save()
	r.tell(id, "begun", false, "the password in force counts until the next one is seen to work", who)
	return made, nil
}

// next is the password that is to come, and what of it is to be shown. r.mu is held.
func (r *rotations) next(c credentialOf, brought string) (next policy.Secret, made string, err error) {
	switch {
	case c.pbx() && brought != "":
		return "", "", errMakesSecret
	case c.pbx():
		for made == "" || credential.Weak(made, c.names...) != "" { // which chance may put a short name into
			if made, err = credential.New(r.random); err != nil {
				return "", "", err
			}
		}
		return policy.HashSecret(c.user, policy.Secret(made)), made, nil
	case brought == "":
		return "", "", errNeedsSecret
	case !c.registers:
		return "", "", errors.New("the trunk does not register, so that nobody can try it: write it into the policy")
	case c.print(policy.Secret(brought)) == c.print(c.secret()):
		return "", "", errors.New("it is the password in force")
	}
	if why := credential.Weak(brought, c.names...); why != "" && !c.excused {
		return "", "", fmt.Errorf("it %s; ask the carrier for a better one, or make an exception in the policy (weak_secret)", why)
	}
	return policy.Secret(brought), "", nil
}

// cancel calls a rotation off.
func (r *rotations) cancel(id credentialID, who string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, k, err := r.find(id)
	if err != nil {
		return err
	}
	if err := k.Cancel(); err != nil {
		return err
	}
	k.Coming = ""
	r.accept()
	r.save()
	r.tell(id, "called off", false, "the password in force stays", who)
	return nil
}

// find is called with the lock held.
func (r *rotations) find(id credentialID) (credentialOf, *replaced, error) {
	i := slices.IndexFunc(r.list, func(c credentialOf) bool { return c.id == id })
	if i < 0 || r.kept[id] == nil {
		return credentialOf{}, nil, errNoCredential
	}
	return r.list[i], r.kept[id], nil
}

// change puts a policy into force that differs in one password.
func (r *rotations) change(ctx context.Context, c credentialOf, s policy.Secret, why string) error {
	p, _, trial := r.config.Current()
	if p == nil || trial {
		return apply.ErrOnTrial
	}
	doc, err := p.WithSecret(c.trunk, c.user, s)
	if err != nil {
		return err
	}
	_, err = r.config.Import(ctx, doc, "the box", why)
	return err
}

// note keeps what has become of a password and tells it.
func (r *rotations) note(id credentialID, change func(*replaced), what string, alarm bool, why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	k := r.kept[id]
	if k == nil {
		return
	}
	change(k)
	r.accept()
	r.save()
	r.tell(id, what, alarm, why, "")
}

func (r *rotations) tell(id credentialID, what string, alarm bool, why, who string) {
	level := slog.LevelInfo
	if alarm {
		level = slog.LevelWarn
	}
	r.log.Log(context.Background(), level, "password", "credential", id, "is", what, "reason", why, "who", who)
	r.sink.Tell(event.CredentialChanged{At: time.Now(), ID: string(id), What: what, Alarm: alarm, Reason: why, Who: who})
}
