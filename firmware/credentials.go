package main

import (
	"crypto/sha256"
	"encoding/hex"

	"tollgate/firmware/policy"
)

// credentialID names a password: pbx, or trunk/user.
type credentialID string

// credentialOf is a password of the policy.
type credentialOf struct {
	id          credentialID
	trunk, user string // trunk is empty for the PBX
	registers   bool
	secret      func() policy.Secret // behind a function no printing verb reaches it
	names       []string
	excused     bool // the policy has an exception for weak ones
}

// credentialsOf lists the passwords of a policy.
func credentialsOf(p *policy.Policy) (list []credentialOf) {
	if pbx := p.PBX; pbx.Authentication == policy.AuthDigest {
		list = append(list, credentialOf{id: policy.PeerPBX, user: pbx.User, secret: func() policy.Secret { return pbx.Secret }, names: []string{pbx.User, policy.DigestRealm}})
	}
	for _, t := range p.Trunks {
		for _, a := range t.Accounts {
			if a.Secret == "" {
				continue
			}
			list = append(list, credentialOf{
				id: credentialID(t.Name + "/" + a.User), trunk: t.Name, user: a.User, registers: t.Registrar != "", secret: func() policy.Secret { return a.Secret },
				names: append([]string{a.User, a.AuthUser, t.Domain}, a.Numbers...), excused: a.WeakSecret.Made(),
			})
		}
	}
	return list
}

func (c credentialOf) pbx() bool { return c.trunk == "" }

// print tells one password from another. It stands beside passwords in the same file, and is not worth more than they.
func (c credentialOf) print(s policy.Secret) string {
	sum := sha256.Sum256([]byte(string(c.id) + "\x00" + s.Reveal()))
	return hex.EncodeToString(sum[:])
}
