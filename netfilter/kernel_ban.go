package netfilter

import (
	"errors"
	"maps"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// bansABatch is how many bans go into one transaction: enough to be quick, few enough for the socket's buffer.
const bansABatch = 10_000

// changeBans brings the kernel's sets from some bans to others: what goes first, then what comes. A ban with another end
// is taken out and put in again, because older kernels do not change the time of an element.
func (f *Filter) changeBans(k kept, before, next bans, now time.Time) error {
	var gone, come []netip.Prefix
	for p, until := range before {
		if then, ok := next[p]; !ok || !then.Equal(until) {
			gone = append(gone, p)
		}
	}
	for p, until := range next {
		if was, ok := before[p]; !ok || !was.Equal(until) {
			come = append(come, p)
		}
	}
	if len(gone)+len(come) <= bansABatch { // as almost always: one transaction
		return f.commitBans(k, gone, come, next, now)
	}
	for portion := range slices.Chunk(gone, bansABatch) {
		if err := f.commitBans(k, portion, nil, next, now); err != nil {
			return err
		}
	}
	for portion := range slices.Chunk(come, bansABatch) {
		if err := f.commitBans(k, nil, portion, next, now); err != nil {
			return err
		}
	}
	return nil
}

func (f *Filter) commitBans(k kept, gone, come []netip.Prefix, next bans, now time.Time) error {
	if err := f.kernel.ready(); err != nil {
		return err
	}
	add, remove := bans{}, bans{}
	for _, p := range come {
		add[p] = next[p]
	}
	for _, p := range gone {
		remove[p] = time.Time{}
	}
	return f.change(add.elements(k, now), remove.elements(k, now))
}

// again puts the rules in force into force once more, the bans afresh.
func (f *Filter) again() error {
	return errors.Join(f.kernel.dropBans(), f.apply(*f.config, f.trial))
}

// dropBans empties the ban sets that there are.
func (k *kernel) dropBans() error {
	have, err := k.read()
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(have.sets)) {
		if isBanSet(name) {
			k.conn.FlushSet(have.sets[name])
		}
	}
	return k.flush()
}

func isBanSet(name string) bool {
	return slices.ContainsFunc(keptAway(), func(k kept) bool {
		return slices.ContainsFunc(families(), func(f family) bool { return name == banSetName(k, f, false) || name == banSetName(k, f, true) })
	})
}

// heldBans reads who of a kind the table keeps away, by the word of an earlier process too.
func (k *kernel) heldBans(of kept, have present, now time.Time) (bans, error) {
	held := bans{}
	for _, f := range families() {
		for _, networks := range []bool{false, true} {
			list, err := k.heldIn(banSet(of, f, networks), have)
			if err != nil {
				return nil, err
			}
			for _, e := range list {
				if p, ok := sourceOf(networks, e); ok {
					held[p] = endOf(e, now)
				}
			}
		}
	}
	return held, nil
}

func endOf(e element, now time.Time) time.Time {
	if e.timeout == 0 {
		return time.Time{}
	}
	return now.Add(e.timeout)
}

// room gives a netlink socket buffers for a transaction of thousands of elements, beyond the system's bounds if need be.
func room(fd int) error {
	for _, option := range []int{unix.SO_SNDBUFFORCE, unix.SO_RCVBUFFORCE} {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, option, socketBuffer); err != nil {
			return err
		}
	}
	return nil
}
