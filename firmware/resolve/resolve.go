// Package resolve finds the servers of a SIP domain (RFC 3263): NAPTR, SRV with priority and weight, A and AAAA.
//
//	host          IP address, or with a port -> no SRV, no NAPTR (§4.2)
//	   NAPTR      the service of the transport in use: SIP+D2U, SIP+D2T or SIPS+D2T (§4.1)
//	   SRV        what NAPTR names, else _sip._udp, _sip._tcp or _sips._tcp of the host (§4.2)
//	   A, AAAA    of each server, or of the host itself when there is no SRV
//
// What was found is kept as long as it lives, and longer when the name servers fail: an answer that is stale is better
// than none (RFC 8767). What does not exist is kept too, shorter (RFC 2308). The same question is asked once at a time.
//
// It leaves to others: which transport (policy), trying one server after the other (trunk), connections (edge).
package resolve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"

	"github.com/miekg/dns"

	"tollgate/firmware/policy"
)

// Family says which addresses can be reached.
type Family int

// The families.
const (
	Both Family = iota
	IPv4
	IPv6
)

// Query asks where a host is reached.
type Query struct {
	Host      string // a name or an IP address
	Port      uint16 // 0: none is given, so SRV decides
	Transport policy.Transport
	Family    Family
}

// ErrNoServer says that the name servers answered and that there is nothing there.
var ErrNoServer = errors.New("the name servers know no server for it")

// Options are what New needs.
type Options struct {
	Servers []netip.AddrPort // empty: those of /etc/resolv.conf
	Log     *slog.Logger
	Now     func() time.Time      // nil: time.Now
	Random  func(n uint64) uint64 // below n; nil: math/rand
}

// Resolver asks name servers and remembers. It is safe for concurrent use.
type Resolver struct {
	log    *slog.Logger
	now    func() time.Time
	random func(n uint64) uint64
	ask    exchange

	mu      sync.Mutex // guards everything below
	servers []netip.AddrPort
	kept    map[question]*entry
	asking  map[question]*asked
}

// exchange sends one question and returns an answer that is about it.
type exchange func(ctx context.Context, q question) (*dns.Msg, error)

type question struct {
	name string // lower case, with its final dot
	kind uint16
}

func (q question) String() string {
	return dns.TypeToString[q.kind] + " of " + q.name[:max(0, len(q.name)-1)]
}

// New makes a Resolver.
func New(o Options) *Resolver {
	r := &Resolver{log: o.Log, now: o.Now, random: o.Random, servers: o.Servers, kept: map[question]*entry{}, asking: map[question]*asked{}}
	if r.now == nil {
		r.now = time.Now
	}
	if r.random == nil {
		r.random = rand.Uint64N
	}
	r.ask = (&wire{servers: r.nameServers, hosts: hostsFile}).ask
	return r
}

// Use asks these name servers from now on; none stands for those of the system. What is known stays known.
func (r *Resolver) Use(servers []netip.AddrPort) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.servers = servers
}

func (r *Resolver) nameServers() []netip.AddrPort {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.servers
}

// Locate finds the servers of q. When some of what it takes cannot be asked for but was known before, that serves.
// errors.Is(err, ErrNoServer) tells that there is none, every other error that nobody could say.
func (r *Resolver) Locate(ctx context.Context, q Query) (Answer, error) {
	l := &location{resolver: r, query: q, answer: Answer{Expires: r.now().Add(longestLife)}}
	if err := l.find(ctx); err != nil {
		return Answer{}, fmt.Errorf("find %s: %w", q.Host, err)
	}
	return l.answer, nil
}
