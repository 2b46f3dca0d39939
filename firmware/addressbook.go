package main

import (
	"encoding/json"
	"maps"
	"net/netip"
	"slices"
	"time"
)

// Where the carriers' names led is kept over a restart: the first filter of a start lets the carriers in where they were, and is the
// only one as long as they still are there. An address that they have left meanwhile counts as one that leaves the names while the
// box runs.
const (
	addressesKind = "addresses"
	addressesKey  = "trunks"
	// addressesEvery bounds how often it is written for trunks that stand there: there are names whose addresses change with each answer.
	addressesEvery = time.Hour
)

// addressBook keeps records; *store.Store satisfies it.
type addressBook interface {
	Get(kind, key string) (value []byte, found bool, err error)
	Put(kind, key string, value []byte) error
}

// recall takes over where the carriers were when an earlier process knew it. What cannot be read is told and left aside.
func (s *sources) recall() {
	value, found, err := s.kept.Get(addressesKind, addressesKey)
	known := map[string][]netip.Addr{}
	if err == nil && found {
		err = json.Unmarshal(value, &known)
	}
	if err != nil {
		s.log.Warn("where the carriers were is not known", "err", err)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for trunk, addrs := range known {
		s.resolved.note(trunk, addrs, time.Now())
	}
	s.book = known
}

// introduce tells access what recall has brought, once there are peers to know.
func (s *sources) introduce() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for trunk, addrs := range s.resolved.all(time.Now()) {
		s.access.SetResolved(trunk, addrs)
	}
}

// remember keeps where the carriers of the policy are, when that is news. s.mu is held.
func (s *sources) remember() {
	if s.kept == nil || s.policy == nil {
		return
	}
	now, due := map[string][]netip.Addr{}, time.Since(s.written) >= addressesEvery
	for _, t := range s.policy.Carriers() {
		if addrs := s.resolved.now[t.Name]; len(addrs) > 0 {
			now[t.Name] = addrs
			due = due || s.book[t.Name] == nil
		}
	}
	if !due || maps.EqualFunc(now, s.book, slices.Equal) {
		return
	}
	value, err := json.Marshal(now)
	if err == nil {
		err = s.kept.Put(addressesKind, addressesKey, value)
	}
	if err != nil {
		s.log.Warn("where the carriers are is not kept", "err", err)
		return
	}
	s.book, s.written = now, time.Now()
}
