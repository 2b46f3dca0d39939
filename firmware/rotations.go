package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
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

// credentialID names a password: pbx, or trunk/user.
type credentialID string

// credentialOf is a password of the policy.
type credentialOf struct {
	id          credentialID
	trunk, user string // trunk is empty for the PBX
	registers   bool
	secret      func() policy.Secret // behind a function no printing verb reaches it
	names       []string
	excused     bool // the policy has an exception for weak ones
}

// credentialsOf lists the passwords of a policy.
func credentialsOf(p *policy.Policy) (list []credentialOf) {
	if pbx := p.PBX; pbx.Authentication == policy.AuthDigest {
		list = append(list, credentialOf{id: policy.PeerPBX, user: pbx.User, secret: func() policy.Secret { return pbx.Secret }, names: []string{pbx.User, policy.DigestRealm}})
	}
	for _, t := range p.Trunks {
		for _, a := range t.Accounts {
			if a.Secret == "" {
				continue
			}
			list = append(list, credentialOf{
				id: credentialID(t.Name + "/" + a.User), trunk: t.Name, user: a.User, registers: t.Registrar != "", secret: func() policy.Secret { return a.Secret },
				names: append([]string{a.User, a.AuthUser, t.Domain}, a.Numbers...), excused: a.WeakSecret.Made(),
			})
		}
	}
	return list
}

func (c credentialOf) pbx() bool { return c.trunk == "" }

// print tells one password from another. It stands beside passwords in the same file, and is not worth more than they.
func (c credentialOf) print(s policy.Secret) string {
	sum := sha256.Sum256([]byte(string(c.id) + "\x00" + s.Reveal()))
	return hex.EncodeToString(sum[:])
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

// run does what is due until ctx ends.
func (r *rotations) run(ctx context.Context) {
	tick := time.NewTicker(rotationsTick)
	defer tick.Stop()
	for {
		r.step(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// step does what is due now.
func (r *rotations) step(ctx context.Context) {
	r.stepping.Lock()
	defer r.stepping.Unlock()
	r.mu.Lock()
	list := slices.Clone(r.list)
	r.mu.Unlock()
	for _, c := range list {
		for range 3 { // what an act leads to
			if ctx.Err() != nil || !r.act(ctx, c) {
				break
			}
		}
	}
}

// act does the next thing for one password; it tells whether there may be more.
func (r *rotations) act(ctx context.Context, c credentialOf) bool {
	r.mu.Lock()
	k := r.kept[c.id]
	if k == nil {
		r.mu.Unlock()
		return false
	}
	if k.Refused() && !c.pbx() && r.refused(c.id) {
		r.mu.Unlock()
		return r.restore(ctx, c)
	}
	do, why := k.Next(time.Now(), r.rules, c.registers)
	next := policy.Secret(k.Coming)
	r.mu.Unlock()
	switch do {
	case rotation.Probe:
		return r.probe(ctx, c, next)
	case rotation.Activate:
		return r.activate(ctx, c, next)
	case rotation.Drop:
		r.note(c.id, func(k *replaced) { k.Coming = "" }, "given up", true, why)
	case rotation.Finish:
		r.note(c.id, func(k *replaced) { k.Going = "" }, "done", why != "", why)
	case rotation.Remind:
		r.note(c.id, func(*replaced) {}, "due", true, why)
	}
	return false
}

// probe asks the carrier.
func (r *rotations) probe(ctx context.Context, c credentialOf, next policy.Secret) bool {
	asking, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	err := r.prober.Probe(asking, c.trunk, c.user, next)
	r.mu.Lock()
	defer r.mu.Unlock()
	k := r.kept[c.id]
	if k == nil || k.Coming != next.Reveal() { // called off meanwhile
		return false
	}
	if err != nil {
		r.log.Info("the new password does not work yet", "credential", c.id, "err", err)
		k.Failed(time.Now(), err.Error())
	} else {
		k.Worked()
	}
	r.save()
	return err == nil
}

// activate puts the next password into the policy. Both are accepted from here until the grace is over.
func (r *rotations) activate(ctx context.Context, c credentialOf, next policy.Secret) bool {
	old := c.secret()
	r.mu.Lock()
	k := r.kept[c.id]
	k.Going, k.Older = old.Reveal(), k.Since
	r.accept()
	r.save()
	r.mu.Unlock()
	if c.pbx() {
		r.rotated(old, next)
	}
	if err := r.change(ctx, c, next, "rotation of "+string(c.id)); err != nil {
		if c.pbx() {
			r.rotated(next, old)
		}
		r.log.Warn("the new password is not in force yet", "credential", c.id, "err", err)
		return false
	}
	r.note(c.id, func(k *replaced) {
		k.Activated(time.Now(), r.rules)
		k.Coming = ""
	}, "in force", false, "the new password works, and the policy has it; the one before is kept for some days")
	return false
}

// restore puts the password before back into the policy, because the carrier refuses the new one.
func (r *rotations) restore(ctx context.Context, c credentialOf) bool {
	r.mu.Lock()
	going := policy.Secret(r.kept[c.id].Going)
	r.mu.Unlock()
	if going == "" {
		return false
	}
	if err := r.change(ctx, c, going, "the carrier refuses the new password of "+string(c.id)); err != nil {
		r.log.Warn("the password before is not in force yet", "credential", c.id, "err", err)
		return false
	}
	const why = "the carrier refuses the new password, and the one before is in force again"
	r.note(c.id, func(k *replaced) {
		k.Restored(k.Older, why)
		k.Going = ""
	}, "taken back", true, why)
	return false
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
