package main

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"tollgate/firmware/api"
)

// bans are some that a box has had to make.
func bans(born time.Time) []api.Ban {
	end := func(d time.Duration) *time.Time {
		t := born.Add(d)
		return &t
	}
	return []api.Ban{
		{Source: "203.0.113.66", Rule: "scanner", Reason: "1 messages of a scanner in about 60 seconds", Since: born.Add(-4 * time.Minute), Until: end(6 * time.Minute), Times: 1},
		{Source: "192.0.2.148", Rule: "wrong password", Reason: "10 wrong passwords, 3 users tried that do not exist or are refused in about 60 seconds",
			Since: born.Add(-15 * time.Minute), Until: end(25 * time.Minute), Times: 3, Peer: true},
		{Source: "2001:db8:bad::/64", Rule: "banned by hand", Reason: "asked to by the carrier", Since: born.Add(-26 * time.Hour), Times: 1, Who: "admin at 192.0.2.77"},
	}
}

// jail lets the page's tests ban and lift.
type jail struct{ world *world }

// List lists the bans.
func (j *jail) List() []api.Ban {
	j.world.mu.Lock()
	defer j.world.mu.Unlock()
	return slices.Clone(j.world.bans)
}

// Ban keeps a ban.
func (j *jail) Ban(r api.BanRequest, who string) (api.Ban, error) {
	if _, err := netip.ParseAddr(r.Source); err != nil {
		if _, err := netip.ParsePrefix(r.Source); err != nil {
			return api.Ban{}, &api.Conflict{Detail: fmt.Sprintf("%q is not an address.", r.Source), Remedy: "Write it like 203.0.113.7, 203.0.113.0/24 or 2001:db8::/64."}
		}
	}
	j.world.mu.Lock()
	defer j.world.mu.Unlock()
	now := j.world.now()
	ban := api.Ban{Source: r.Source, Rule: "banned by hand", Reason: r.Reason, Since: now, Times: 1, Who: who}
	if until := now.Add(time.Duration(r.Minutes) * time.Minute); r.Minutes > 0 {
		ban.Until = &until
	}
	j.world.bans = slices.Insert(slices.Clone(j.world.bans), 0, ban)
	return ban, nil
}

// Lift forgets a ban.
func (j *jail) Lift(source, _ string) (api.Ban, error) {
	j.world.mu.Lock()
	defer j.world.mu.Unlock()
	i := slices.IndexFunc(j.world.bans, func(b api.Ban) bool { return b.Source == source })
	if i < 0 {
		return api.Ban{}, &api.Conflict{Detail: source + " is not banned.", Remedy: "Look at the list."}
	}
	ban := j.world.bans[i]
	j.world.bans = slices.Delete(slices.Clone(j.world.bans), i, i+1)
	return ban, nil
}
