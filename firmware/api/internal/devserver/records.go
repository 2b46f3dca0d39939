package main

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"sync"

	"golang.org/x/crypto/argon2"
)

// records keeps in memory what the store keeps on the box.
type records struct {
	mu     sync.Mutex // guards everything below
	values map[string][]byte
}

// newRecords returns records with an administrator whose password is known: first, to be changed at the first log-in;
// or password, already changed, when it is not empty. This is the record of the API as it stands in its database.
func newRecords(first, password string) (*records, error) {
	firstHash, err := hash(first)
	if err != nil {
		return nil, err
	}
	current, mustChange := firstHash, true
	if password != "" {
		if current, err = hash(password); err != nil {
			return nil, err
		}
		mustChange = false
	}
	raw, err := json.Marshal(map[string]any{"user": "admin", "hash": current, "first": firstHash, "must_change": mustChange})
	if err != nil {
		return nil, err
	}
	r := &records{values: map[string][]byte{}}
	return r, r.Put("account", "admin", raw)
}

func hash(password string) (string, error) {
	salt := make([]byte, 16)
	if _, err := rand.Read(salt); err != nil {
		return "", err
	}
	// Cheaper than the box's own: page tests log in often.
	sum := argon2.IDKey([]byte(password), salt, 1, 8<<10, 1, 32)
	enc := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=19$m=8192,t=1,p=1$%s$%s", enc.EncodeToString(salt), enc.EncodeToString(sum)), nil
}

// Put keeps value.
func (r *records) Put(kind, key string, value []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.values[kind+"/"+key] = value
	return nil
}

// Get returns what was kept.
func (r *records) Get(kind, key string) ([]byte, bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	v, ok := r.values[kind+"/"+key]
	return v, ok, nil
}
