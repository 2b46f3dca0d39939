package trunk

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"

	"tollgate/firmware/policy"
)

// pools are what stands behind several names of a carrier's, the preferred name first.
type pools []*pool

// openPools makes the pools that the policy asks for: one for each outbound proxy, and one for the registrar.
func (t *Trunk) openPools() error {
	p := t.Policy
	hosts := p.OutboundProxy
	if len(hosts) == 0 {
		hosts = policy.Hosts{cmp.Or(p.Registrar, p.Domain)}
	}
	for _, host := range hosts {
		made := newPool(t, host)
		t.calls = append(t.calls, made)
		if host == p.Registrar {
			t.home = made
		}
	}
	t.names = slices.Clone(t.calls)
	if p.Registrar != "" && t.home == nil {
		t.home = newPool(t, p.Registrar)
		t.names = append(t.names, t.home)
	}
	if p.Transport != policy.TLSTransport {
		return nil
	}
	for _, one := range t.names {
		var err error
		if one.tls, err = t.clientTLS(one); err != nil {
			return err
		}
	}
	return nil
}

// clientTLS verifies the servers of one name. A carrier with one way in shows a certificate of its domain, from before
// SRV (RFC 5922 §7); each of several proxies is a domain of its own.
func (t *Trunk) clientTLS(p *pool) (*tls.Config, error) {
	name := t.Policy.Domain
	if _, err := netip.ParseAddr(p.query.Host); err != nil && len(t.calls) > 1 {
		name = p.query.Host
	}
	return t.o.Clients.Client(t.Policy.TLS, cmp.Or(t.Policy.TLS.ServerName, name))
}

// order lists the members as they are to be tried: the one that has our registration, then those that are well, name by
// name and each time in the order that their priorities and weights draw, then those that are not. None is left out.
func (ps pools) order(random func(n uint64) uint64) []*Member {
	mu := &ps[0].trunk.mu
	mu.Lock()
	defer mu.Unlock()
	var list []*Member
	for _, p := range ps {
		for _, a := range p.answer.Order(random) {
			if !slices.ContainsFunc(list, func(m *Member) bool { return m.addr == a }) { // two names may lead to one server
				list = append(list, p.members[a])
			}
		}
	}
	slices.SortStableFunc(list, func(a, b *Member) int { return cmp.Compare(a.rank(), b.rank()) })
	return list
}

// ready is order, after a look-up when nothing is known yet.
func (ps pools) ready(ctx context.Context) ([]*Member, error) {
	if list := ps.order(rand.Uint64N); len(list) > 0 {
		return list, nil
	}
	var failure error
	for _, p := range ps {
		if err := p.look(ctx); err != nil {
			failure = cmp.Or(failure, fmt.Errorf("no server of %s is known: %w", p.host, err))
		}
	}
	list := ps.order(rand.Uint64N)
	if len(list) > 0 {
		failure = nil // one of the names is enough
	}
	return list, failure
}

// members lists the servers of all names. The caller holds the lock.
func (ps pools) members() []*Member {
	var list []*Member
	for _, p := range ps {
		for _, m := range p.members {
			list = append(list, m)
		}
	}
	return list
}
