package main

import (
	"net/netip"

	"tollgate/firmware/call"
	"tollgate/firmware/notice"
	"tollgate/firmware/policy"
)

// noticed shows the peers to subscriptions and messages as calls see them.
type noticed struct {
	parties    *parties
	telephones telephones
}

// Party returns a peer in force.
func (n noticed) Party(peer policy.Peer) (notice.Party, bool) {
	c, ok := n.parties.PBX()
	if peer.Side == policy.SideOutside {
		c, ok = n.parties.Trunk(peer.Name)
	}
	if !ok || c.Peer != peer {
		return notice.Party{}, false
	}
	p := n.party(c)
	if peer.Name == policy.PeerRemotePBX {
		p.Away = n.telephones.phones.Away()
	}
	return p, true
}

// From returns the phone that a request has come from; what is not known may call for help, and no more.
func (n noticed) From(t policy.Transport, source netip.AddrPort, user string) (notice.Party, bool) {
	phone, known := n.telephones.From(t, source, user)
	return n.phone(phone), known
}

// At returns the phone that its PBX knows under a token.
func (n noticed) At(token string) (notice.Party, bool) {
	phone, known := n.telephones.At(token)
	return n.phone(phone), known
}

func (n noticed) phone(c call.Phone) notice.Party {
	p := n.party(c.Party)
	p.User, p.Route = c.User, c.Route
	return p
}

func (n noticed) party(c call.Party) notice.Party {
	p := notice.Party{
		Peer: c.Peer, Path: c.Path, Down: c.Down, Local: c.Local, Domain: c.Domain, Target: c.Target, Params: c.Params, Away: c.Away,
		Format: c.Format, Headers: c.Headers, Home: c.Home, Unowned: c.Unowned, Credentials: c.Credentials, Verbatim: c.Verbatim,
	}
	for _, m := range c.Members {
		p.Members = append(p.Members, m)
	}
	return p
}

// told lets calls look into what watchers were told.
type told struct{ box *box }

// Told returns who has told watcher of a dialog under these names, and what a Replaces of it says there.
func (t told) Told(watcher policy.Peer, callID, toTag, fromTag string) (policy.Peer, string, bool) {
	return t.box.notices.Told(watcher, callID, toTag, fromTag)
}
