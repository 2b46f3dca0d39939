package link

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// Forwarding is between which two ports the kernel passes packets on that are addressed to others; the zero value is none.
type Forwarding struct {
	Inside, Outside string // interfaces
	IPv6            bool   // else IPv4
}

// switches are what it takes, in the order in which it is written.
//
// Of IPv4 both ports are told, and no other. Of IPv6 there is one switch for all ports; with it the kernel forgets the
// routers that have announced themselves, and hears no more of them, unless accept_ra is 2 (ip-sysctl, accept_ra).
func (f Forwarding) switches() []toggle {
	switch {
	case f == Forwarding{}:
		return nil
	case f.IPv6:
		return []toggle{{"ipv6/conf/" + f.Outside + "/accept_ra", "2", "1"}, {"ipv6/conf/all/forwarding", "1", ""}}
	}
	return []toggle{{"ipv4/conf/" + f.Inside + "/forwarding", "1", ""}, {"ipv4/conf/" + f.Outside + "/forwarding", "1", ""}}
}

// toggle is a file below /proc/sys/net and what to write to it; with only, where that is what was found.
type toggle struct{ file, text, only string }

// Found is what a switch was before it was changed: its file below /proc/sys/net, and what that said.
type Found struct {
	File string `json:"file"`
	Text string `json:"text"`
}

// Forwarder switches forwarding on and back to what it was before. The zero value is ready; it is safe for concurrent use.
// It says nothing about what passes: that is for a packet filter that is in force before.
type Forwarder struct {
	// Keep, unless it is nil, is told what was found in the switches that are changed, before they are and after they were put
	// back. When it fails, nothing more is switched on. It is for Resume: a process that is killed puts nothing back.
	Keep func([]Found) error

	root string // of the files; "": /proc/sys/net

	mu    sync.Mutex // guards everything below
	found []Found    // what was in the files that are switched now, in the order in which they were
}

// Resume takes over what an earlier process has found and has not put back, so that its settings are not taken for how the
// system was. The next Set puts back what it does not want. It has to come before the first Set, and on the same running system.
func (s *Forwarder) Resume(found []Found) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.found = slices.Clone(found)
}

// Set has packets passed on between the ports of f, and puts back what it switched on for others. After an error all is as
// it was found: nothing is passed on that was not before the first Set.
func (s *Forwarder) Set(f Forwarding) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	wanted := f.switches()
	if err := s.undo(wanted); err != nil {
		return err
	}
	for _, t := range wanted {
		if err := s.turn(t); err != nil {
			return errors.Join(fmt.Errorf("have packets passed on between %s and %s: %w", f.Inside, f.Outside, err), s.undo(nil))
		}
	}
	return nil
}

// undo puts back what is not wanted any more, the last first. A port that is gone took its switch with it.
func (s *Forwarder) undo(wanted []toggle) error {
	var faults []error
	var changed bool
	for i := len(s.found) - 1; i >= 0; i-- {
		f := s.found[i]
		if slices.ContainsFunc(wanted, func(w toggle) bool { return w.file == f.File }) {
			continue
		}
		if err := os.WriteFile(s.path(f.File), []byte(f.Text), 0o644); err != nil && !errors.Is(err, os.ErrNotExist) {
			faults = append(faults, fmt.Errorf("stop packets from being passed on: %w", err))
		}
		s.found = slices.Delete(s.found, i, i+1)
		changed = true
	}
	if changed {
		faults = append(faults, s.keep())
	}
	return errors.Join(faults...)
}

// turn writes a switch, and remembers what was there first.
func (s *Forwarder) turn(t toggle) error {
	b, err := os.ReadFile(s.path(t.file))
	if err != nil {
		return err
	}
	now := strings.TrimSpace(string(b))
	if !slices.ContainsFunc(s.found, func(f Found) bool { return f.File == t.file }) {
		if t.only != "" && now != t.only {
			return nil
		}
		s.found = append(s.found, Found{t.file, now})
		if err := s.keep(); err != nil {
			return err
		}
	}
	if now == t.text {
		return nil
	}
	return os.WriteFile(s.path(t.file), []byte(t.text), 0o644)
}

func (s *Forwarder) keep() error {
	if s.Keep == nil {
		return nil
	}
	if err := s.Keep(slices.Clone(s.found)); err != nil {
		return fmt.Errorf("keep how the system was: %w", err)
	}
	return nil
}

func (s *Forwarder) path(file string) string {
	if s.root == "" {
		return filepath.Join("/proc/sys/net", file)
	}
	return filepath.Join(s.root, file)
}
