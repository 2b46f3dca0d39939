package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"tollgate/board/update"
	"tollgate/firmware/api"
	"tollgate/firmware/delivery"
)

// notebook keeps what systems know from one start to the next; *store.Store satisfies it.
type notebook interface {
	Get(kind, key string) ([]byte, bool, error)
	Put(kind, key string, value []byte) error
}

// The record that holds it.
const (
	systemsKind = "systems"
	systemsKey  = "known"
)

// known is what a box remembers of its systems. Both of them write and read it.
type known struct {
	Slots map[update.Slot]string `json:"slots"` // release in each
	Last  *attempt               `json:"last"`  // nil: no update was brought yet
	// Trunks were up when the last update was brought, or when the machine was restarted for it.
	Trunks []string `json:"trunks,omitempty"`
}

// attempt is one update.
type attempt struct {
	Release string    `json:"release"`
	SHA256  string    `json:"sha256"` // of the system, in hexadecimal digits
	By      string    `json:"by"`
	At      time.Time `json:"at"` // of the outcome
	Outcome string    `json:"outcome"`
	Check   api.Check `json:"check,omitempty"` // that it did not pass, as far as that could still be noted
	Why     string    `json:"why,omitempty"`   // a sentence
}

// The outcomes of an update.
const (
	tryWaiting  = "waiting" // for the next start
	tryKept     = "kept"
	tryFellBack = "fell_back"
)

// settle notes how the update that waited came out.
func (k *known) settle(outcome string, now time.Time) {
	if k.Last != nil && k.Last.Outcome == tryWaiting {
		k.Last.Outcome, k.Last.At = outcome, now
	}
}

// blame notes why the update at hand is left.
func (k *known) blame(fault error) {
	if k.Last != nil {
		k.Last.Check, k.Last.Why = checkOf(fault), fault.Error()
	}
}

// why tells why the last update was left.
func (k known) why() string {
	if k.Last == nil || k.Last.Why == "" {
		return "it ended before it could say"
	}
	return k.Last.Why
}

// remember reads what is known and adds what this start tells.
func (s *systems) remember(fellBack bool, now time.Time) error {
	value, found, err := s.records.Get(systemsKind, systemsKey)
	if err != nil {
		return fmt.Errorf("read what is known of the systems: %w", err)
	}
	if found {
		if err := json.Unmarshal(value, &s.known); err != nil {
			s.log.Error("what was known of the systems is lost", "err", err)
			s.known = known{}
		}
	}
	if s.known.Slots == nil {
		s.known.Slots = map[update.Slot]string{}
	}
	if found && !fellBack && s.known.Slots[s.installer.Running.Slot] == s.installer.Running.Release {
		return nil // as at most starts: nothing to write to the card
	}
	s.known.Slots[s.installer.Running.Slot] = s.installer.Running.Release
	if fellBack {
		s.known.settle(tryFellBack, now)
	}
	return s.keepKnown()
}

// note changes what is known; s.mu is held.
func (s *systems) note(change func(*known)) {
	change(&s.known)
	if err := s.keepKnown(); err != nil {
		s.log.Error("what became of an update is not remembered", "err", err)
	}
}

func (s *systems) keepKnown() error {
	value, err := json.Marshal(s.known)
	if err == nil {
		err = s.records.Put(systemsKind, systemsKey, value)
	}
	if err != nil {
		return fmt.Errorf("keep what is known of the systems: %w", err)
	}
	return nil
}

// failed tells whether a system was tried here and did not prove itself.
func (k known) failed(d delivery.Described) bool {
	return k.Last != nil && k.Last.Outcome == tryFellBack && k.Last.SHA256 == hex.EncodeToString(d.SHA256)
}
