package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"tollgate/firmware/certs"
	"tollgate/firmware/policy"
	"tollgate/firmware/store"
)

// openStore opens what an earlier process has kept: the time it has seen, the box's keys, its authority.
func (b *box) openStore(context.Context) (err error) {
	if err := os.MkdirAll(b.options.State, 0o700); err != nil {
		return fmt.Errorf("make the state folder: %w", err)
	}
	if b.store, err = store.Open(filepath.Join(b.options.State, "tollgate.db")); err != nil {
		return err
	}
	since, err := decided(b.store)
	if err != nil {
		return err
	}
	b.clampClock(since)
	if err := recall(b.store); err != nil {
		return err
	}
	if b.key, err = openKey(b.store); err != nil {
		return err
	}
	b.authority, err = certs.Open(b.store, certificateClock(time.Now, built(), since), rand.Reader)
	return err
}

// readSeed reads the first policy, if one is needed, before anything is opened or printed: a fault in it ends the run.
func (b *box) readSeed(context.Context) error {
	_, kept, err := b.store.Confirmed()
	if err != nil || kept || b.options.Policy == "" {
		return err
	}
	if b.seed, err = os.ReadFile(b.options.Policy); err != nil {
		return fmt.Errorf("read the policy: %w", err)
	}
	_, err = policy.Parse(b.seed)
	return err
}
