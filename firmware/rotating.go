package main

import (
	"context"
	"slices"
	"time"

	"tollgate/firmware/policy"
	"tollgate/firmware/rotation"
)

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
