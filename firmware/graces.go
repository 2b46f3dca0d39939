package main

import (
	"net/netip"
	"slices"
	"time"
)

// graceTime is how long a carrier's address counts after its name has ceased to lead there.
const graceTime = 10 * time.Minute

// graces are the addresses that carriers' names lead to, or have led to of late. The zero value is ready.
type graces struct {
	now  map[string][]netip.Addr
	gone map[string]map[netip.Addr]time.Time // counts until
}

// note takes what a trunk's names lead to now; true: an address has gone, and counts for graceTime yet.
func (g *graces) note(trunk string, addrs []netip.Addr, at time.Time) bool {
	if g.now == nil {
		g.now, g.gone = map[string][]netip.Addr{}, map[string]map[netip.Addr]time.Time{}
	}
	if g.gone[trunk] == nil {
		g.gone[trunk] = map[netip.Addr]time.Time{}
	}
	left := false
	for _, a := range g.now[trunk] {
		if !slices.Contains(addrs, a) {
			g.gone[trunk][a] = at.Add(graceTime)
			left = true
		}
	}
	for _, a := range addrs {
		delete(g.gone[trunk], a)
	}
	g.now[trunk] = slices.Clone(addrs)
	return left
}

// of returns where a trunk may be: what its names lead to, then what still counts.
func (g *graces) of(trunk string, at time.Time) []netip.Addr {
	list := slices.Clone(g.now[trunk])
	var gone []netip.Addr
	for a, until := range g.gone[trunk] {
		if until.After(at) {
			gone = append(gone, a)
		} else {
			delete(g.gone[trunk], a)
		}
	}
	slices.SortFunc(gone, netip.Addr.Compare)
	return append(list, gone...)
}

func (g *graces) all(at time.Time) map[string][]netip.Addr {
	all := make(map[string][]netip.Addr, len(g.now))
	for trunk := range g.now {
		all[trunk] = g.of(trunk, at)
	}
	return all
}
