package main

import (
	"fmt"

	"tollgate/firmware/envelope"
	"tollgate/firmware/store"
)

// The record that holds the box's key for what is sealed for it.
const (
	sealingKind = "sealing"
	sealingKey  = "identity"
)

// openKey reads the box's key, or makes one at the first start.
func openKey(s *store.Store) (envelope.Identity, error) {
	value, found, err := s.Get(sealingKind, sealingKey)
	if err != nil {
		return envelope.Identity{}, fmt.Errorf("read the key for sealed files: %w", err)
	}
	if found {
		return envelope.ParseIdentity(string(value))
	}
	key, err := envelope.NewIdentity()
	if err != nil {
		return envelope.Identity{}, err
	}
	return key, s.Put(sealingKind, sealingKey, []byte(key.Reveal()))
}
