package main

import (
	"context"
	"log/slog"
	"net/netip"
	"reflect"
	"sync"
	"time"

	"tollgate/firmware/access"
	"tollgate/firmware/apply"
	"tollgate/firmware/policy"
	"tollgate/netfilter"
)

// sources keeps the filter at what the policy lists and what the carriers' names resolve to.
type sources struct {
	filter *netfilter.Filter
	access *access.Gate
	bans   *bans
	kept   addressBook // nil: nothing is kept over a restart
	log    *slog.Logger

	mu       sync.Mutex // guards everything below, and the filter from two Sets at once
	ahead    *ahead     // nil: nothing is written ahead, or it was looked at
	policy   *policy.Policy
	until    time.Time // the policy is on trial until then; zero: it is not
	resolved graces
	last     netfilter.Config        // that the filter was set to, until then
	book     map[string][]netip.Addr // what is kept, by trunk
	written  time.Time               // when that was written
}

// set puts the filter of a policy into force for good.
func (s *sources) set(ctx context.Context, p *policy.Policy) error { return s.try(ctx, p, time.Time{}) }

// try puts it into force until a moment, if there is one; then the kernel goes back to what was set.
func (s *sources) try(ctx context.Context, p *policy.Policy, until time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.apply(ctx, p, until); err != nil {
		return err
	}
	s.policy, s.until = p, until
	return nil
}

// withdraw takes back what was written ahead, for a policy that is not put into force.
func (s *sources) withdraw(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.ahead
	s.ahead = nil
	return a.withdraw(ctx)
}

func (s *sources) apply(ctx context.Context, p *policy.Policy, until time.Time) error {
	return s.put(ctx, apply.Filter(p, s.resolved.all(time.Now())), until)
}

func (s *sources) put(ctx context.Context, c netfilter.Config, until time.Time) (err error) {
	written := s.ahead.is(c)
	s.ahead = nil
	switch {
	case written && until.IsZero():
	case until.IsZero() || s.policy == nil: // from set-up mode there is no way back
		err = s.filter.Set(ctx, c)
	default:
		err = s.filter.Try(ctx, c, until)
	}
	if s.last = c; err != nil {
		s.last = netfilter.Config{} // nobody knows
	}
	return err
}

// Resolved takes the addresses of a trunk from the one who looked them up. Those that are not among them any more count for
// a while yet: calls are up there, and carriers take a server out of the name before they take it out of service.
func (s *sources) Resolved(trunk string, addrs []netip.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.resolved.note(trunk, addrs, time.Now()) {
		time.AfterFunc(graceTime+time.Second, func() { s.again(trunk) })
	}
	s.update(trunk)
	s.remember()
}

// again takes out what has been away for long enough.
func (s *sources) again(trunk string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.update(trunk)
}

// update tells access and filter where a trunk is. A filter that is so already stays: writing it takes a good part of a start. s.mu is
// held.
func (s *sources) update(trunk string) {
	s.access.SetResolved(trunk, s.resolved.of(trunk, time.Now()))
	s.bans.review()
	if s.policy == nil || !s.until.IsZero() && !s.until.After(time.Now()) {
		return // a trial that is over is about to be taken back
	}
	c := apply.Filter(s.policy, s.resolved.all(time.Now()))
	if reflect.DeepEqual(c, s.last) {
		return
	}
	if err := s.put(context.Background(), c, s.until); err != nil {
		s.log.Error("carrier's addresses not let in", "trunk", trunk, "err", err)
	}
}
