package resolve

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"tollgate/firmware/policy"
)

// How much of what a name server says is taken.
const (
	maxNAPTR = 16
	maxSRV   = 32
	maxAddrs = 16 // of one server
	maxTotal = 64 // of all servers: each of them is asked for its health, and may be tried
)

// location is one search.
type location struct {
	resolver *Resolver
	query    Query
	answer   Answer
}

func (l *location) find(ctx context.Context) error {
	port := l.query.Port
	if addr, err := netip.ParseAddr(l.query.Host); err == nil {
		l.add(Server{Name: l.query.Host, Addrs: []netip.Addr{addr.Unmap()}, Port: cmp.Or(port, l.query.Transport.DefaultPort())})
		return nil
	}
	if port != 0 {
		return l.host(ctx, Server{Name: l.query.Host, Port: port})
	}
	for _, name := range l.services(ctx) {
		found, err := l.service(ctx, name)
		if found || err != nil {
			return err
		}
	}
	return l.host(ctx, Server{Name: l.query.Host, Port: l.query.Transport.DefaultPort()})
}

// services lists the names of the SRV records, the preferred first: what NAPTR records name, then the usual one.
func (l *location) services(ctx context.Context) []string {
	usual := map[policy.Transport]string{policy.UDP: "_sip._udp.", policy.TCP: "_sip._tcp.", policy.TLSTransport: "_sips._tcp."}
	direct := usual[l.query.Transport] + dns.Fqdn(l.query.Host)
	short, cancel := context.WithTimeout(ctx, naptrPatience)
	defer cancel()
	records, err := l.lookup(short, l.query.Host, dns.TypeNAPTR)
	if err != nil {
		// Many a router's name server knows no NAPTR, and some drop the question. The usual name is what the answer would
		// have been almost always.
		l.resolver.log.Debug("NAPTR not looked up", "host", l.query.Host, "err", err)
		return []string{direct}
	}
	wanted := map[policy.Transport]string{policy.UDP: "SIP+D2U", policy.TCP: "SIP+D2T", policy.TLSTransport: "SIPS+D2T"}
	var fitting []*dns.NAPTR
	for _, rr := range records[:min(len(records), maxNAPTR)] {
		n, ok := rr.(*dns.NAPTR)
		if ok && strings.EqualFold(n.Service, wanted[l.query.Transport]) && strings.EqualFold(n.Flags, "s") && n.Replacement != "." {
			fitting = append(fitting, n)
		}
	}
	slices.SortStableFunc(fitting, func(a, b *dns.NAPTR) int {
		return cmp.Or(cmp.Compare(a.Order, b.Order), cmp.Compare(a.Preference, b.Preference))
	})
	var names []string
	for _, n := range fitting {
		names = append(names, n.Replacement)
	}
	return append(names, direct)
}

// service takes the servers of one SRV name; found tells that there is such a name.
func (l *location) service(ctx context.Context, name string) (found bool, err error) {
	records, err := l.lookup(ctx, name, dns.TypeSRV)
	if err != nil {
		// Without an answer nobody knows whether there is a port to respect: going on to A would guess one.
		return false, err
	}
	var list []*dns.SRV
	for _, rr := range records[:min(len(records), maxSRV)] {
		if s, ok := rr.(*dns.SRV); ok {
			list = append(list, s)
		}
	}
	if len(list) == 0 {
		return false, nil
	}
	if len(list) == 1 && list[0].Target == "." {
		return true, fmt.Errorf("%s says that there is no such service: %w", strings.TrimSuffix(name, "."), ErrNoServer)
	}
	slices.SortStableFunc(list, func(a, b *dns.SRV) int { return cmp.Compare(a.Priority, b.Priority) })
	var failures []error
	for _, s := range list {
		if s.Port == 0 || s.Target == "." {
			continue
		}
		err := l.host(ctx, Server{Name: strings.TrimSuffix(s.Target, "."), Port: s.Port, Priority: s.Priority, Weight: s.Weight})
		failures = append(failures, err)
	}
	if len(l.answer.Servers) == 0 {
		return true, cmp.Or(errors.Join(failures...), ErrNoServer)
	}
	return true, nil
}

// host adds a server under the addresses of its name.
func (l *location) host(ctx context.Context, s Server) error {
	kinds := map[Family][]uint16{IPv4: {dns.TypeA}, IPv6: {dns.TypeAAAA}, Both: {dns.TypeA, dns.TypeAAAA}}[l.query.Family]
	var failures []error
	for _, kind := range kinds {
		records, err := l.lookup(ctx, s.Name, kind)
		failures = append(failures, err)
		for _, rr := range records[:min(len(records), maxAddrs)] {
			if a, ok := addressOf(rr); ok {
				s.Addrs = append(s.Addrs, a)
			}
		}
	}
	if len(s.Addrs) == 0 {
		if err := errors.Join(failures...); err != nil {
			return err
		}
		return fmt.Errorf("%s has no address: %w", s.Name, ErrNoServer)
	}
	l.add(s)
	return nil
}

func addressOf(rr dns.RR) (netip.Addr, bool) {
	switch rr := rr.(type) {
	case *dns.A:
		return netip.AddrFromSlice(rr.A.To4())
	case *dns.AAAA:
		a, ok := netip.AddrFromSlice(rr.AAAA)
		return a.Unmap(), ok
	}
	return netip.Addr{}, false
}

// add takes a server as long as there is room.
func (l *location) add(s Server) {
	have := 0
	for _, known := range l.answer.Servers {
		have += len(known.Addrs)
	}
	if s.Addrs = s.Addrs[:min(len(s.Addrs), max(0, maxTotal-have))]; len(s.Addrs) > 0 {
		l.answer.Servers = append(l.answer.Servers, s)
	}
}

// lookup returns the records of a name, none when there is none. What it was told bounds the life of the answer.
func (l *location) lookup(ctx context.Context, name string, kind uint16) ([]dns.RR, error) {
	records, expires, err := l.resolver.records(ctx, question{strings.ToLower(dns.Fqdn(name)), kind})
	if err == nil && expires.Before(l.answer.Expires) {
		l.answer.Expires = expires
	}
	return records, err
}

// naptrPatience is a little more than one name server has for an answer, so that a second one can give it.
const naptrPatience = tryTimeout + 500*time.Millisecond

// longestLife bounds what is believed without asking again, in case somebody publishes a lifetime of weeks.
const longestLife = time.Hour
