package main

import (
	"crypto/rand"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"testing"
	"time"

	"tollgate/firmware/access"
	"tollgate/firmware/policy"
)

// book keeps records in memory and counts what is written.
type book struct {
	records map[string][]byte
	writes  int
}

func (b *book) Get(_, key string) ([]byte, bool, error) {
	value, found := b.records[key]
	return value, found, nil
}

func (b *book) Put(_, key string, value []byte) error {
	b.writes++
	b.records[key] = value
	return nil
}

func TestWhereTheCarriersWereIsKnownAfterARestart(t *testing.T) {
	kept := &book{records: map[string][]byte{}}
	p := &policy.Policy{Trunks: []policy.Trunk{{Name: "one"}, {Name: "two"}}}
	begin := func() *sources {
		s := &sources{access: access.New(p, rand.Reader), kept: kept, log: slog.New(slog.DiscardHandler), policy: p}
		s.recall()
		return s
	}
	told := func(s *sources, trunk string, addrs ...string) {
		var list []netip.Addr
		for _, a := range addrs {
			list = append(list, netip.MustParseAddr(a))
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.resolved.note(trunk, list, time.Now())
		s.remember()
	}
	want := func(what string, writes int, addrs map[string]string) {
		t.Helper()
		s := begin()
		s.introduce()
		have := map[string]string{}
		for trunk, list := range s.resolved.all(time.Now()) {
			for _, a := range list {
				have[trunk] += a.String() + " "
				from := access.Source{Side: policy.SideOutside, Addr: netip.AddrPortFrom(a, 5060)}
				if !slices.Contains(s.access.Peers(from), policy.Peer{Side: policy.SideOutside, Name: trunk}) {
					t.Errorf("%s: %s is not known as %s", what, a, trunk)
				}
			}
		}
		if !maps.Equal(have, addrs) || kept.writes != writes {
			t.Errorf("%s: known are %v after %d writes, want %v after %d", what, have, kept.writes, addrs, writes)
		}
	}
	want("the first start", 0, map[string]string{})
	s := begin()
	told(s, "one", "203.0.113.1")
	told(s, "two", "203.0.113.2", "203.0.113.3")
	told(s, "gone", "203.0.113.9")
	want("both have an address", 2, map[string]string{"one": "203.0.113.1 ", "two": "203.0.113.2 203.0.113.3 "})
	told(s, "one", "203.0.113.4")
	want("one has another soon after", 2, map[string]string{"one": "203.0.113.1 ", "two": "203.0.113.2 203.0.113.3 "})
	s.written = time.Now().Add(-addressesEvery)
	told(s, "one", "203.0.113.4")
	want("it still has later", 3, map[string]string{"one": "203.0.113.4 ", "two": "203.0.113.2 203.0.113.3 "})
	s.written = time.Now().Add(-addressesEvery)
	told(s, "one", "203.0.113.4")
	want("nothing is new", 3, map[string]string{"one": "203.0.113.4 ", "two": "203.0.113.2 203.0.113.3 "})
	kept.records[addressesKey] = []byte("{")
	want("it cannot be read", 3, map[string]string{})
}
