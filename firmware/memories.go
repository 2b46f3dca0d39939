package main

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tollgate/firmware/certs"
	"tollgate/firmware/envelope"
	"tollgate/firmware/policy"
	"tollgate/firmware/store"
)

// memories are the records that a backup holds, by kind and key: the box's own authority, its key for sealed files, the number of the
// last bundle, and what is known of past calls and of fraud. The administrator's account is not among them: a box is claimed with its
// own first password.
type memories map[string]map[string][]byte

// carried are the kinds of records that a backup holds, and those of their keys that it leaves out.
func carried() map[string]string {
	const authorityKind = "certs"
	return map[string]string{authorityKind: "", sealingKind: "", bundleKind: "", pastKind: "", endedKind: "", fraudKind: fraudRates}
}

// The record that holds the memories of a backup until the next start, when nobody reads or writes what they replace.
const (
	recallKind = "restored"
	recallKey  = "records"
)

// recollect reads what a backup holds.
func recollect(s *store.Store) (memories, error) {
	m := memories{}
	for kind, without := range carried() {
		keys, err := s.List(kind)
		if err != nil {
			return nil, err
		}
		m[kind] = map[string][]byte{}
		for _, key := range keys {
			value, found, err := s.Get(kind, key)
			if err != nil {
				return nil, err
			}
			if found && key != without {
				m[kind][key] = value
			}
		}
	}
	return m, nil
}

// readMemories reads the records of a backup, and refuses those that would keep the box from starting.
func readMemories(text string) (memories, error) {
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	var m memories
	if err := d.Decode(&m); err != nil {
		return nil, errors.New("the records cannot be read") // not err: it may quote
	}
	for kind, records := range m {
		without, known := carried()[kind]
		if !known {
			return nil, fmt.Errorf("records of the kind %.80q are not known to this version", kind)
		}
		for key, value := range records {
			if key == "" || key == without || len(value) == 0 {
				return nil, fmt.Errorf("the record %.80q of the kind %s has no place here", key, kind)
			}
		}
	}
	return m, m.whole()
}

// whole tells whether the records that every start needs are all right.
func (m memories) whole() error {
	if _, err := certs.Open(m, time.Now, rand.Reader); err != nil {
		return fmt.Errorf("the authority of the box: %w", err)
	}
	if key, there := m[sealingKind][sealingKey]; there {
		if _, err := envelope.ParseIdentity(string(key)); err != nil {
			return err
		}
	}
	if number, there := m[bundleKind][bundleKey]; there && len(number) != 8 {
		return errors.New("the number of the last signed files is damaged")
	}
	return nil
}

// Get makes memories a keeper of certificates.
func (m memories) Get(kind, key string) ([]byte, bool, error) {
	value, found := m[kind][key]
	return value, found, nil
}

// Put makes memories a keeper of certificates: a backup without an authority gets one here, which is thrown away.
func (m memories) Put(string, string, []byte) error { return nil }

// remembered is what a backup remembers, as it is brought.
type remembered struct{ *box }

func (b remembered) Check(text string, _ *policy.Policy) (n int, err error) {
	m, err := readMemories(text)
	for _, records := range m {
		n += len(records)
	}
	return n, err
}

func (b remembered) Put(text, _ string) (func(), error) {
	if err := b.store.Put(recallKind, recallKey, []byte(text)); err != nil {
		return nil, err
	}
	return func() {
		if err := b.store.Delete(recallKind, recallKey); err != nil {
			b.log.Error("the records of the backup are not forgotten", "err", err)
		}
	}, nil
}

// recall puts the memories of a backup in the place of the box's own. Cut off in the middle, it is done once more.
func recall(s *store.Store) error {
	text, found, err := s.Get(recallKind, recallKey)
	if err != nil || !found {
		return err
	}
	m, err := readMemories(string(text))
	if err != nil {
		return errors.Join(fmt.Errorf("put back what the backup remembers: %w", err), s.Delete(recallKind, recallKey))
	}
	for kind, records := range m {
		keys, err := s.List(kind)
		if err != nil {
			return err
		}
		for _, key := range keys {
			if _, stays := records[key]; !stays && key != carried()[kind] {
				if err := s.Delete(kind, key); err != nil {
					return err
				}
			}
		}
		for key, value := range records {
			if err := s.Put(kind, key, value); err != nil {
				return err
			}
		}
	}
	return s.Delete(recallKind, recallKey)
}
