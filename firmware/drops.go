package main

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"

	"tollgate/firmware/api"
	"tollgate/netfilter"
)

// dropsKept is how many different lines of "why was it dropped" can be looked at.
const dropsKept = 200

// drops remembers the samples of what the packet filter dropped last. Equal ones are counted together.
type drops struct {
	mu   sync.Mutex // guards everything below
	list []drop     // the latest last
}

type drop struct {
	kind  dropKind
	at    time.Time
	count int
}

// dropKind is what makes two drops the same to a person: the port a sender chose does not.
type dropKind struct {
	reason, iface, protocol string
	from                    netip.Addr
	to                      netip.AddrPort
}

func (d *drops) note(p netfilter.Drop) {
	kind := dropKind{p.Reason, p.Interface, p.Protocol, p.Source.Addr(), p.Destination}
	d.mu.Lock()
	defer d.mu.Unlock()
	n := drop{kind, p.At, 1}
	if i := slices.IndexFunc(d.list, func(o drop) bool { return o.kind == kind }); i >= 0 {
		n.count += d.list[i].count
		d.list = slices.Delete(d.list, i, i+1)
	}
	d.list = append(d.list, n)
	if over := len(d.list) - dropsKept; over > 0 {
		d.list = slices.Delete(d.list, 0, over)
	}
}

// latest lists them, the newest first; why says what each counter means.
func (d *drops) latest(why map[string]string) []api.Drop {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := make([]api.Drop, 0, len(d.list))
	for _, n := range slices.Backward(d.list) {
		to := n.kind.to.String()
		if n.kind.to.Port() == 0 {
			to = n.kind.to.Addr().String()
		}
		list = append(list, api.Drop{
			At: n.at, Reason: n.kind.reason, Why: why[n.kind.reason], Interface: n.kind.iface, Protocol: n.kind.protocol,
			Source: n.kind.from.String(), To: to, Count: n.count,
		})
	}
	return list
}

// watchDrops collects samples for as long as the process lives. Without them the counters still tell how many.
func (b *box) watchDrops(ctx context.Context) error {
	go func() {
		tell := func(d netfilter.Drop) {
			b.drops.note(d)
			b.bans.knocked(d)
		}
		if err := netfilter.WatchDrops(ctx, tell); err != nil {
			b.log.Warn("why packets are dropped cannot be told, only how many", "err", err)
		}
	}()
	return nil
}
