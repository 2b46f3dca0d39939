package trunk

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"tollgate/firmware/policy"
	"tollgate/firmware/resolve"
)

const (
	locateTimeout = 5 * time.Second
	// The names are looked up again when what is known of them lapses, within these bounds.
	soonestLook = 5 * time.Second
	latestLook  = 5 * time.Minute
	retryLook   = 30 * time.Second
	// grace is how long an address that has left the carrier's names may still speak: calls that began there go on.
	grace = time.Hour
	// maxGone bounds how many of them are remembered.
	maxGone = 256
)

// pool is what stands behind one name of a carrier's. Its trunk's mutex guards it.
type pool struct {
	trunk *Trunk
	host  string // host[:port], as the policy has it
	query resolve.Query

	answer  resolve.Answer // the last one; a failure takes nothing away
	failure error          // of the last look-up
	members map[netip.AddrPort]*Member
	gone    map[netip.Addr]time.Time // left the names; until when they may speak
	holder  *Member                  // has our registration
}

func newPool(t *Trunk, host string) *pool {
	p := &pool{trunk: t, host: host, members: map[netip.AddrPort]*Member{}, gone: map[netip.Addr]time.Time{}}
	p.query = resolve.Query{Transport: t.Policy.Transport, Family: familyOf(t.Local.Host)}
	p.query.Host, p.query.Port, _ = policy.SplitHost(host) // the policy has been checked
	return p
}

// familyOf says what can be reached from the box's own address.
func familyOf(own string) resolve.Family {
	a, err := netip.ParseAddr(own)
	switch {
	case err != nil:
		return resolve.Both
	case a.Is4():
		return resolve.IPv4
	}
	return resolve.IPv6
}

// look asks where the servers are and takes over what has changed.
func (p *pool) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, locateTimeout)
	defer cancel()
	answer, err := p.trunk.o.Resolver.Locate(ctx, p.query)
	t := p.trunk
	t.mu.Lock()
	p.failure = err
	if err == nil {
		p.learn(answer)
	}
	addrs, changed := t.allowed()
	t.mu.Unlock()
	if changed {
		t.o.Addresses.Resolved(t.Policy.Name, addrs)
	}
	return err
}

// learn makes the members those of answer. The caller holds the lock.
func (p *pool) learn(answer resolve.Answer) {
	before := p.answer.Addrs()
	p.answer = answer
	now := answer.Addrs()
	for _, a := range before {
		if !slices.Contains(now, a) {
			p.gone[a] = time.Now().Add(grace)
		}
	}
	for _, a := range now {
		delete(p.gone, a)
	}
	p.forget()
	listed := answer.Order(rand.Uint64N)
	for _, a := range listed {
		if p.members[a] == nil {
			p.members[a] = &Member{pool: p, addr: a}
		}
	}
	for a, m := range p.members {
		if slices.Contains(listed, a) {
			continue
		}
		delete(p.members, a)
		if m == p.holder {
			p.holder = nil
			p.trunk.registerAnew()
		}
	}
}

// forget ends the grace of addresses whose time is over, and of the oldest when there are too many.
func (p *pool) forget() {
	for a, until := range p.gone {
		if !time.Now().Before(until) {
			delete(p.gone, a)
		}
	}
	for len(p.gone) > maxGone {
		var oldest netip.Addr
		for a, until := range p.gone {
			if !oldest.IsValid() || until.Before(p.gone[oldest]) {
				oldest = a
			}
		}
		delete(p.gone, oldest)
	}
}

// allowed lists the addresses that the trunk may speak from, and whether they have changed since the last time. The
// caller holds the lock.
func (t *Trunk) allowed() (all []netip.Addr, changed bool) {
	for _, p := range t.pools {
		p.forget()
		all = append(all, p.answer.Addrs()...)
		for a := range p.gone {
			all = append(all, a)
		}
	}
	slices.SortFunc(all, netip.Addr.Compare)
	all = slices.Compact(all)
	changed = !slices.Equal(all, t.told)
	t.told = all
	return all, changed
}

// keep looks the name up at once and then whenever what is known lapses.
func (p *pool) keep(ctx context.Context) {
	for {
		wait := retryLook
		if err := p.look(ctx); err == nil {
			p.trunk.mu.Lock()
			wait = min(max(time.Until(p.answer.Expires), soonestLook), latestLook)
			p.trunk.mu.Unlock()
		} else if ctx.Err() == nil {
			p.trunk.o.Log.Warn("carrier's servers not found", "trunk", p.trunk.Policy.Name, "host", p.host, "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// order lists the members as they are to be tried: the one that has our registration, then those that are well, each
// time in the order that their priorities and weights draw, then those that are not. None is left out.
func (p *pool) order() []*Member {
	p.trunk.mu.Lock()
	defer p.trunk.mu.Unlock()
	var list []*Member
	for _, a := range p.answer.Order(rand.Uint64N) {
		list = append(list, p.members[a])
	}
	slices.SortStableFunc(list, func(a, b *Member) int { return cmp.Compare(a.rank(), b.rank()) })
	return list
}

// ready is order, after a look-up when nothing is known yet.
func (p *pool) ready(ctx context.Context) ([]*Member, error) {
	if list := p.order(); len(list) > 0 {
		return list, nil
	}
	if err := p.look(ctx); err != nil {
		return nil, fmt.Errorf("no server of %s is known: %w", p.host, err)
	}
	return p.order(), nil
}

// hold notes the member that has our registration.
func (p *pool) hold(m *Member) {
	p.trunk.mu.Lock()
	defer p.trunk.mu.Unlock()
	m.avoided = time.Time{}
	if p.members[m.addr] == m {
		p.holder = m
	}
}
