package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"tollgate/firmware/api"
	"tollgate/firmware/call"
	"tollgate/firmware/event"
	"tollgate/firmware/store"
)

// The record that holds the latest calls, how many they are, and how soon it is written. Each call alone would wear a
// memory card out; what a power cut takes is the account of the last half minute.
const (
	endedKind = "calls"
	endedKey  = "latest"
	endedMost = 200
	endedSave = 30 * time.Second
)

// ended remembers the calls that are over, over a restart too.
type ended struct {
	store *store.Store
	log   *slog.Logger

	writing sync.Mutex // held while the record is written

	mu     sync.Mutex      // guards everything below
	list   []api.EndedCall // oldest first; more than are kept, until it is worth moving them
	saving *time.Timer     // nil: nothing has changed
}

// openEnded reads what an earlier run has kept. A record that cannot be read is told and left aside.
func openEnded(s *store.Store, log *slog.Logger) (*ended, error) {
	value, found, err := s.Get(endedKind, endedKey)
	if err != nil {
		return nil, fmt.Errorf("read the latest calls: %w", err)
	}
	e := &ended{store: s, log: log}
	if found {
		if err := json.Unmarshal(value, &e.list); err != nil {
			log.Error("the latest calls cannot be read", "err", err)
			e.list = nil
		}
	}
	return e, nil
}

// note takes a call that is over.
func (e *ended) note(c call.Snapshot, end event.CallEnded) {
	shown := shownCall(c)
	shown.State = "ringing"
	if end.Answered {
		shown.State = "answered"
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = append(e.list, api.EndedCall{Call: shown, Ended: end.At, Seconds: rounded(end.Duration.Seconds()), Status: end.Status, Reason: end.Reason})
	if len(e.list) > 2*endedMost {
		e.list = slices.Clone(e.kept())
	}
	if e.saving == nil {
		e.saving = time.AfterFunc(endedSave, e.save)
	}
}

// kept are the calls that are remembered. e.mu is held.
func (e *ended) kept() []api.EndedCall { return e.list[max(0, len(e.list)-endedMost):] }

// latest returns them, newest first.
func (e *ended) latest() []api.EndedCall {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := slices.Clone(e.kept())
	slices.Reverse(list)
	return list
}

// save writes what is known now, if that has changed since.
func (e *ended) save() {
	e.writing.Lock()
	defer e.writing.Unlock()
	e.mu.Lock()
	changed, list := e.saving, slices.Clone(e.kept())
	e.saving = nil
	e.mu.Unlock()
	if changed == nil {
		return
	}
	changed.Stop()
	value, err := json.Marshal(list)
	if err == nil {
		err = e.store.Put(endedKind, endedKey, value)
	}
	if err != nil {
		e.log.Error("the latest calls are not kept over a restart", "err", err)
	}
}
