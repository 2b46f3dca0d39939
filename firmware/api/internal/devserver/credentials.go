package main

import (
	"fmt"
	"slices"
	"time"

	"tollgate/firmware/api"
)

// credentials are the passwords of a branch: one is due, one is being replaced.
func credentials(born time.Time) []api.Credential {
	day := func(n int) *time.Time {
		t := born.AddDate(0, 0, n)
		return &t
	}
	return []api.Credential{
		{ID: "pbx", User: "tollgate", Made: true, Replaceable: true, Since: *day(-84), Due: day(6), State: "current", Laggards: []api.Laggard{}},
		{ID: "carrier-a/alice", Trunk: "carrier-a", User: "alice", Replaceable: true, Since: *day(-97), Due: day(-7), State: "pending", Begun: day(-1), Until: day(13),
			Trouble: "the carrier refused the credentials of account alice (403 Forbidden): check user, auth_user and secret", Laggards: []api.Laggard{}},
	}
}

// keys let the page's tests replace passwords.
type keys struct{ world *world }

// List lists them.
func (k *keys) List() []api.Credential {
	k.world.mu.Lock()
	defer k.world.mu.Unlock()
	return slices.Clone(k.world.keys)
}

// Rotate begins to replace one.
func (k *keys) Rotate(id, secret, _ string) (string, error) {
	now := k.world.now()
	until := now.AddDate(0, 0, 14)
	made := ""
	err := k.change(id, func(c *api.Credential) string {
		switch {
		case c.State != "current":
			return "a rotation is under way already"
		case !c.Made && len(secret) < 16:
			return fmt.Sprintf("it has %d characters where 16 are the least", len(secret))
		case c.Made:
			made = "wNq7vTzR4kXb9mHs2LpYc6Gd"
			c.Laggards = []api.Laggard{{Source: "192.0.2.20", At: now}}
		}
		c.State, c.Begun, c.Until, c.Trouble = "pending", &now, &until, ""
		return ""
	})
	return made, err
}

// Cancel calls a replacement off.
func (k *keys) Cancel(id, _ string) error {
	return k.change(id, func(c *api.Credential) string {
		if c.State == "current" {
			return "no rotation is under way that could be called off"
		}
		c.State, c.Begun, c.Until, c.Trouble, c.Laggards = "current", nil, nil, "", []api.Laggard{}
		return ""
	})
}

// change changes one as f wants, unless f says why not.
func (k *keys) change(id string, f func(*api.Credential) string) error {
	k.world.mu.Lock()
	defer k.world.mu.Unlock()
	list := slices.Clone(k.world.keys)
	i := slices.IndexFunc(list, func(c api.Credential) bool { return c.ID == id })
	if i < 0 {
		return &api.Conflict{Detail: id + ": there is no such credential.", Remedy: "Look at the list."}
	}
	if why := f(&list[i]); why != "" {
		return &api.Conflict{Detail: id + ": " + why + ".", Remedy: "The password in force stays as it is."}
	}
	k.world.keys = list
	return nil
}
