package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"tollgate/firmware/api"
	"tollgate/firmware/rotation"
)

// turnPasswords begins to look after the age of passwords.
func (b *box) turnPasswords(ctx context.Context) error {
	go b.rotations.run(ctx)
	return nil
}

// refusedPassword tells whether the carrier refuses the password in force.
func (b *box) refusedPassword(id credentialID) bool {
	name, user, _ := strings.Cut(string(id), "/")
	t, ok := b.trunks.Trunk(name)
	if !ok {
		return false
	}
	for _, a := range t.State().Accounts {
		if a.User == user {
			return a.Refused && a.Tries > 1
		}
	}
	return false
}

// keyring lets the page and the command line see how old passwords are, and replace them.
type keyring struct{ rotations *rotations }

// List lists the passwords, without any of them.
func (k keyring) List() []api.Credential {
	r := k.rotations
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]api.Credential, 0, len(r.list))
	for _, c := range r.list {
		if kept := r.kept[c.id]; kept != nil {
			list = append(list, shownCredential(c, kept.State, r.rules))
		}
	}
	return list
}

func shownCredential(c credentialOf, s rotation.State, rules rotation.Rules) api.Credential {
	shown := api.Credential{
		ID: string(c.id), Trunk: c.trunk, User: c.user, Made: c.pbx(), Replaceable: c.pbx() || c.registers, Since: s.Since, Due: moment(s.Due(rules)),
		State: string(s.Phase), Trouble: s.Trouble, Laggards: []api.Laggard{},
	}
	if s.Phase != rotation.Current {
		shown.Begun, shown.Until = moment(s.Begun), moment(s.Until)
	}
	for _, l := range s.Laggards {
		shown.Laggards = append(shown.Laggards, api.Laggard{Source: l.Source, At: l.At})
	}
	return shown
}

// Rotate begins to replace a password.
func (k keyring) Rotate(id, secret, who string) (string, error) {
	made, err := k.rotations.begin(credentialID(id), secret, who, time.Now())
	if err != nil {
		return "", inPlainWords(id, err)
	}
	go k.rotations.step(context.Background())
	return made, nil
}

// Cancel calls a rotation off.
func (k keyring) Cancel(id, who string) error {
	return inPlainWords(id, k.rotations.cancel(credentialID(id), who))
}

// inPlainWords explains why a rotation cannot be begun or called off.
func inPlainWords(id string, err error) error {
	if err == nil {
		return nil
	}
	remedies := map[error]string{
		errNoCredential:      "Look at the list: pbx, or the name of a trunk, a slash and the user.",
		errNeedsSecret:       "Ask the carrier for it, and bring it here.",
		errMakesSecret:       "Ask for a new one without bringing any.",
		rotation.ErrUnderWay: "Wait for it, or call it off first.",
		rotation.ErrNone:     "The password in force stays as it is.",
	}
	for known, remedy := range remedies {
		if errors.Is(err, known) {
			return &api.Conflict{Detail: sentence(id, err), Remedy: remedy}
		}
	}
	return &api.Conflict{Detail: sentence(id, err), Remedy: "The password in force stays as it is."}
}

func sentence(id string, err error) string { return id + ": " + err.Error() + "." }
