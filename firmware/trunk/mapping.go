package trunk

import (
	"context"
	"maps"
	"net/netip"
	"slices"
	"time"
)

const (
	stunEvery   = 20 * time.Second
	stunTimeout = 8 * time.Second
)

// mapping asks STUN servers under which address the internet sees the box, as long as it runs.
type mapping struct {
	servers []netip.AddrPort
	stop    context.CancelFunc
}

// setSTUN has these servers asked from now on. The caller holds the lock.
func (t *Trunks) setSTUN(servers []netip.AddrPort) {
	if slices.Equal(servers, t.mapping.servers) {
		return
	}
	if t.mapping.stop != nil {
		t.mapping.stop()
	}
	t.mapping = mapping{servers: slices.Clone(servers)}
	if len(servers) == 0 || t.o.Mapped == nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.mapping.stop = cancel
	go t.watchMapping(ctx, t.mapping.servers)
}

// watchMapping asks again and again and tells the trunks.
func (t *Trunks) watchMapping(ctx context.Context, servers []netip.AddrPort) {
	failed := false
	for ctx.Err() == nil {
		seen, err := t.askSTUN(ctx, servers)
		switch {
		case err == nil:
			t.tellMapped(ctx, seen)
			failed = false
		case !failed && ctx.Err() == nil:
			failed = true
			t.o.Log.Warn("no STUN server answers", "err", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(jitter(stunEvery)):
		}
	}
}

// askSTUN asks one server after the other until one answers.
func (t *Trunks) askSTUN(ctx context.Context, servers []netip.AddrPort) (seen netip.AddrPort, err error) {
	for _, s := range servers {
		one, cancel := context.WithTimeout(ctx, stunTimeout)
		seen, err = t.o.Mapped(one, s)
		cancel()
		if err == nil {
			return seen, nil
		}
	}
	return netip.AddrPort{}, err
}

func (t *Trunks) tellMapped(ctx context.Context, seen netip.AddrPort) {
	t.mu.Lock()
	trunks := slices.Collect(maps.Values(t.trunks))
	t.mu.Unlock()
	if ctx.Err() != nil {
		return // other servers are asked by now
	}
	for _, tr := range trunks {
		if tr.network.Learn {
			tr.mapped(seen)
		}
	}
}
