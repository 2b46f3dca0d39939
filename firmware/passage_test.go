package main

import (
	"log/slog"
	"path/filepath"
	"testing"

	"tollgate/board/link"
	"tollgate/firmware/store"
)

func TestSwitchesAreThoseOfThisRunOfTheSystem(t *testing.T) {
	s, err := store.Open(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	kept := func() bool {
		_, found, err := s.Get(switchesKind, switchesKey)
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	// The port is gone meanwhile, so that this machine's switches stay as they are.
	left := []link.Found{{File: "ipv4/conf/gone0/forwarding", Text: "0"}}
	killed := &box{store: s, log: slog.New(slog.DiscardHandler)}
	if err := killed.openPassage(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		leave func() error
		stays bool
	}{
		"this run": {func() error { return killed.forwarder.Keep(left) }, false},
		"another":  {func() error { return killed.keepSwitches(foundSwitches{"another", left}) }, true},
	} {
		if err := c.leave(); err != nil {
			t.Fatal(err)
		}
		next := &box{store: s, log: killed.log}
		if err := next.openPassage(); err != nil {
			t.Fatal(err)
		}
		if err := next.setPassage(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if kept() != c.stays {
			t.Errorf("switches of %s: put back %v, want %v", name, !kept(), !c.stays)
		}
	}
}
