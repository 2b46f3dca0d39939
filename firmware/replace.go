package main

import (
	"encoding/hex"
	"fmt"
	"io"
	"time"

	"tollgate/board/update"
	"tollgate/firmware/delivery"
)

// What is being done with an update.
const (
	stageReceiving = "receiving"
	stageWriting   = "writing"
)

// Keep admits a system and keeps its content until it is written.
func (s *systems) Keep(d delivery.Described, content io.Reader, again bool) (delivery.System, error) {
	i, err := s.admit(d, again)
	if err != nil {
		return nil, err
	}
	kept, err := i.installer.Keep(i.system(), content)
	if err != nil {
		s.setStage("")
		return nil, err
	}
	i.kept = kept
	return i, nil
}

func (s *systems) admit(d delivery.Described, again bool) (*incoming, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := &incoming{systems: s, installer: s.installer, described: d}
	if err := i.installer.Admit(i.system()); err != nil {
		return nil, err
	}
	if !again && s.known.failed(d) {
		return nil, fmt.Errorf("%s was tried on this box and did not prove itself: bring a newer one, or the same by the page", d.Release)
	}
	s.stage = stageReceiving
	return i, nil
}

func (s *systems) setStage(stage string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stage = stage
}

// incoming is a system on its way into the other slot.
type incoming struct {
	systems   *systems
	installer update.Installer
	described delivery.Described
	kept      *update.Kept
}

func (i *incoming) system() update.System {
	d := i.described
	return update.System{Board: d.Board, Release: d.Release, Built: d.Built, Size: d.Size, SHA256: d.SHA256}
}

// Write writes the system to the slot that does not run.
func (i *incoming) Write() error {
	i.systems.setStage(stageWriting)
	err := i.installer.Write(i.kept)
	i.systems.mu.Lock()
	defer i.systems.mu.Unlock()
	// Whatever was there is gone.
	i.systems.note(func(k *known) {
		delete(k.Slots, i.installer.Running.Slot.Other())
		k.Last = nil
		if err == nil {
			k.Slots[i.installer.Running.Slot.Other()] = i.described.Release
		}
	})
	return err
}

// Try has the next start try it.
func (i *incoming) Try() error {
	if err := i.installer.Try(); err != nil {
		return err
	}
	d := i.described
	i.systems.mu.Lock()
	defer i.systems.mu.Unlock()
	i.systems.note(func(k *known) {
		k.Last = &attempt{Release: d.Release, SHA256: hex.EncodeToString(d.SHA256), By: d.By, At: time.Now(), Outcome: tryWaiting}
		i.systems.noteTrunks(k)
	})
	return nil
}

// Close forgets what was kept.
func (i *incoming) Close() error {
	i.systems.setStage("")
	return i.kept.Close()
}
