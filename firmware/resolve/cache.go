package resolve

import (
	"context"
	"fmt"
	"time"

	"github.com/miekg/dns"
)

// How long answers are kept: records at least shortestLife, since some publish a lifetime of zero.
const (
	shortestLife    = 5 * time.Second
	longestNegative = 5 * time.Minute
	usualNegative   = 30 * time.Second // without a SOA (RFC 2308 §5 has none kept; asking for each call would be worse)
	staleLife       = 30 * time.Second // a stale answer, until the name servers are asked again (RFC 8767 §4)
	failureLife     = 5 * time.Second  // a failure without anything to fall back on (RFC 9520 §3.2)
	maxKept         = 4096
	askTimeout      = 10 * time.Second // for one question to all name servers
)

// entry is what is known of one question.
type entry struct {
	records []dns.RR // none: there is no such record
	expires time.Time
	err     error // nobody could say, and nothing was known before
}

// records answers from memory or asks. The question goes on when the caller's patience ends: others wait for its answer.
func (r *Resolver) records(ctx context.Context, q question) ([]dns.RR, time.Time, error) {
	r.mu.Lock()
	e := r.kept[q]
	if e != nil && r.now().Before(e.expires) {
		r.mu.Unlock()
		return e.records, e.expires, e.err
	}
	a := r.asking[q]
	if a == nil {
		a = &asked{done: make(chan struct{})}
		r.asking[q] = a
		go r.fetch(context.WithoutCancel(ctx), q, a, e)
	}
	r.mu.Unlock()
	select {
	case <-a.done:
		return a.result.records, a.result.expires, a.result.err
	case <-ctx.Done():
		return nil, time.Time{}, fmt.Errorf("look up %s: %w", q, ctx.Err())
	}
}

// asked is a question under way.
type asked struct {
	done   chan struct{}
	result *entry // set before done is closed
}

// fetch answers a, knowing before.
func (r *Resolver) fetch(ctx context.Context, q question, a *asked, before *entry) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	a.result = r.inquire(ctx, q, before)
	r.mu.Lock()
	r.keep(q, a.result)
	delete(r.asking, q)
	r.mu.Unlock()
	close(a.done)
}

// keep remembers e. The caller holds the lock.
func (r *Resolver) keep(q question, e *entry) {
	if len(r.kept) >= maxKept {
		for k, old := range r.kept {
			if r.now().After(old.expires) || len(r.kept) >= maxKept {
				delete(r.kept, k)
			}
		}
	}
	r.kept[q] = e
}

// inquire asks the name servers. When they fail, what was known before goes on serving.
func (r *Resolver) inquire(ctx context.Context, q question, before *entry) *entry {
	m, err := r.ask(ctx, q)
	if err == nil {
		return r.read(q, m)
	}
	if before != nil && before.err == nil && len(before.records) > 0 {
		r.log.Info("name servers fail; the answer known before serves on", "question", q.String(), "err", err)
		return &entry{records: before.records, expires: r.now().Add(staleLife)}
	}
	return &entry{err: fmt.Errorf("look up %s: %w", q, err), expires: r.now().Add(failureLife)}
}

// read takes the records of q from an answer, along its CNAMEs, and how long they live.
func (r *Resolver) read(q question, m *dns.Msg) *entry {
	name, life := q.name, longestLife
	var records []dns.RR
	for range 8 { // CNAMEs in a row
		next := ""
		for _, rr := range m.Answer {
			h := rr.Header()
			if !sameName(h.Name, name) || h.Class != dns.ClassINET {
				continue
			}
			c, alias := rr.(*dns.CNAME)
			switch {
			case h.Rrtype == q.kind:
				records = append(records, rr)
			case alias:
				next = c.Target
			default:
				continue
			}
			life = min(life, seconds(h.Ttl))
		}
		if len(records) > 0 || next == "" {
			break
		}
		name = next
	}
	if len(records) == 0 {
		return &entry{expires: r.now().Add(negativeLife(m))}
	}
	return &entry{records: records, expires: r.now().Add(max(life, shortestLife))}
}

// negativeLife is how long it is believed that something does not exist (RFC 2308 §5).
func negativeLife(m *dns.Msg) time.Duration {
	for _, rr := range m.Ns {
		if soa, ok := rr.(*dns.SOA); ok {
			life := min(seconds(soa.Minttl), seconds(soa.Hdr.Ttl))
			return min(max(life, shortestLife), longestNegative)
		}
	}
	return usualNegative
}

func seconds(n uint32) time.Duration { return time.Duration(n) * time.Second }

func sameName(a, b string) bool { return dns.CanonicalName(a) == dns.CanonicalName(b) }
