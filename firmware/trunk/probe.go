package trunk

import (
	"context"
	"errors"
	"fmt"

	"tollgate/firmware/policy"
)

// ErrNoProbe says that the carrier cannot be asked whether it takes a password: the trunk does not register there.
var ErrNoProbe = errors.New("the trunk does not register")

// Probe finds out whether the carrier takes another password for one of a trunk's accounts, by registering with it what the
// account has registered anyway. Whatever comes of it, the registration in force goes on with the password that it has.
// The error says why the carrier did not take it, as a sentence.
func (t *Trunks) Probe(ctx context.Context, trunk, user string, secret policy.Secret) error {
	found, ok := t.Trunk(trunk)
	if !ok || found.Policy.Registrar == "" {
		return ErrNoProbe
	}
	for i, a := range found.Policy.Accounts {
		if a.User != user {
			continue
		}
		a.Secret = secret
		r := newRegistration(found, i, a)
		r.asked = lifetime
		_, _, err := r.register(ctx, lifetime)
		if err != nil {
			found.registerAnew() // a registrar may have dropped the binding with the refusal
		}
		return err
	}
	return fmt.Errorf("trunk %s has no account %s", trunk, user)
}
