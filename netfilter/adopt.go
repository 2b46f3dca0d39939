package netfilter

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"
)

// A process that is started again finds its table as the one before left it: packets of live calls have passed all the
// while, and banned sources have been kept out.
//
//	Open(Adopt)    reads the pinholes and bans that the table holds
//	Set            keeps them while it replaces the rules
//	OpenPinholes   each call that is taken up again opens its own, which changes nothing in the kernel
//	Settle         shuts those that no call has opened

// adopt takes over what an earlier process left.
func (f *Filter) adopt(pinholesToo bool) error {
	have, err := f.kernel.read()
	if err != nil {
		return err
	}
	f.found = have.exists
	if f.bans, err = f.kernel.heldBans(bannedFor, have, time.Now()); err != nil {
		return fmt.Errorf("read the bans: %w", err)
	}
	if f.blocked, err = f.kernel.heldBans(blockedFor, have, time.Now()); err != nil {
		return fmt.Errorf("read the block list: %w", err)
	}
	if !pinholesToo {
		return nil
	}
	if f.left, err = f.kernel.heldPinholes(have); err != nil {
		return fmt.Errorf("read the pinholes: %w", err)
	}
	if len(f.bans)+len(f.left) > 0 {
		f.log.Info("filter found as it was left", "table", f.table, "pinholes", len(f.left), "bans", len(f.bans))
	}
	return nil
}

// Settle shuts the pinholes of an earlier process that have not been opened again since Open. Without Options.Adopt
// there are none.
func (f *Filter) Settle() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.left) == 0 {
		return nil
	}
	before := map[spot][]netip.Prefix{}
	for s := range f.left {
		before[s] = f.holes().sources(s)
	}
	f.left = nil
	if err := f.move(before); err != nil {
		return fmt.Errorf("shut the pinholes of an earlier process: %w", err)
	}
	return nil
}

// holes are the pinholes that are open: live ones, and until Settle those of an earlier process.
func (f *Filter) holes() pinholes {
	if len(f.left) == 0 {
		return f.live
	}
	all := maps.Clone(f.live)
	for s, list := range f.left {
		all[s] = slices.Concat(all[s], list)
	}
	return all
}

// heldPinholes reads the pinholes that the table holds.
func (k *kernel) heldPinholes(have present) (pinholes, error) {
	held := pinholes{}
	for _, side := range []Side{Inside, Outside} {
		for _, f := range families() {
			for _, prefixes := range []bool{false, true} {
				list, err := k.heldIn(pinholeSet(pinholeSetName(side, f, prefixes), f, prefixes), have)
				if err != nil {
					return nil, err
				}
				for _, e := range list {
					if p, ok := heldPinhole(side, f, e); ok {
						held.open(p)
					}
				}
			}
		}
	}
	return held, nil
}

// heldPinhole turns an element of a pinhole set back into the pinhole, where it is one.
func heldPinhole(side Side, f family, e element) (Pinhole, bool) {
	size := 4
	if f == ip6 {
		size = 16
	}
	if len(e.first) < 2*size+2 || len(e.last) < size {
		return Pinhole{}, false
	}
	source, ok := between(e.first[:size], e.last[:size])
	local, good := netip.AddrFromSlice(e.first[size : 2*size])
	port := uint16(e.first[2*size])<<8 | uint16(e.first[2*size+1])
	return Pinhole{Side: side, Local: netip.AddrPortFrom(local, port), Sources: []netip.Prefix{source}}, ok && good
}
