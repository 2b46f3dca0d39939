package apply

import (
	"context"
	"fmt"
	"strings"
	"time"

	"tollgate/firmware/event"
	"tollgate/firmware/policy"
	"tollgate/firmware/store"
)

// Confirm keeps the revision on trial.
func (b *Box) Confirm(who string) (store.Revision, error) {
	b.change.Lock()
	defer b.change.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.before == nil {
		return store.Revision{}, ErrNoTrial
	}
	if err := b.keep(); err != nil {
		return store.Revision{}, err
	}
	if err := b.revisions.Confirm(b.revision.Number, time.Now()); err != nil {
		return store.Revision{}, fmt.Errorf("confirm revision %d: %w", b.revision.Number, err)
	}
	b.timer.Stop()
	b.before, b.timer = nil, nil
	b.revision.State, b.revision.Deadline = store.Confirmed, time.Time{}
	b.log.Info("policy confirmed", "revision", b.revision.Number, "who", who)
	return b.revision, nil
}

// keep puts the parts that would go back by themselves into force for good.
func (b *Box) keep() error {
	for _, part := range b.parts {
		if part.Try == nil {
			continue
		}
		if err := part.Set(context.Background(), b.current); err != nil {
			return fmt.Errorf("keep what is on trial: %s: %w", part.Name, err)
		}
	}
	return nil
}

// lapse ends a trial that nobody has confirmed.
func (b *Box) lapse(number uint64) {
	b.change.Lock()
	defer b.change.Unlock()
	b.mu.Lock()
	before, now, ours := b.before, b.current, b.revision.Number == number && b.before != nil
	b.mu.Unlock()
	if !ours {
		return
	}
	b.log.Warn("policy not confirmed in time: the one before is put back", "revision", number)
	if err := b.set(context.Background(), before.policy, now); err != nil {
		b.log.Error("policy not put back", "revision", before.revision.Number, "err", err)
	}
	if err := b.revisions.Revert(number, "not confirmed in time", time.Now()); err != nil {
		b.log.Error("revision not marked as reverted", "revision", number, "err", err)
	}
	b.mu.Lock()
	b.before, b.timer = nil, nil
	b.mu.Unlock()
	b.take(before.policy, before.revision)
	b.sink.Tell(event.PolicyApplied{At: time.Now(), Revision: before.revision.Number, Who: before.revision.Who, Why: "trial not confirmed"})
}

// risky tells whether a change can cut off the one who made it.
func risky(changes []policy.Change) bool {
	for _, c := range changes {
		for _, prefix := range []string{"network.", "admin.", "pbx.address", "pbx.transport", "pbx.tls",
			"phones.domain", "phones.proxy", "phones.transport", "phones.tls"} {
			if strings.HasPrefix(c.Path+".", prefix) || strings.HasPrefix(c.Path, prefix) {
				return true
			}
		}
		if strings.HasPrefix(c.Path, "trunks") && wayToCarrier(c.Path) {
			return true
		}
	}
	return false
}

// wayToCarrier tells the keys of a trunk that say how it is reached.
func wayToCarrier(path string) bool {
	for _, key := range []string{".profile", ".domain", ".registrar", ".outbound_proxy", ".transport", ".own_name", ".tls"} {
		if strings.Contains(path, key) {
			return true
		}
	}
	return false
}
