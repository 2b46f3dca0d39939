package media

import (
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"tollgate/firmware/policy"
)

// Hole is one opening of the packet filter: UDP from the prefixes to the local address.
type Hole struct {
	Side  policy.Side
	Local netip.AddrPort // bound, not advertised
	From  []netip.Prefix
}

// holesFor lists what a setting needs: one hole for each port on which packets may come.
func (l *Leg) holesFor(n setting) []Hole {
	if l.session.relay.pinholes == nil {
		return nil
	}
	holes := []Hole{l.hole(l.port, n.remote, n.sources)}
	if !n.mux {
		holes = append(holes, l.hole(l.port+1, n.control, n.sources))
	}
	return slices.DeleteFunc(holes, func(h Hole) bool { return len(h.From) == 0 })
}

// hole describes the pinhole of one port; without a source nothing may come.
func (l *Leg) hole(port uint16, peer netip.AddrPort, extra []netip.Prefix) Hole {
	local := netip.AddrPortFrom(l.own.Address, port)
	from := slices.Clone(extra)
	covered := func(p netip.Prefix) bool { return p.Contains(peer.Addr()) }
	if peer.IsValid() && !slices.ContainsFunc(extra, covered) {
		from = append(from, netip.PrefixFrom(peer.Addr(), peer.Addr().BitLen()))
	}
	return Hole{Side: l.half.side, Local: local, From: from}
}

func (h Hole) equal(o Hole) bool {
	return h.Side == o.Side && h.Local == o.Local && slices.Equal(h.From, o.From)
}

// open opens all of the pinholes or none.
func (r *Relay) open(holes []Hole) error {
	if len(holes) == 0 {
		return nil
	}
	if err := r.pinholes.OpenPinholes(holes); err != nil {
		return fmt.Errorf("opening the packet filter: %w", err)
	}
	return nil
}

// shut shuts pinholes. When that fails it is told and they are left: the call is over for them all the same.
func (r *Relay) shut(holes []Hole) {
	if len(holes) == 0 {
		return
	}
	if err := r.pinholes.ShutPinholes(holes); err != nil {
		r.log.Error("media pinholes stay open", "pinholes", len(holes), "first", holes[0].Local, "err", err)
	}
}

// shutWithin is how long the pinholes of a call that is over stay open at most. A busy box shuts those of many calls at
// once, and what still comes meets a port that nobody has.
const shutWithin = 200 * time.Millisecond

// leaving are the pinholes of calls that are over.
type leaving struct {
	mu    sync.Mutex // guards everything below
	holes []Hole
}

// shutSoon shuts pinholes within shutWithin.
func (r *Relay) shutSoon(holes []Hole) {
	if len(holes) == 0 {
		return
	}
	r.leaving.mu.Lock()
	defer r.leaving.mu.Unlock()
	if len(r.leaving.holes) == 0 {
		time.AfterFunc(shutWithin, r.shutLeft)
	}
	r.leaving.holes = append(r.leaving.holes, holes...)
}

// shutLeft shuts what is left by calls that are over.
func (r *Relay) shutLeft() {
	r.leaving.mu.Lock()
	defer r.leaving.mu.Unlock()
	r.shut(r.leaving.holes)
	r.leaving.holes = nil
}
