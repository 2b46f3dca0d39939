package main

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"tollgate/firmware/access"
	"tollgate/firmware/api"
)

// guard lets the page and the command line see bans, make and lift them.
type guard struct{ bans *bans }

// List lists who is banned.
func (g guard) List() []api.Ban {
	list, _ := g.bans.shown(-1)
	return list
}

// Ban keeps a source away.
func (g guard) Ban(r api.BanRequest, who string) (api.Ban, error) {
	source, err := g.source(r.Source)
	if err != nil {
		return api.Ban{}, err
	}
	ban, err := g.bans.byHand(source, strings.TrimSpace(r.Reason), who, time.Duration(r.Minutes)*time.Minute)
	if err != nil {
		return api.Ban{}, &api.Conflict{Detail: fmt.Sprintf("It cannot be banned: %v.", err), Remedy: "Name one address, or a network of a provider."}
	}
	return g.bans.show(ban), nil
}

// Lift ends a ban.
func (g guard) Lift(text, who string) (api.Ban, error) {
	source, err := g.source(text)
	if err != nil {
		return api.Ban{}, err
	}
	ban, found := g.bans.lift(source, who)
	if !found {
		return api.Ban{}, &api.Conflict{Detail: fmt.Sprintf("%s is not banned.", source), Remedy: "Look at the list; a network that is banned is lifted as a whole."}
	}
	return g.bans.show(ban), nil
}

// source reads an address or a network. One address stands for what its host controls.
func (g guard) source(text string) (netip.Prefix, error) {
	text = strings.TrimSpace(text)
	if a, err := netip.ParseAddr(text); err == nil {
		return g.bans.SourceOf(a), nil
	}
	if p, err := netip.ParsePrefix(text); err == nil && p.Addr().Zone() == "" {
		return p.Masked(), nil
	}
	return netip.Prefix{}, &api.Conflict{Detail: fmt.Sprintf("%q is not an address.", text), Remedy: "Write it like 203.0.113.7, 203.0.113.0/24 or 2001:db8::/64."}
}

// shown are the latest bans, at most most of them unless that is negative, and how many there are.
func (b *bans) shown(most int) ([]api.Ban, int) {
	all := b.List()
	n := len(all)
	if most >= 0 && n > most {
		all = all[:most]
	}
	list := make([]api.Ban, len(all))
	for i, ban := range all {
		list[i] = b.show(ban)
	}
	return list, n
}

func (b *bans) show(ban access.Ban) api.Ban {
	return api.Ban{
		Source: strings.TrimSuffix(ban.Source.String(), "/32"), Rule: string(ban.Rule), Reason: ban.Reason, Since: ban.Since, Until: moment(ban.Until),
		Times: ban.Times, Who: ban.Who, Peer: b.gate.PeerIn(ban.Source),
	}
}
