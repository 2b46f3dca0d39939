package main

import (
	"context"
	"log/slog"
	"maps"
	"net/netip"
	"sync"

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
	log    *slog.Logger

	mu       sync.Mutex // guards everything below, and the filter from two Sets at once
	policy   *policy.Policy
	resolved map[string][]netip.Addr
}

func (s *sources) set(ctx context.Context, p *policy.Policy) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.filter.Set(ctx, apply.Filter(p, s.resolved)); err != nil {
		return err
	}
	s.policy = p
	return nil
}

// Resolved takes the addresses of a trunk from the one who looked them up.
func (s *sources) Resolved(trunk string, addrs []netip.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.access.SetResolved(trunk, addrs)
	s.bans.review()
	next := maps.Clone(s.resolved)
	if next == nil {
		next = map[string][]netip.Addr{}
	}
	next[trunk] = addrs
	s.resolved = next
	if s.policy == nil {
		return
	}
	if err := s.filter.Set(context.Background(), apply.Filter(s.policy, next)); err != nil {
		s.log.Error("carrier's addresses not let in", "trunk", trunk, "err", err)
	}
}
