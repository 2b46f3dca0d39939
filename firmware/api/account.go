package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Accounts keeps small records; the store satisfies it.
type Accounts interface {
	Put(kind, key string, value []byte) error
	Get(kind, key string) ([]byte, bool, error)
}

// The one record there is, until the box knows more people.
const (
	accountKind = "account"
	adminUser   = "admin"
)

// account is the administrator's record as it is kept: JSON, passwords as argon2id in the PHC string format.
type account struct {
	User       string `json:"user"`
	Hash       string `json:"hash"`
	First      string `json:"first"`       // the first password's hash: it may not come back
	MustChange bool   `json:"must_change"` // Hash is still the first password's
}

// keyring guards the administrator's record.
type keyring struct {
	accounts Accounts
	random   io.Reader
	cost     cost
	slot     chan struct{} // one hash at a time: each takes cost.memory
}

func newKeyring(a Accounts, random io.Reader, c cost) *keyring {
	return &keyring{accounts: a, random: random, cost: c, slot: make(chan struct{}, 1)}
}

// ensure makes the record with a first password when there is none, and returns that password, or "".
func (k *keyring) ensure(ctx context.Context) (string, error) {
	_, found, err := k.accounts.Get(accountKind, adminUser)
	if err != nil {
		return "", fmt.Errorf("reading the administrator's record: %w", err)
	}
	if found {
		return "", nil
	}
	return k.reset(ctx)
}

// unclaimed tells whether the first password has not been replaced yet.
func (k *keyring) unclaimed() (bool, error) {
	a, err := k.load()
	return a.MustChange, err
}

// reset replaces the password by a new first one and returns it.
func (k *keyring) reset(ctx context.Context) (string, error) {
	password, err := newFirstPassword(k.random)
	if err != nil {
		return "", err
	}
	hash, err := k.hash(ctx, password, firstCost())
	if err != nil {
		return "", err
	}
	return password, k.save(account{User: adminUser, Hash: hash, First: hash, MustChange: true})
}

// verify tells whether user and password are right and whether the password must be changed. A wrong user takes as long
// as a wrong password.
func (k *keyring) verify(ctx context.Context, user, password string) (ok, mustChange bool, err error) {
	a, err := k.load()
	if err != nil {
		return false, false, err
	}
	ok, err = k.matches(ctx, a.Hash, password)
	if err != nil {
		return false, false, err
	}
	return ok && user == a.User, a.MustChange, nil
}

// change replaces the password. The error is a *Problem when the new one is not good enough.
func (k *keyring) change(ctx context.Context, password string) error {
	if p := weakness(password); p != nil {
		return p
	}
	a, err := k.load()
	if err != nil {
		return err
	}
	for _, old := range []string{a.First, a.Hash} {
		same, err := k.matches(ctx, old, password)
		if err != nil {
			return err
		}
		if same {
			return newProblem(PasswordNotNew, "That is the first password or the one in force.", "Choose another one.")
		}
	}
	if a.Hash, err = k.hash(ctx, password, k.cost); err != nil {
		return err
	}
	a.MustChange = false
	return k.save(a)
}

var errBusy = errors.New("too many passwords are being checked at this moment")

// occupied does f while nobody else hashes, or gives up with ctx.
func (k *keyring) occupied(ctx context.Context, f func() error) error {
	select {
	case k.slot <- struct{}{}:
		defer func() { <-k.slot }()
		return f()
	case <-ctx.Done():
		return errBusy
	}
}

func (k *keyring) hash(ctx context.Context, password string, c cost) (hash string, err error) {
	err = k.occupied(ctx, func() error {
		hash, err = hashPassword(password, c, k.random)
		return err
	})
	return hash, err
}

func (k *keyring) matches(ctx context.Context, hash, password string) (same bool, err error) {
	err = k.occupied(ctx, func() error {
		same, err = matchesHash(hash, password)
		return err
	})
	return same, err
}

func (k *keyring) load() (account, error) {
	raw, found, err := k.accounts.Get(accountKind, adminUser)
	if err != nil {
		return account{}, fmt.Errorf("reading the administrator's record: %w", err)
	}
	if !found {
		return account{}, errors.New("reading the administrator's record: there is none")
	}
	var a account
	if err := json.Unmarshal(raw, &a); err != nil {
		// Not wrapped: the message of encoding/json may quote the record.
		return account{}, errors.New("reading the administrator's record: it is not JSON")
	}
	return a, nil
}

func (k *keyring) save(a account) error {
	raw, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("writing the administrator's record: %w", err)
	}
	if err := k.accounts.Put(accountKind, adminUser, raw); err != nil {
		return fmt.Errorf("keeping the administrator's record: %w", err)
	}
	return nil
}
