package trunk

import (
	"context"
	"crypto/tls"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"tollgate/firmware/policy"
	"tollgate/firmware/resolve"
)

const (
	locateTimeout = 8 * time.Second // a name server that drops questions, and one that is dead
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
	tls   *tls.Config // verifies its servers; nil without TLS

	answer  resolve.Answer // the last one; a failure takes nothing away
	allowed []netip.Addr   // those of answer, let in before anything is sent there
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

// inherit takes over what the trunk of the same name knew of the same names: a change of the policy while the name
// servers are away must not cost the carrier, and calls that began at an old address go on.
func (t *Trunk) inherit(old *Trunk) {
	old.mu.Lock()
	defer old.mu.Unlock()
	for _, p := range t.names {
		for _, q := range old.names {
			if p.query == q.query && len(q.allowed) > 0 {
				p.admit(q.allowed)
				p.gone = maps.Clone(q.gone)
				p.learn(q.answer)
			}
		}
	}
	t.told = slices.Clone(old.told)
	if t.network.Learn && t.network.Outside == old.network.Outside && t.Policy.Transport == old.Policy.Transport {
		t.place.seen, t.place.by, t.place.since = old.place.seen, old.place.by, old.place.since
	}
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
	t := p.trunk
	answer, err := t.o.Resolver.Locate(ctx, p.query)
	if err == nil {
		answer, err = p.plausible(answer)
	}
	t.telling <- struct{}{}
	defer func() { <-t.telling }()
	t.mu.Lock()
	p.failure = err
	if err == nil {
		p.admit(answer.Addrs())
	}
	addrs, changed := t.mayspeak()
	t.mu.Unlock()
	if changed { // before anything is sent to a new server: its answer must come in
		t.o.Addresses.Resolved(t.Policy.Name, addrs)
	}
	if err == nil {
		t.mu.Lock()
		p.learn(answer)
		t.mu.Unlock()
	}
	return err
}

// plausible leaves out addresses that no carrier can have: whoever answers for a name outside must not make the box talk
// to the office, or to itself, as if that were the carrier.
func (p *pool) plausible(answer resolve.Answer) (resolve.Answer, error) {
	if _, err := netip.ParseAddr(p.query.Host); err == nil || p.trunk.o.Plausible == nil {
		return answer, nil // an address in the policy was checked with it
	}
	var refused error
	kept := answer
	kept.Servers = nil
	for _, s := range answer.Servers {
		s.Addrs = slices.DeleteFunc(slices.Clone(s.Addrs), func(a netip.Addr) bool {
			err := p.trunk.o.Plausible(a)
			if err != nil {
				refused = err
				p.trunk.o.Log.Warn("address of a carrier refused", "trunk", p.trunk.Policy.Name, "server", s.Name, "err", err)
			}
			return err != nil
		})
		if len(s.Addrs) > 0 {
			kept.Servers = append(kept.Servers, s)
		}
	}
	if len(kept.Servers) == 0 && refused != nil {
		return kept, fmt.Errorf("%s leads to no carrier: %w", p.host, refused)
	}
	return kept, nil
}

// admit lets now in and gives those that have left their grace. The caller holds the lock.
func (p *pool) admit(now []netip.Addr) {
	for _, a := range p.allowed {
		if !slices.Contains(now, a) {
			p.gone[a] = time.Now().Add(grace)
		}
	}
	for _, a := range now {
		delete(p.gone, a)
	}
	p.allowed = now
}

// learn makes the members those of answer. The caller holds the lock.
func (p *pool) learn(answer resolve.Answer) {
	p.answer = answer
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

// mayspeak lists the addresses that the trunk may speak from, and whether they have changed since the last time. The
// caller holds the lock.
func (t *Trunk) mayspeak() (all []netip.Addr, changed bool) {
	for _, p := range t.names {
		p.forget()
		all = append(all, p.allowed...)
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

// hold notes the member that has our registration.
func (p *pool) hold(m *Member) {
	p.trunk.mu.Lock()
	defer p.trunk.mu.Unlock()
	m.avoided = time.Time{}
	if p.members[m.addr] == m {
		p.holder = m
	}
}
