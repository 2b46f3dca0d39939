package media

import (
	"fmt"
	"net/netip"
	"slices"

	"tollgate/firmware/policy"
)

// hole is one open pinhole.
type hole struct {
	side  policy.Side
	local netip.AddrPort // bound, not advertised
	from  []netip.Prefix
}

// holesFor lists what a setting needs: one hole for each port on which packets may come.
func (l *Leg) holesFor(n setting) []hole {
	if l.session.relay.pinholes == nil {
		return nil
	}
	holes := []hole{l.hole(l.port, n.remote, n.sources)}
	if !n.mux {
		holes = append(holes, l.hole(l.port+1, n.control, n.sources))
	}
	return slices.DeleteFunc(holes, func(h hole) bool { return len(h.from) == 0 })
}

// hole describes the pinhole of one port; without a source nothing may come.
func (l *Leg) hole(port uint16, peer netip.AddrPort, extra []netip.Prefix) hole {
	local := netip.AddrPortFrom(l.own.Address, port)
	from := slices.Clone(extra)
	covered := func(p netip.Prefix) bool { return p.Contains(peer.Addr()) }
	if peer.IsValid() && !slices.ContainsFunc(extra, covered) {
		from = append(from, netip.PrefixFrom(peer.Addr(), peer.Addr().BitLen()))
	}
	return hole{side: l.half.side, local: local, from: from}
}

func (h hole) equal(o hole) bool {
	return h.side == o.side && h.local == o.local && slices.Equal(h.from, o.from)
}

// open opens all of the pinholes or none.
func (r *Relay) open(holes []hole) error {
	for i, h := range holes {
		if err := r.pinholes.OpenPinhole(h.side, h.local, h.from); err != nil {
			r.shut(holes[:i])
			return fmt.Errorf("opening the packet filter for %v: %w", h.local, err)
		}
	}
	return nil
}

// shut shuts pinholes. One that cannot be shut is told and left: the call is over for it all the same.
func (r *Relay) shut(holes []hole) {
	for _, h := range holes {
		if err := r.pinholes.ShutPinhole(h.side, h.local, h.from); err != nil {
			r.log.Error("a media pinhole stays open", "side", h.side, "local", h.local, "err", err)
		}
	}
}
