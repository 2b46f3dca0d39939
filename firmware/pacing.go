package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"tollgate/firmware/admission"
	"tollgate/firmware/store"
)

// The record that holds what numbers have done that are shown outside, for pacing.
const (
	paceKind = "admission"
	paceKey  = "paces"
)

// restorePaces tells the gate what an earlier run has kept. A record that cannot be read is told and left aside.
func restorePaces(g *admission.Gate, s *store.Store, log *slog.Logger) error {
	value, found, err := s.Get(paceKind, paceKey)
	if err != nil {
		return fmt.Errorf("read what numbers have done: %w", err)
	}
	var kept []admission.Pace
	if !found {
		return nil
	}
	if err := json.Unmarshal(value, &kept); err != nil {
		log.Error("what numbers have done cannot be read", "err", err)
		return nil
	}
	g.SetPaces(kept)
	return nil
}

// savePaces keeps what counts for pacing, at a stop. What a power cut takes is an hour's count.
func savePaces(g *admission.Gate, s *store.Store, log *slog.Logger) {
	list := g.Paces(time.Now())
	if len(list) == 0 {
		return
	}
	value, err := json.Marshal(list)
	if err == nil {
		err = s.Put(paceKind, paceKey, value)
	}
	if err != nil {
		log.Error("what numbers have done is not kept over a restart", "err", err)
	}
}
