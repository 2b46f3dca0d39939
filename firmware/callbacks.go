package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"tollgate/firmware/admission"
	"tollgate/firmware/numbering"
	"tollgate/firmware/store"
)

// The record that holds which numbers emergency services may call back, and how soon it is written. A call does not wait
// for it.
const (
	callBackKind = "emergency"
	callBackKey  = "call-backs"
	callBackSave = time.Second
)

// callBacks is a gate that still expects after a restart whom an emergency service may call back.
type callBacks struct {
	*admission.Gate
	store *store.Store
	log   *slog.Logger

	writing sync.Mutex // held while the record is written

	mu     sync.Mutex  // guards everything below
	saving *time.Timer // nil: nothing has changed
}

// newCallBacks tells the gate what an earlier run has kept. A record that cannot be read is told and left aside.
func newCallBacks(g *admission.Gate, s *store.Store, log *slog.Logger) (*callBacks, error) {
	value, found, err := s.Get(callBackKind, callBackKey)
	if err != nil {
		return nil, fmt.Errorf("read whom emergency services may call back: %w", err)
	}
	var kept []admission.CallBack
	if found {
		if err := json.Unmarshal(value, &kept); err != nil {
			log.Error("whom emergency services may call back cannot be read", "err", err)
			kept = nil
		}
	}
	for _, k := range kept {
		g.ExpectCallBack(numbering.Number{E164: k.Number}, k.Until.Add(-admission.CallBackTime))
	}
	return &callBacks{Gate: g, store: s, log: log}, nil
}

// ExpectCallBack has the gate expect a call back, and keeps that soon.
func (c *callBacks) ExpectCallBack(shown numbering.Number, now time.Time) {
	c.Gate.ExpectCallBack(shown, now)
	if shown.E164 == "" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.saving == nil {
		c.saving = time.AfterFunc(callBackSave, c.save)
	}
}

// save writes what is expected now, if that has changed since.
func (c *callBacks) save() {
	c.writing.Lock()
	defer c.writing.Unlock()
	c.mu.Lock()
	changed := c.saving
	c.saving = nil
	c.mu.Unlock()
	if changed == nil {
		return
	}
	changed.Stop()
	value, err := json.Marshal(c.CallBacks(time.Now()))
	if err == nil {
		err = c.store.Put(callBackKind, callBackKey, value)
	}
	if err != nil {
		c.log.Error("whom emergency services may call back is not kept over a restart", "err", err)
	}
}
